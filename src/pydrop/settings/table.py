"""All settings, one row each: what docs/settings.md, `--help` and the parsing go by."""

from pydrop.model import Value
from pydrop.settings import ids
from pydrop.settings.raw_setting import RawSetting

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    Parser = Callable[[RawSetting], object]

CHOWN_POLICIES = ("mismatch", "on-root-mismatch", "unless-writable", "top", "never")


class Row(Value):
    """A setting: its name, how a value becomes what `Settings` holds in `field`, and where it may stand.

    `separator` cuts a list in an option or a variable; `flag` is an option that needs no value.
    `form` is what a value looks like ("-": none is taken), `builtin` what holds where nothing is given, in words.
    """

    name: str
    parse: "Parser"
    meaning: str
    form: str
    builtin: str = "none"
    field: str = ""
    environment: tuple[str, ...] = ()
    option: bool = True
    key: bool = True
    separator: str = ""
    flag: bool = False


def _volumes(given: RawSetting) -> object:
    from pydrop.settings import volumes

    return volumes.listed(given)


def _volume_tables(given: RawSetting) -> object:
    from pydrop.settings import volume_tables

    return volume_tables.described(given)


def _secrets(given: RawSetting) -> object:
    from pydrop.settings import secret_names

    return secret_names.names(given)


def _capabilities(given: RawSetting) -> object:
    from pydrop.settings import kept_capabilities

    return kept_capabilities.kept(given)


def _value(parser: str) -> "Parser":
    """A parser of settings.values, which is loaded where one of its settings is given; so are those below."""

    def parse(given: RawSetting) -> object:
        from pydrop.settings import values

        return getattr(values, parser)(given)

    return parse


def _choice(parser: str) -> "Parser":
    """A parser of settings.choices."""

    def parse(given: RawSetting) -> object:
        from pydrop.settings import flags

        return getattr(flags, parser)(given)

    return parse


def _one_of(*choices: str) -> "Parser":
    """A parser of a setting that has these values."""

    def parse(given: RawSetting) -> object:
        if given.value in choices:  # as it mostly is
            return given.value
        from pydrop.settings.flags import choice

        return choice(given, choices)

    return parse


def _of_accounts(parser: str) -> "Parser":
    """A parser of settings.identity."""

    def parse(given: RawSetting) -> object:
        from pydrop.settings import account_names

        return getattr(account_names, parser)(given)

    return parse


def _of_init_mode(parser: str) -> "Parser":
    """A parser of settings.supervision."""

    def parse(given: RawSetting) -> object:
        from pydrop.settings import init_values

        return getattr(init_values, parser)(given)

    return parse


FLAG = _choice("flag")

