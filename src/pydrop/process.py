"""The nouns of a process: who it is, how it was started, what it gives up, what it looks after.

They stand apart from the others in model and steps, since they are all that the process which stays in init mode needs
to hold: a class costs 3 KB.
"""

TYPE_CHECKING = False  # `typing` costs 12 ms at a start; only the type checker needs it
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import dataclass_transform
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


MAX_ID = 4294967294  # of users and groups; one more is setresuid(2)'s word for "leave unchanged"


class IdRange(Value):
    """A line of /proc/self/uid_map: `count` ids from `inside` on are `outside` on in the parent."""

    inside: int
    outside: int
    count: int


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


class Start(Value):
    """How this process was started, before Python or we changed any of it; and how its steps tell how far they are."""

    name: str  # argv[0]
    arguments: tuple[str, ...]
    environment: tuple[str, ...]  # NAME=value, in order, byte for byte
    ignored: tuple[int, ...]  # signals Python ignores on its own that came ignored
    blocked: tuple[int, ...]  # signals the launcher holds back that came blocked
    began: float | None = None  # when the launcher did, by CLOCK_MONOTONIC in seconds; None without a launcher
    loading: float | None = None  # when Python began to load pydrop's modules; None where they are imported as ever
    marks: "tuple[tuple[str | Step, str, str, float], ...]" = ()  # what was done until when: see perform/timing
    progress: "Callable[[str, bool], None] | None" = None  # shows how far a step is; whether the line is due
    note: "Callable[[str], None] | None" = None  # tells something once
    init: "InitProcess | None" = None  # in init mode: the process above this one, which stays
    starter: "StarterProcess | None" = None  # in init mode, where this process is the one that stays


class InitProcess(Value):
    """The process that stays, as the one that becomes the command knows it (see pid1)."""

    pid: int
    ask: int  # descriptor: what it is to do is written here; closed by exec
    answer: int  # descriptor: one byte comes when it has done its own part


class StarterProcess(Value):
    """The process that makes the start and becomes the command, as the one that stays knows it."""

    pid: int
    asks: int  # descriptor: what it asks for comes here
    answers: int  # descriptor: where it is answered


class Supervision(Value):
    """How PID 1 looks after one command. Signals by number, times in seconds."""

    stop_signal: int = 15
    stop_timeout: float | None = 10.0  # from the stop signal to KILL; None never ends
    kill_grace: float = 3.0  # from TERM to KILL for what the command leaves behind
    rewrite: tuple[tuple[int, int], ...] = ()
    group: bool = False  # signals go to the command's whole process group
    exit_codes: tuple[tuple[int, int], ...] = ()
    pdeathsig: int | None = None
    ready: str = "started"
    ready_file: str | None = None
    announces: bool = False  # READY=1 and STOPPING=1 are said to the NOTIFY_SOCKET that pydrop was given
    clears: bool = True  # what the command leaves behind is ended before pydrop ends
    ends_group: bool = False  # else its process group is sent TERM, as `rewrite` has it, and not waited for
    session: bool = False  # the command leads a session of its own, which has the terminal of standard input
    names_reaped: bool = False  # each process that is reaped, but for the command, is named to the person
    as_came: bool = False  # this process keeps its streams, its folder and an open /proc entry, as who gave up nothing


class Outcome(Value):
    """What performing a step did. `words` is "" where there was nothing to do."""

    changed: int = 0
    words: str = ""
    warnings: tuple[str, ...] = ()
    environment: tuple[tuple[str, str | None], ...] = ()  # what the program's gains; None takes the name out


class Step(Value):
    """A postcondition, named once: the plan, the log and the timeline all use `words`.

    Each class says its `kind`, which people see in `plan --json` and the timeline; and its `performer`, the module
    whose function `perform` carries it out ("" where there is nothing to do). They are no fields: a class has one."""

    kind = ""
    performer = ""

    words: str
    why: str = ""
    done: bool = False  # the survey found it so already: performing it does nothing


class PrivilegesStep(Step):
    """This process is `identity` and nothing else, proven, and cannot come back."""

    kind = "privileges"
    performer = "pydrop.perform.privileges"

    identity: Identity
    keep_caps: int  # bit mask
    no_new_privs: bool
    umask: int | None
    keep_root: bool = False  # root was asked for in so many words
    keep_sets: bool = False  # the inheritable and the bounding set stay as they came, as gosu leaves them
    inherits: bool = True  # what is kept is the program's too, behind exec (inheritable and ambient)


class InitStep(Step):
    """Init mode: PID 1 stays, is the identity too, and looks after the command.

    `identity` None: it stays root. `keep_root`: the identity is root's own, asked for in so many words."""

    kind = "guardian"
    performer = "pydrop.pid1.starter"

    supervision: Supervision
    identity: Identity | None
    keep_root: bool
    keeps_kill: bool  # programs may become other users (no_new_privs is off): signals need CAP_KILL then
    name: str  # of the command, for messages
    level: str  # of the log
    form: str
