"""The nouns of a process: who it is, how it was started, what it gives up, what it looks after.

They stand apart from the other nouns in `model` and `steps`, which export them too. Init (PID 1) needs only these, and
holds them as long as the container lives: a class costs 3 KB.
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
    """A record that is made by keywords, and compared and shown by content.

    To mypy it is a dataclass. The module `dataclasses` itself would cost a start 15 ms. Types of fields that Python
    would have to make (unions, tuples of something) stand in quotes."""

    def __init__(self, **fields: object) -> None:
        self.__dict__.update(fields)

    @property
    def fields(self) -> tuple[str, ...]:
        """The names of all fields, in the order of their definition."""
        return tuple([name for kind in type(self).__mro__[-2::-1] for name in kind.__annotations__])  # -1 is `object`

    def contents(self) -> tuple[object, ...]:
        """The values of all fields, in the order of their definition."""
        return tuple([getattr(self, name) for name in self.fields])

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self.contents() == other.contents()  # type: ignore[attr-defined] # same type

    def __hash__(self) -> int:
        return hash((type(self), self.contents()))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{n}={getattr(self, n)!r}' for n in self.fields)})"


MAX_ID = 4294967294  # the largest uid and gid; one more means "leave unchanged" to setresuid(2)


class IdRange(Value):
    """A line of /proc/self/uid_map or gid_map (user_namespaces(7)).

    `count` ids from `inside` on are the parent namespace's ids from `outside` on."""

    inside: int
    outside: int
    count: int


class Credentials(Value):
    """This process's credentials, as the kernel reports them (/proc/self/status, proc(5)).

    The capability sets are bit masks."""

    uids: "tuple[int, int, int, int]"  # real, effective, saved, filesystem
    gids: "tuple[int, int, int, int]"
    groups: "tuple[int, ...]"
    inheritable: int
    permitted: int
    effective: int
    bounding: int
    ambient: int
    no_new_privs: bool
    umask: int


class Identity(Value):
    """Who the program becomes. It is complete, and its ids are ints. `groups` are the supplementary gids, sorted."""

    name: str
    uid: int
    gid: int
    group: str
    groups: "tuple[int, ...]"
    home: str
    shell: str
    why: str  # "PUID, PGID" | "user in /etc/pydrop.toml" | "owner of /data" | "account app of the image" ...


class Start(Value):
    """How this process was started, before Python or pydrop changed any of it; and how its steps report progress."""

    name: str  # argv[0]
    arguments: "tuple[str, ...]"
    environment: "tuple[str, ...]"  # NAME=value, in order, byte for byte
    ignored: "tuple[int, ...]"  # those of SIGPIPE and SIGXFSZ, which Python itself ignores, that came ignored
    blocked: "tuple[int, ...]"  # those of TERM, INT, HUP and QUIT, which the launcher blocks, that came blocked
    began: "float | None" = None  # when the launcher began, by CLOCK_MONOTONIC in seconds; None without a launcher
    loading: "float | None" = None  # when Python began to load pydrop, by the same clock; None without launcher
    marks: "tuple[tuple[str | Step, str, str, float], ...]" = ()  # the phases so far: see perform/timeline_writer
    progress: "Callable[[str, bool], None] | None" = None  # shows how far a step is: Report.progress
    note: "Callable[[str], None] | None" = None  # prints one line, of level info
    init: "InitProcess | None" = None  # in the starter of init mode: init, its parent
    starter: "StarterProcess | None" = None  # in init: the starter, its child


class InitProcess(Value):
    """Init, as the starter knows it (see pid1)."""

    pid: int
    ask: int  # descriptor: the starter writes its requests here; exec closes it
    answer: int  # descriptor: init's answer comes here, one byte once init has done its own part


class StarterProcess(Value):
    """The starter, which performs the start and becomes the command, as init knows it (see pid1)."""

    pid: int
    asks: int  # descriptor: the starter's requests come here
    answers: int  # descriptor: init writes its answers here


class Supervision(Value):
    """How init looks after one command. Signals are numbers, times are seconds."""

    stop_signal: int = 15
    stop_timeout: "float | None" = 10.0  # from the stop signal to KILL; None: no limit
    kill_grace: float = 3.0  # from TERM to KILL for the processes that the command leaves behind
    rewrite: "tuple[tuple[int, int], ...]" = ()
    group: bool = False  # signals go to the command's whole process group
    exit_codes: "tuple[tuple[int, int], ...]" = ()
    pdeathsig: "int | None" = None
    ready: str = "started"
    ready_file: "str | None" = None
    announces: bool = False  # init sends READY=1 and STOPPING=1 to the NOTIFY_SOCKET that pydrop was given
    clears: bool = True  # init ends the processes that the command leaves behind before it ends itself
    ends_group: bool = False  # without `clears`: its process group is sent TERM, as `rewrite` has it, and not awaited
    session: bool = False  # the command leads a session of its own, which has the terminal of standard input
    names_reaped: bool = False  # a warning names each reaped process, except the command
    as_came: bool = False  # init keeps its streams, its working folder and a dumpable /proc entry: it drops nothing


class Outcome(Value):
    """What performing a step did. `words` is "" where nothing had to change."""

    changed: int = 0
    words: str = ""
    warnings: "tuple[str, ...]" = ()
    environment: "tuple[tuple[str, str | None], ...]" = ()  # changes to the program's own; None removes a name


class Step(Value):
    """A postcondition, worded once: the plan, the log and the timeline all show `words`.

    `kind` is the name of the class that people see in `plan --json` and the timeline. `performer` is the module whose
    function `perform` carries the step out ("" where there is nothing to do). Both are of the class, so no fields."""

    kind = ""
    performer = ""

    words: str
    why: str = ""
    done: bool = False  # inspection found the postcondition true: performing the step does nothing


class PrivilegesStep(Step):
    """This process is `identity` and nothing else, which is verified; and it cannot become root again."""

    kind = "privileges"
    performer = "pydrop.perform.privileges"

    identity: Identity
    keep_caps: int  # bit mask
    no_new_privs: bool
    umask: "int | None"
    keep_root: bool = False  # root was asked for explicitly
    keep_inheritable: bool = False  # the inheritable set stays as it came, as with gosu
    empty_bounding: bool = False  # the bounding set loses all but `keep_caps`; else it stays as it came
    inherits: bool = True  # the kept capabilities outlast exec (inheritable and ambient sets), for the program


class InitStep(Step):
    """Init mode: init stays, has dropped privileges to `identity` too, and looks after the command.

    `identity` None: init stays as it is. `keep_root`: the identity is root itself, asked for explicitly."""

    kind = "guardian"
    performer = "pydrop.pid1.starter"

    supervision: Supervision
    identity: "Identity | None"
    keep_root: bool
    empty_bounding: bool  # as in PrivilegesStep, for init itself
    keeps_kill: bool  # programs may become other users (no_new_privs is off): init needs CAP_KILL to signal those
    name: str  # of the command, for messages
    level: str  # of the log
    form: str
