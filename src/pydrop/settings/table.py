"""All settings, one row each: what parsing, `--help`, docs/settings.md and the manual pages go by."""

from pydrop.model import CHOWN_POLICIES, Value
from pydrop.option_words import FLAGS, INIT_VARIABLE, VALUED
from pydrop.settings import parsers

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pydrop.settings.parsers import Parser


class Row(Value):
    """A setting: its name, the field of `Settings` that holds it, how a value is parsed, and its places.

    `field` has the default as its value there; `default` describes in words a default that is no fixed value.
    `form` is what a value looks like ("-": none is taken). `separator` cuts a list in an option or a variable. Whether
    it is an `option`, and one that needs no value (`flag`), is said in `option_words`.
    """

    name: str
    field: str
    parse: "Parser"
    meaning: str
    form: str
    default: str = ""
    environment: tuple[str, ...] = ()
    key: bool = True
    separator: str = ""

    @property
    def option(self) -> bool:
        return self.name in VALUED or self.flag

    @property
    def flag(self) -> bool:
        return self.name in FLAGS


ROWS = (
    Row(
        name="user", field="user", environment=("PYDROP_USER",), parse=parsers.user, form="NAME[:GROUP]",
        default="`app`, else the account that has the number, else a new `app`",
        meaning="who to become, by name or number",
    ),
    Row(
        name="puid", field="puid", environment=("PUID",), parse=parsers.number, form="UID",
        default="the account's own, else 1000", meaning="the uid that the account gets",
    ),
    Row(
        name="pgid", field="pgid", environment=("PGID",), parse=parsers.number, form="GID",
        default="the account's own, else the uid", meaning="the gid that the account gets",
    ),
    Row(
        name="owner-of", field="owner_of", environment=("PYDROP_OWNER_OF",), parse=parsers.path, form="PATH",
        meaning="take the numbers from the owner of this path",
    ),
    Row(
        name="home", field="home", environment=("PYDROP_HOME",), parse=parsers.home, form="PATH",
        default="`/home/NAME`", meaning="home folder of an account that is made",
    ),
    Row(
        name="groups", field="groups", environment=("PYDROP_GROUPS",), parse=parsers.groups, separator=",",
        form="GROUP,...", meaning="more supplementary groups, by name or number",
    ),
    Row(
        name="groups-policy", field="groups_policy", environment=("PYDROP_GROUPS_POLICY",), form="merge|strict",
        parse=parsers.one_of("merge", "strict"), meaning="whether the account's groups in /etc/group count",
    ),
    Row(
        name="devices", field="devices", environment=("PYDROP_DEVICES",), parse=parsers.paths, separator=":",
        form="PATH:...", meaning="device files or folders that the program must be able to open",
    ),
    Row(
        name="umask", field="umask", environment=("PYDROP_UMASK", "UMASK"), parse=parsers.umask, form="OCTAL",
        default="as the container has it", meaning="umask of the program",
    ),
    Row(
        name="chown", field="volumes", environment=("PYDROP_CHOWN",), parse=parsers.volume_paths, separator=":",
        form="PATH[:POLICY]:...", meaning="volumes to own",
    ),
    Row(
        name="volume", field="volumes", parse=parsers.volume_tables, form="[[volume]]",
        meaning="volumes to own, each as a table with all that can be said of it",
    ),
    Row(
        name="chown-policy", field="chown_policy", environment=("PYDROP_CHOWN_POLICY",), form="POLICY",
        parse=parsers.one_of(*CHOWN_POLICIES), meaning="policy of the volumes that name none",
    ),
    Row(
        name="chown-errors", field="chown_errors", environment=("PYDROP_CHOWN_ERRORS",), form="warn|fail",
        parse=parsers.one_of("warn", "fail"), meaning="what an entry that cannot be changed means",
    ),
    Row(
        name="chown-hard-links", field="chown_hard_links", environment=("PYDROP_CHOWN_HARD_LINKS",),
        parse=parsers.flag, form="true|false", meaning="chown files that have other names too",
    ),
    Row(
        name="run-dirs", field="run_dirs", environment=("PYDROP_RUN_DIRS",), parse=parsers.paths, separator=":",
        form="PATH:...", meaning="folders under /run (or any tmpfs) to make for the user",
    ),
    Row(
        name="secrets", field="secrets", environment=("PYDROP_SECRETS",), parse=parsers.secret_names, separator=",",
        form="NAME,...", meaning="variables read from the files that NAME_FILE names",
    ),
    Row(
        name="hooks", field="hooks", environment=("PYDROP_HOOKS",), parse=parsers.path, form="PATH",
        meaning="folder of the executables that root runs before",
    ),
    Row(
        name="user-hooks", field="user_hooks", environment=("PYDROP_USER_HOOKS",), parse=parsers.path, form="PATH",
        meaning="folder of the executables that the program's user runs before",
    ),
    Row(
        name="default-command", field="default_command", parse=parsers.command, form="[WORD, ...]",
        meaning="put in front where the command begins with a dash, or none is given",
    ),
    Row(
        name="keep-caps", field="keep_caps", environment=("PYDROP_KEEP_CAPS",), parse=parsers.capabilities,
        separator=",", form="NAME,...", meaning="capabilities that the program keeps",
    ),
    Row(
        name="no-new-privs", field="no_new_privs", environment=("PYDROP_NO_NEW_PRIVS",), parse=parsers.flag,
        form="true|false", meaning="no program started later gains privileges (set-uid files)",
    ),
    Row(
        name="bounding-set", field="bounding_set", environment=("PYDROP_BOUNDING_SET",), form="keep|empty",
        parse=parsers.one_of("keep", "empty"), meaning="what becomes of the capability bounding set",
    ),
    Row(
        name="oom-score-adj", field="oom_score_adj", environment=("PYDROP_OOM_SCORE_ADJ",), form="NUMBER",
        parse=parsers.oom_score_adj, default="as the container has it",
        meaning="how soon the kernel kills the program for memory, -1000 to 1000",
    ),
    Row(
        name="init", field="init", environment=(INIT_VARIABLE,), parse=parsers.flag, form="true|false",
        meaning="stay as PID 1: pass signals on, reap, stop in order",
    ),
    Row(
        name="stop-signal", field="stop_signal", environment=("PYDROP_STOP_SIGNAL",), parse=parsers.signal,
        form="SIGNAL", meaning="init mode: what the command is sent when the container is stopped",
    ),
    Row(
        name="stop-timeout", field="stop_timeout", environment=("PYDROP_STOP_TIMEOUT",), parse=parsers.seconds,
        form="TIME", meaning="init mode: how long a stop may take before what is left is killed",
    ),
    Row(
        name="kill-grace", field="kill_grace", environment=("PYDROP_KILL_GRACE",), parse=parsers.grace,
        form="TIME", meaning="init mode: how long what the command leaves behind may take to end",
    ),
    Row(
        name="rewrite", field="rewrite", environment=("PYDROP_REWRITE",), parse=parsers.rewrites,
        separator=",", form="SIGNAL:SIGNAL,...",
        meaning="init mode: pass another signal on than the one that came, or none (HUP:0)",
    ),
    Row(
        name="signal-group", field="signal_group", environment=("PYDROP_SIGNAL_GROUP",), parse=parsers.flag,
        form="true|false", meaning="init mode: pass signals on to the command's whole process group",
    ),
    Row(
        name="exit-code", field="exit_codes", environment=("PYDROP_EXIT_CODE",), parse=parsers.exit_codes,
        separator=",", form="CODE:CODE,...", meaning="init mode: end with another exit code than the command's",
    ),
    Row(
        name="pdeathsig", field="pdeathsig", environment=("PYDROP_PDEATHSIG",), parse=parsers.signal,
        form="SIGNAL", meaning="init mode: the signal that comes when the process that started pydrop dies",
    ),
    Row(
        name="ready", field="ready", environment=("PYDROP_READY",), parse=parsers.readiness,
        form="started|notify|fd:N", meaning="init mode: how the command says that it is ready",
    ),
    Row(
        name="ready-file", field="ready_file", environment=("PYDROP_READY_FILE",), parse=parsers.path, form="PATH",
        meaning="init mode: a file that is there while the command is ready",
    ),
    Row(
        name="keep-root", field="keep_root", environment=("PYDROP_KEEP_ROOT",), parse=parsers.flag,
        form="true|false", meaning="init mode: PID 1 stays root; the command does not",
    ),
    Row(
        name="log-level", field="log_level", environment=("PYDROP_LOG_LEVEL",), form="LEVEL",
        parse=parsers.one_of("error", "warn", "info", "debug"), meaning="how much pydrop says",
    ),
    Row(
        name="log-format", field="log_format", environment=("PYDROP_LOG_FORMAT",), form="text|json",
        parse=parsers.one_of("text", "json"), meaning="how pydrop says it",
    ),
)  # fmt: skip
BY_NAME = {row.name: row for row in ROWS}
BY_VARIABLE = {variable: row for row in ROWS for variable in row.environment}
