"""The kinds of step of a start, and the plan, which is a list of steps.

A step is a value that states a postcondition. `planning` builds it, the module that it names as `performer` makes it
true, and `pydropctl plan` prints it.
"""

from pydrop.model import AccountChange, Identity, Record, Secret, Value, Volume
from pydrop.process import InitStep as InitStep
from pydrop.process import PrivilegesStep as PrivilegesStep
from pydrop.process import Step as Step


class AccountsStep(Step):
    """passwd(5) and group(5) hold the entries of `change`.

    `how` says by which way: "rename", "in place", "append" (accountfiles); "wrapper" (nss_wrapper); "environment" where
    only HOME, USER and LOGNAME can name the user."""

    kind = "accounts"

    change: AccountChange
    how: str
    library: str = ""  # libnss_wrapper.so for "wrapper"

    @property
    def performer(self) -> str:  # type: ignore[override] # this performer depends on a field too
        """The module for `how`. "environment" has none: nothing is left to do but the plan's warning."""
        return {"environment": "", "wrapper": "pydrop.perform.nss_wrapper"}.get(self.how, "pydrop.perform.accountfiles")


class RunEntry(Value):
    """A path that must exist, in the terms of tmpfiles.d(5).

    `kind` is "d" folder, "D" the same, "f" file, "L" symlink. `content` is the file's text or the link's target.
    `mode` None leaves the mode unchanged."""

    kind: str
    path: str
    mode: "int | None"
    uid: int
    gid: int
    content: str = ""
    source: str = ""
    exact: bool = False  # an existing folder gets this owner and mode too, not only one that is created
    spares: "tuple[str, ...]" = ()  # "mode", "uid", "gid": what an exact entry leaves unchanged on an existing folder
    masked: bool = False  # r, w or x bits that an existing mode lacks stay off (`~` of tmpfiles.d)
    replaces: bool = False  # a file's other content, or a link's other target, is replaced (`f+`, `L+`)


class RuntimeStep(Step):
    """These entries exist, in /run and the other folders for runtime files; parents come first."""

    kind = "runtime"
    performer = "pydrop.perform.runtime"

    entries: "tuple[RunEntry, ...]"
    hooks_folder: str = ""  # as configured: with what lies there it is never to be given


class StreamsStep(Step):
    """The pipe, socket or terminal behind descriptors 0, 1 and 2 belongs to `uid`, as a runtime arranges for --user."""

    kind = "streams"
    performer = "pydrop.perform.streams"

    uid: int


class HomeStep(Step):
    """In the home folder of the account `name`, entries of its former uid have `uid`, those of its former gid `gid`.

    `volume.former` holds the two former numbers, None where that number stays. Entries that have neither stay, and so
    do `others`, the paths of volumes: what lies below one is its own policy's."""

    kind = "home"
    performer = "pydrop.perform.ownership.home_folder"

    name: str
    volume: Volume
    uid: int
    gid: int
    groups: "tuple[int, ...]"  # supplementary, for "can the user write this"
    errors: str  # warn | fail
    hooks_folder: str = ""  # as configured: with what lies there it is never to be given
    others: "tuple[str, ...]" = ()


class VolumesStep(Step):
    """Every volume belongs to uid:gid, as far as its policy wants it. One that lies below another is left out there."""

    kind = "volumes"
    performer = "pydrop.perform.ownership"

    volumes: "tuple[Volume, ...]"
    uid: int
    gid: int
    groups: "tuple[int, ...]"  # supplementary, for "can the user write this"
    errors: str  # warn | fail
    hooks_folder: str = ""  # as configured: with what lies there it is never to be given


class SecretsStep(Step):
    """Each variable holds its file's content, and the variables that named the files are gone."""

    kind = "secrets"
    performer = "pydrop.perform.secrets"

    secrets: "tuple[Secret, ...]"


class HooksStep(Step):
    """These executables have run and succeeded, in this order, each with the command as its arguments.

    `record` says who the program becomes, and what it keeps."""

    kind = "hooks"
    performer = "pydrop.perform.hooks"

    hooks: "tuple[str, ...]"
    given: "tuple[str, ...]" = ()  # folders that become the program's user's, from which root runs nothing
    command: "tuple[str, ...]"
    record: Record


class UserHookStep(Step):
    """This executable has run and succeeded as the program's user, dropped as `drop` says, with the command as its
    arguments."""

    kind = "user-hook"
    performer = "pydrop.user_hooks"

    hook: str
    command: "tuple[str, ...]"
    record: Record
    drop: PrivilegesStep


class RecordStep(Step):
    """/run/pydrop/record says who this container's program is, for a second `pydrop` in the container."""

    kind = "record"
    performer = "pydrop.perform.record_file"

    record: Record


class MountsStep(Step):
    """Each folder of `mounts` that the program cannot write is named in one warning. Nothing is changed."""

    kind = "mounts"
    performer = "pydrop.perform.unwritable_mounts"

    mounts: "tuple[tuple[str, str], ...]"  # (mount point, type), see Facts
    identity: Identity
    root: bool  # root makes this start, so it could chown them
    listed: str  # PYDROP_CHOWN as it is, which a longer one has to repeat


class OomStep(Step):
    """oom_score_adj (proc(5)) of this process, and so of the program that it becomes, is `score_adj`."""

    kind = "oom"
    performer = "pydrop.perform.oom"

    score_adj: int


class Plan(Value):
    """The steps of a start in their order, and the warnings for the person. The last step is the drop."""

    identity: Identity
    steps: "tuple[Step, ...]"
    warnings: "tuple[str, ...]"
    command: "tuple[str, ...]"
    environment: "tuple[tuple[str, str | None], ...]"  # HOME, USER, LOGNAME and what the settings add; None unsets
