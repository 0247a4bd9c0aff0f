"""The nouns of a start, but for its steps: values only, no behaviour beyond equality of content.

Text that came from the world (paths, arguments, environment, account files) is `str` decoded with
``surrogateescape``, so that every byte survives the way through. Ids are ints, 0 to 4294967294.
"""

from pydrop.process import Credentials as Credentials
from pydrop.process import Identity as Identity
from pydrop.process import IdRange as IdRange
from pydrop.process import InitProcess as InitProcess
from pydrop.process import Outcome as Outcome
from pydrop.process import Start as Start
from pydrop.process import Supervision as Supervision
from pydrop.process import Value as Value

# -- what was asked -------------------------------------------------------------------------------


class UserAsked(Value):
    """The `user` setting taken apart: at most one of name/uid, at most one of group/gid."""

    name: str | None = None
    uid: int | None = None
    group: str | None = None
    gid: int | None = None
    source: str = ""


class NumberAsked(Value):
    """PUID or PGID: an id and its source."""

    number: int
    source: str


CHOWN_POLICIES = ("mismatch", "on-root-mismatch", "unless-writable", "top", "never")


class Volume(Value):
    """A path to own and how; see docs/settings.md for the meaning of each field."""

    path: str
    policy: str = "mismatch"  # one of CHOWN_POLICIES
    mode: str | None = None
    exclude: tuple[str, ...] = ()
    across_mounts: bool = False
    only_from: tuple[int | None, int | None] | None = None  # (uid, gid); None matches any
    create: bool = False
    hard_links: bool = False  # also give away root's files that have more than one link
    source: str = ""
    former: tuple[int | None, int | None] | None = None  # no setting: the (uid, gid) of before, see HomeStep


class Secret(Value):
    """A variable whose value is read from a file. `pointer` is the variable that named the file."""

    name: str
    path: str
    pointer: str


class Settings(Value):
    """Everything that can be asked, complete. The value of each field is its default; settings.table has its row."""

    user: UserAsked | None = None
    puid: NumberAsked | None = None
    pgid: NumberAsked | None = None
    owner_of: str | None = None
    home: str | None = None
    groups: tuple[str | int, ...] = ()
    devices: tuple[str, ...] = ()
    umask: int | None = None
    volumes: tuple[Volume, ...] = ()
    chown_policy: str = "mismatch"  # of the volumes that name none, and of the home folder
    chown_errors: str = "warn"  # warn | fail
    run_dirs: tuple[str, ...] = ()
    secrets: tuple[Secret, ...] = ()
    hooks: str = "/etc/pydrop.d"
    keep_caps: tuple[str, ...] = ()  # lower case, without "cap_"
    no_new_privs: bool = True
    oom_score_adj: int | None = None
    init: bool = False
    stop_signal: int = 15
    stop_timeout: float | None = 10.0  # seconds; None never ends
    kill_grace: float = 3.0  # seconds
    rewrite: tuple[tuple[int, int], ...] = ()  # (signal that comes, signal passed on; 0 for none)
    signal_group: bool = False
    exit_codes: tuple[tuple[int, int], ...] = ()  # (the command's, pydrop's)
    pdeathsig: int | None = None
    ready: str = "started"  # started | notify | fd:N
    ready_file: str | None = None
    keep_root: bool = False
    log_level: str = "info"  # error | warn | info | debug
    log_format: str = "text"  # text | json
    command: tuple[str, ...] = ()
    show: str = ""  # "help" | "version" where that was asked for; then nothing else is given
    sources: dict[str, str]  # setting's name -> source, for those that were given


# -- what the world is like -----------------------------------------------------------------------


class Account(Value):
    """One passwd(5) entry."""

    name: str
    uid: int
    gid: int
    gecos: str = ""
    home: str = "/"
    shell: str = ""


class Group(Value):
    """One group(5) entry."""

    name: str
    gid: int
    members: tuple[str, ...] = ()


class Device(Value):
    """A device file and who may open it. `mode` as st_mode."""

    path: str
    uid: int
    gid: int
    mode: int


class Record(Value):
    """What an entrypoint left for `exec` into the same container. `instance` names the container's
    run: it differs after a restart."""

    instance: str
    identity: Identity
    umask: int | None
    keep_caps: tuple[str, ...]
    no_new_privs: bool
    environment: tuple[str, ...]  # NAME=value lines that hooks and settings added; no secrets


class Facts(Value):
    """The world as `survey` found it, once, reading only."""

    credentials: Credentials
    pid: int
    uid_map: tuple[IdRange, ...]
    gid_map: tuple[IdRange, ...]
    setgroups_allowed: bool
    passwd: str
    group: str
    account_files: str  # "rename" | "in place" | "append" | "no": how /etc/passwd can be changed
    stray_files: bool = False  # a killed start left a new file of accounts behind
    nss_wrapper: str | None = None  # libnss_wrapper.so, where the image has it
    owner: tuple[int, int] | None = None  # of `owner_of`
    devices: tuple[Device, ...] = ()
    hooks: tuple[str, ...] = ()
    hooks_without_bit: tuple[str, ...] = ()  # programs among them that nobody may execute
    run_stands: bool = False  # /run and friends have their standard entries already
    tmpfiles: tuple[tuple[str, str], ...] = ()  # (path, text) of tmpfiles.d files that speak of /run
    instance: str = ""  # names this process (kernel.instance)
    record: Record | None = None  # what the entrypoint of this container left
    second_time: bool = False  # without root: an entrypoint of root's was here before
    environment: tuple[str, ...] = ()
    writable: tuple[str, ...] = ()  # without root: what chown and run-dirs name and this process can write
    makeable: tuple[str, ...] = ()  # without root: run-dirs that are not there, where this process can make them
    root_folder_writable: bool = True
    noexec_run: bool = False  # the command lies on a /run mounted noexec


# -- what follows ---------------------------------------------------------------------------------


class AccountChange(Value):
    """What must be true of passwd and group: these entries, found first by name and by number.

    `former` is the account's entry before, None where it is made. `more_groups` get an entry where
    their gid has none (device groups)."""

    account: Account
    group: Group
    former: Account | None = None
    more_groups: tuple[Group, ...] = ()
