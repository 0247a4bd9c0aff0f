"""The nouns of a start: what was asked, what the world is like, and what follows for the accounts.

They are values, without behaviour beyond equality of content. Text from the world (paths, arguments, environment,
account files) is `str` decoded with ``surrogateescape``, so that every byte survives. Ids are ints, 0 to 4294967294.
The kinds of step are in `steps`, the nouns of a single process in `process`.
"""

from pydrop.executable import Executable as Executable
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

    name: "str | None" = None
    uid: "int | None" = None
    group: "str | None" = None
    gid: "int | None" = None
    source: str = ""


class NumberAsked(Value):
    """PUID or PGID: the id, and the name of the place that sets it."""

    number: int
    source: str


CHOWN_POLICIES = ("mismatch", "on-root-mismatch", "unless-writable", "top", "idmap", "never")


class Volume(Value):
    """A path to chown, and how. docs/settings.md has the meaning of each field."""

    path: str
    policy: str = "mismatch"  # one of CHOWN_POLICIES
    mode: "str | None" = None
    exclude: "tuple[str, ...]" = ()
    across_mounts: bool = False
    only_from: "tuple[int | None, int | None] | None" = None  # (uid, gid); None matches any
    create: bool = False
    hard_links: bool = False  # also chown files of others that have more than one link
    source: str = ""
    former: "tuple[int | None, int | None] | None" = (
        None  # set by planning alone: the account's former ids, see HomeStep
    )


class Secret(Value):
    """A variable whose value is read from the file `path`. `pointer` is the variable that named the file."""

    name: str
    path: str
    pointer: str


class Settings(Value):
    """All settings of a start. The value of each field is its default; settings.table has its row."""

    user: "UserAsked | None" = None
    puid: "NumberAsked | None" = None
    pgid: "NumberAsked | None" = None
    owner_of: "str | None" = None
    home: "str | None" = None
    groups: "tuple[str | int, ...]" = ()
    groups_policy: str = "merge"  # merge | strict
    devices: "tuple[str, ...]" = ()
    umask: "int | None" = None
    volumes: "tuple[Volume, ...]" = ()
    chown_policy: str = "mismatch"  # of the volumes that name none, and of the home folder
    chown_errors: str = "warn"  # warn | fail
    chown_hard_links: bool = False  # of the volumes that do not say, and of the home folder
    run_dirs: "tuple[str, ...]" = ()
    secrets: "tuple[Secret, ...]" = ()
    hooks: str = "/etc/pydrop.d"
    user_hooks: str = "/etc/pydrop.user.d"
    default_command: tuple[str, ...] = ()  # in front of a command that begins with a dash, or is not there
    keep_caps: "tuple[str, ...]" = ()  # lower case, without "cap_"
    no_new_privs: bool = True
    bounding_set: str = "keep"  # keep | empty
    oom_score_adj: "int | None" = None
    init: bool = False
    stop_signal: int = 15
    stop_timeout: "float | None" = 10.0  # seconds; None: no limit
    kill_grace: float = 3.0  # seconds
    rewrite: "tuple[tuple[int, int], ...]" = ()  # (signal that comes, signal passed on; 0 for none)
    signal_group: bool = False
    exit_codes: "tuple[tuple[int, int], ...]" = ()  # (the command's, pydrop's)
    pdeathsig: "int | None" = None
    ready: str = "started"  # started | notify | fd:N
    ready_file: "str | None" = None
    keep_root: bool = False
    log_level: str = "info"  # error | warn | info | debug
    log_format: str = "text"  # text | json
    command: "tuple[str, ...]" = ()
    show: str = ""  # "help" | "version" where that was asked for; then no other field is filled in
    sources: "dict[str, str]"  # setting's name -> source, for each setting that was given


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
    members: "tuple[str, ...]" = ()


class Device(Value):
    """A device file or a socket, its owner and its `mode` (st_mode, which says who may open it)."""

    path: str
    uid: int
    gid: int
    mode: int


class AbsentDevice(Value):
    """A path that the setting `devices` names, and at which there is no device: why, and what to do."""

    path: str
    problem: str
    remedy: str


class Record(Value):
    """What an entrypoint leaves behind for a later `exec` into the same container.

    `instance` names this run of the container: it differs after a restart."""

    instance: str
    identity: Identity
    umask: "int | None"
    keep_caps: "tuple[str, ...]"
    no_new_privs: bool
    bounding_set: str
    environment: "tuple[str, ...]"  # NAME=value lines that hooks and settings added, NAME those they unset; no secrets
    users: "tuple[str, ...]" = ()  # the same of user hooks, which the program's user wrote: for that user alone


class Facts(Value):
    """The world as `inspection` found it in one look, which changes nothing."""

    credentials: Credentials
    pid: int
    uid_map: "tuple[IdRange, ...]"
    gid_map: "tuple[IdRange, ...]"
    setgroups_allowed: bool
    passwd: str
    group: str
    account_files: str  # "rename" | "in place" | "append" | "no": how /etc/passwd can be changed
    stray_files: bool = False  # a start that was killed left a new account file behind
    nss_wrapper: "str | None" = None  # the path of libnss_wrapper.so, where the image has it
    owner: "tuple[int, int] | None" = None  # (uid, gid) of the path that the setting `owner_of` names
    devices: "tuple[Device, ...]" = ()
    absent_devices: "tuple[AbsentDevice, ...]" = ()
    places: "tuple[tuple[str, str], ...]" = ()  # (a volume's path, the path behind all links, "" for nothing)
    roots: "tuple[str, ...]" = ()  # paths of volumes with the policy idmap that are root's
    idmapped: "tuple[tuple[str, int, int], ...]" = ()  # (path, uid, gid) of volumes on idmapped mounts, as they show
    hooks: "tuple[str, ...]" = ()
    left_out: "tuple[str, ...]" = ()  # variables that hooks do not get, since the user may have written what they name
    hooks_without_bit: "tuple[str, ...]" = ()  # programs in the hooks folder that lack an execute bit
    user_hooks: "tuple[str, ...]" = ()
    user_hooks_without_bit: "tuple[str, ...]" = ()
    without_user_hooks: str = ""  # a warning: their folder is gone, or replaced
    run_stands: bool = False  # /run, /tmp and the like have their standard entries already
    tmpfiles: "tuple[tuple[str, str], ...]" = ()  # (path, text) of tmpfiles.d files that mention /run
    instance: str = ""  # names this process (proc_stat.instance)
    record: "Record | None" = None  # left by this container's entrypoint, where this is a later `exec`
    in_hook: bool = False  # the record is that of the start whose hook runs this process
    second_time: bool = False  # without root: an entrypoint that ran as root has left its record
    environment: "tuple[str, ...]" = ()
    writable: "tuple[str, ...]" = ()  # without root: paths of chown and run-dirs that this process can write
    makeable: "tuple[str, ...]" = ()  # without root: missing run-dirs that this process can create
    homes_writable: bool = True  # whether this process can create a folder in /home, or /home itself
    command: "Executable | None" = None  # the file of the command
    command_paths: "tuple[str, ...]" = ()  # where it was looked for
    mounts: "tuple[tuple[str, str], ...]" = ()  # (mount point, type) of what is mounted for the program: volume_mounts


# -- what follows ---------------------------------------------------------------------------------


class AccountChange(Value):
    """What passwd(5) and group(5) must say: the first entry that has the name or the number is this one.

    `former` is the account's entry before the change, None where the account is created. `more_groups` get an entry
    where their gid has none (groups of devices)."""

    account: Account
    group: Group
    former: "Account | None" = None
    more_groups: "tuple[Group, ...]" = ()