ROWS = (
    Row(
        name="user", field="user", environment=("PYDROP_USER",), parse=_of_accounts("user"), form="NAME[:GROUP]",
        builtin="`app`, else the account that has the number, else a new `app`",
        meaning="who to become, by name or number",
    ),
    Row(
        name="puid", field="puid", environment=("PUID",), option=False, key=False, parse=ids.asked, form="UID",
        builtin="the account's own, else 1000", meaning="the uid that the account gets",
    ),
    Row(
        name="pgid", field="pgid", environment=("PGID",), option=False, key=False, parse=ids.asked, form="GID",
        builtin="the account's own, else the uid", meaning="the gid that the account gets",
    ),
    Row(
        name="owner-of", field="owner_of", environment=("PYDROP_OWNER_OF",), parse=_value("path"), form="PATH",
        meaning="take the numbers from the owner of this path",
    ),
    Row(
        name="home", field="home", environment=("PYDROP_HOME",), parse=_of_accounts("home"), form="PATH",
        builtin="`/home/NAME`", meaning="home folder of an account that is made",
    ),
    Row(
        name="groups", field="groups", environment=("PYDROP_GROUPS",), parse=_of_accounts("groups"), separator=",",
        form="GROUP,...", meaning="more supplementary groups, by name or number",
    ),
    Row(
        name="devices", field="devices", environment=("PYDROP_DEVICES",), parse=_value("paths"), separator=":",
        form="PATH:...", meaning="device files or folders that the program must be able to open",
    ),
    Row(
        name="umask", field="umask", environment=("PYDROP_UMASK", "UMASK"), parse=_choice("umask"), form="OCTAL",
        builtin="as the container has it", meaning="umask of the program",
    ),
    Row(
        name="chown", environment=("PYDROP_CHOWN",), parse=_volumes, separator=":",
        form="PATH[:POLICY]:...", meaning="volumes to own",
    ),
    Row(
        name="volume", option=False, parse=_volume_tables, form="[[volume]]",
        meaning="volumes to own, each as a table with all that can be said of it",
    ),
    Row(
        name="chown-policy", field="chown_policy", environment=("PYDROP_CHOWN_POLICY",), form="POLICY",
        parse=_one_of(*CHOWN_POLICIES), builtin="`mismatch`", meaning="policy of the volumes that name none",
    ),
    Row(
        name="chown-errors", field="chown_errors", environment=("PYDROP_CHOWN_ERRORS",), form="warn|fail",
        parse=_one_of("warn", "fail"), builtin="`warn`", meaning="what an entry that cannot be changed means",
    ),
    Row(
        name="run-dirs", field="run_dirs", environment=("PYDROP_RUN_DIRS",), parse=_value("paths"), separator=":",
        form="PATH:...", meaning="folders under /run (or any tmpfs) to make for the user",
    ),
    Row(
        name="secrets", environment=("PYDROP_SECRETS",), parse=_secrets, separator=",",
        form="NAME,...", meaning="variables read from the files that NAME_FILE names",
    ),
    Row(
        name="hooks", field="hooks", environment=("PYDROP_HOOKS",), parse=_value("path"), form="PATH",
        builtin="`/etc/pydrop.d`", meaning="folder of the executables that root runs before",
    ),
    Row(
        name="keep-caps", field="keep_caps", environment=("PYDROP_KEEP_CAPS",), parse=_capabilities, separator=",",
        form="NAME,...", meaning="capabilities that the program keeps",
    ),
    Row(
        name="no-new-privs", field="no_new_privs", environment=("PYDROP_NO_NEW_PRIVS",), parse=FLAG, flag=True,
        form="true|false", builtin="`true`", meaning="no program started later gains privileges (set-uid files)",
    ),
    Row(
        name="oom-score-adj", field="oom_score_adj", environment=("PYDROP_OOM_SCORE_ADJ",), form="NUMBER",
        parse=_of_init_mode("oom_score_adj"), builtin="as the container has it",
        meaning="how soon the kernel kills the program for memory, -1000 to 1000",
    ),
    Row(
        name="init", field="init", environment=("PYDROP_INIT",), parse=FLAG, flag=True, form="true|false",
        builtin="`false`", meaning="stay as PID 1: pass signals on, reap, stop in order",
    ),
    Row(
        name="stop-signal", field="stop_signal", environment=("PYDROP_STOP_SIGNAL",), parse=_of_init_mode("signal"),
        form="SIGNAL", builtin="`TERM`", meaning="init mode: what the command is sent when the container is stopped",
    ),
    Row(
        name="stop-timeout", field="stop_timeout", environment=("PYDROP_STOP_TIMEOUT",),
        parse=_of_init_mode("seconds"), form="TIME", builtin="`10s`",
        meaning="init mode: how long a stop may take before what is left is killed",
    ),
    Row(
        name="kill-grace", field="kill_grace", environment=("PYDROP_KILL_GRACE",), parse=_of_init_mode("grace"),
        form="TIME", builtin="`3s`", meaning="init mode: how long what the command leaves behind may take to end",
    ),
    Row(
        name="rewrite", field="rewrite", environment=("PYDROP_REWRITE",), parse=_of_init_mode("rewrites"),
        separator=",", form="SIGNAL:SIGNAL,...",
        meaning="init mode: pass another signal on than the one that came, or none (HUP:0)",
    ),
    Row(
        name="signal-group", field="signal_group", environment=("PYDROP_SIGNAL_GROUP",), parse=FLAG, flag=True,
        form="true|false", builtin="`false`", meaning="init mode: pass signals on to the command's whole process group",
    ),
    Row(
        name="exit-code", field="exit_codes", environment=("PYDROP_EXIT_CODE",), parse=_of_init_mode("exit_codes"),
        separator=",", form="CODE:CODE,...", meaning="init mode: end with another exit code than the command's",
    ),
    Row(
        name="pdeathsig", field="pdeathsig", environment=("PYDROP_PDEATHSIG",), parse=_of_init_mode("signal"),
        form="SIGNAL", meaning="init mode: the signal that comes when the process that started pydrop dies",
    ),
    Row(
        name="ready", field="ready", environment=("PYDROP_READY",), parse=_of_init_mode("readiness"),
        form="started|notify|fd:N", builtin="`started`", meaning="init mode: how the command says that it is ready",
    ),
    Row(
        name="ready-file", field="ready_file", environment=("PYDROP_READY_FILE",), parse=_value("path"), form="PATH",
        meaning="init mode: a file that is there while the command is ready",
    ),
    Row(
        name="keep-root", field="keep_root", environment=("PYDROP_KEEP_ROOT",), parse=FLAG, flag=True,
        form="true|false", builtin="`false`", meaning="init mode: PID 1 stays root; the command does not",
    ),
    Row(
        name="log-level", field="log_level", environment=("PYDROP_LOG_LEVEL",), form="LEVEL",
        parse=_one_of("error", "warn", "info", "debug"), builtin="`info`", meaning="how much pydrop says",
    ),
    Row(
        name="log-format", field="log_format", environment=("PYDROP_LOG_FORMAT",), form="text|json",
        parse=_one_of("text", "json"), builtin="`text`", meaning="how pydrop says it",
    ),
)  # fmt: skip
BY_NAME = {row.name: row for row in ROWS}
BY_VARIABLE = {variable: row for row in ROWS for variable in row.environment}
