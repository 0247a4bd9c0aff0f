"""The kinds of step that a start is made of, each a postcondition as a value; and the plan, which is steps."""

from pydrop.model import AccountChange, Identity, Record, Secret, Value, Volume
from pydrop.process import InitStep as InitStep
from pydrop.process import PrivilegesStep as PrivilegesStep
from pydrop.process import Step as Step


class AccountsStep(Step):
    """passwd(5) and group(5) say what `change` says.

    `how`: "rename", "in place", "append" (accountfiles); "wrapper" (nss_wrapper); "environment": only
    HOME, USER and LOGNAME can say it."""

    kind = "accounts"

    change: AccountChange
    how: str
    library: str = ""  # libnss_wrapper.so for "wrapper"

    @property
    def performer(self) -> str:  # type: ignore[override] # the class of this one alone does not say it all
        """Of `how`; "environment" leaves nothing to do but what the plan has warned of."""
        return {"environment": "", "wrapper": "pydrop.perform.nss_wrapper"}.get(self.how, "pydrop.perform.accountfiles")


class RunEntry(Value):
    """A path that must exist: `kind` is "d" folder, "D" the same, "f" file, "L" symlink
    (tmpfiles.d(5)); `content` is the file's text or the link's target. `mode` None leaves it."""

    kind: str
    path: str
    mode: int | None
    uid: int
    gid: int
    content: str = ""
    source: str = ""
    exact: bool = False  # an existing folder is given this owner and mode too; else only what is made
    spares: tuple[str, ...] = ()  # "mode", "uid", "gid": what an exact entry leaves as it is all the same
    masked: bool = False  # an existing mode's missing r, w or x bits stay missing (`~` of tmpfiles.d)
    replaces: bool = False  # a file's other content, a link's other target is replaced (`f+`, `L+`)


class RuntimeStep(Step):
    """/run and friends hold these entries, parents first."""

    kind = "runtime"
    performer = "pydrop.perform.runtime"

    entries: tuple[RunEntry, ...]


class StreamsStep(Step):
    """The pipe, socket or terminal behind 0, 1 and 2 belongs to `uid`, as runtimes do for --user."""

    kind = "streams"
    performer = "pydrop.perform.streams"

    uid: int


class HomeStep(Step):
    """In the home folder of the account `name`, what had its former uid has `uid`, what had its former gid `gid`.

    `volume.former` holds those two, None where that number stays; an entry that has neither is left alone."""

    kind = "home"
    performer = "pydrop.perform.ownership.home_folder"

    name: str
    volume: Volume
    uid: int
    gid: int
    groups: tuple[int, ...]  # supplementary, for "can the user write this"
    errors: str  # warn | fail


class VolumesStep(Step):
    """Every volume is owned by uid:gid as its policy says."""

    kind = "volumes"
    performer = "pydrop.perform.ownership"

    volumes: tuple[Volume, ...]
    uid: int
    gid: int
    groups: tuple[int, ...]  # supplementary, for "can the user write this"
    errors: str  # warn | fail


class SecretsStep(Step):
    """The variables are set from their files and the pointing variables are gone."""

    kind = "secrets"
    performer = "pydrop.perform.secrets"

    secrets: tuple[Secret, ...]


class HooksStep(Step):
    """These executables have run, in this order, with the command's arguments, and succeeded."""

    kind = "hooks"
    performer = "pydrop.perform.hooks"

    hooks: tuple[str, ...]
    command: tuple[str, ...]


class RecordStep(Step):
    """/run/pydrop says who this container's program is, for a second `pydrop` in it."""

    kind = "record"
    performer = "pydrop.perform.record_file"

    record: Record


class OomStep(Step):
    """The kernel's out-of-memory killer counts this process, and what it becomes, by this much more (proc(5))."""

    kind = "oom"
    performer = "pydrop.perform.oom"

    score_adj: int


class Plan(Value):
    """The steps of a start in their order, and what to tell the person. The last step is the drop."""

    identity: Identity
    steps: tuple[Step, ...]
    warnings: tuple[str, ...]
    command: tuple[str, ...]
    environment: tuple[tuple[str, str], ...]  # HOME, USER, LOGNAME and what the settings add
