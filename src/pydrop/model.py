"""The nouns of a start, but for its steps: values only, no imports, no behaviour beyond equality of content.

Text that came from the world (paths, arguments, environment, account files) is `str` decoded with
``surrogateescape``, so that every byte survives the way through. Ids are ints, 0 to 4294967294.
"""

TYPE_CHECKING = False  # `typing` costs 12 ms at a start; only the type checker needs it
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import dataclass_transform

    from pydrop.steps import Record, Step
else:

    def dataclass_transform(**_options):
        return lambda cls: cls


@dataclass_transform(kw_only_default=True, eq_default=True)
class Value:
    """A record given by keyword, compared and shown by content; to mypy a dataclass, which would cost a start 15 ms."""

    def __init__(self, **fields: object) -> None:
        self.__dict__.update(fields)

    @property
    def fields(self) -> tuple[str, ...]:
        """The names of all fields, in the order of their definition."""
        return tuple([name for kind in type(self).__mro__[-2::-1] for name in kind.__annotations__])  # but for object

    def contents(self) -> tuple[object, ...]:
        """The values of all fields, in the order of their definition."""
        return tuple([getattr(self, name) for name in self.fields])

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self.contents() == other.contents()  # type: ignore[attr-defined] # same type

    def __hash__(self) -> int:
        return hash((type(self), self.contents()))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{n}={getattr(self, n)!r}' for n in self.fields)})"


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


class Volume(Value):
    """A path to own and how; see docs/settings.md for the meaning of each field."""

    path: str
    policy: str = "mismatch"  # mismatch | on-root-mismatch | unless-writable | top | never
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
    """Everything that can be asked, complete, each with its built-in value."""

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


class IdRange(Value):
    """A line of /proc/self/uid_map: `count` ids from `inside` on are `outside` on in the parent."""

    inside: int
    outside: int
    count: int


class Device(Value):
    """A device file and who may open it. `mode` as st_mode."""

    path: str
    uid: int
    gid: int
    mode: int


class Credentials(Value):
    """What the kernel says this process is (proc(5), /proc/self/status). Capability sets are bit masks."""

    uids: tuple[int, int, int, int]  # real, effective, saved, filesystem
    gids: tuple[int, int, int, int]
    groups: tuple[int, ...]
    inheritable: int
    permitted: int
    effective: int
    bounding: int
    ambient: int
    no_new_privs: bool
    umask: int


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
    run_stands: bool = False  # /run and friends have their standard entries already
    tmpfiles: tuple[tuple[str, str], ...] = ()  # (path, text) of tmpfiles.d files that speak of /run
    instance: str = ""  # names this process (kernel.instance)
    record: "Record | None" = None  # what the entrypoint of this container left
    second_time: bool = False  # without root: an entrypoint of root's was here before
    environment: tuple[str, ...] = ()
    root_folder_writable: bool = True
    noexec_run: bool = False  # the command lies on a /run mounted noexec


# -- what follows ---------------------------------------------------------------------------------


class Identity(Value):
    """Who the program becomes: complete, always ints. `groups` are the supplementary gids, sorted."""

    name: str
    uid: int
    gid: int
    group: str
    groups: tuple[int, ...]
    home: str
    shell: str
    why: str  # "PUID, PGID" | "user in /etc/pydrop.toml" | "owner of /data" | "account app of the image" ...


class AccountChange(Value):
    """What must be true of passwd and group: these entries, found first by name and by number.

    `former` is the account's entry before, None where it is made. `more_groups` get an entry where
    their gid has none (device groups)."""

    account: Account
    group: Group
    former: Account | None = None
    more_groups: tuple[Group, ...] = ()


class Plan(Value):
    """The steps of a start in their order, and what to tell the person."""

    identity: Identity
    steps: "tuple[Step, ...]"
    warnings: tuple[str, ...]
    command: tuple[str, ...]
    environment: tuple[tuple[str, str], ...]  # HOME, USER, LOGNAME and what the settings add


class Outcome(Value):
    """What performing a step did. `words` is "" where there was nothing to do."""

    changed: int = 0
    words: str = ""
    warnings: tuple[str, ...] = ()
    environment: tuple[tuple[str, str | None], ...] = ()  # what the program's gains; None takes the name out


class Start(Value):
    """How this process was started, before Python or we changed any of it; and how its steps tell how far they are."""

    name: str  # argv[0]
    arguments: tuple[str, ...]
    environment: tuple[str, ...]  # NAME=value, in order, byte for byte
    ignored: tuple[int, ...]  # signals Python ignores on its own that came ignored
    blocked: tuple[int, ...]  # signals the door holds back that came blocked
    progress: "Callable[[str, bool], None] | None" = None  # shows how far a step is; whether the line is due
    note: "Callable[[str], None] | None" = None  # tells something once
