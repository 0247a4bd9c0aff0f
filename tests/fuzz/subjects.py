"""What is fuzzed: for each kind of input a function that makes one of a Random, and hands it to the code.

A subject returns normally or raises what pydrop itself raises for a bad input (PydropError's kinds); anything else is a find.
To add one: a function `Random -> None` in SUBJECTS, which looks up what it calls at the time of the call.
"""

# ruff: noqa: E501 # a row of material is one line

from collections.abc import Callable
from random import Random

from pydrop import accounts, hook_environment, planning, settings, tmpfiles
from pydrop.accounts import account_lines
from pydrop.compat import gosu, s6_setuidgid, su_exec, userspec
from pydrop.errors import PydropError
from pydrop.model import Facts, Identity, Start
from pydrop.perform.ownership import modes
from pydrop.settings import said_format, toml_text
from pydrop.settings.table import ROWS
from pydrop.tmpfiles import lines
from tests.fuzz.material import LARGEST, MANY, NUMBERS, nasty, repeated, spoiled, word
from tests.pure import worlds
from tests.pure.test_toml_text import NASTY

GOOD = ("app", "1500", "app:video", "1500:1600", "/data", "/data:/config:top", "022", "true", "0", "video,109", "10s",
        "TERM:QUIT,HUP:0", "143:0", "net_bind_service", "DB,KEY", "fd:3", "warn", "json", "-500", "${A}", "${NOT:-/x}")  # fmt: skip
TOML = """\
user = "app:video"
puid = "${USERMAP_UID:-}"
groups = ["video", 109]
umask = "022"
chown = ["/data", "${A:-/x}:top"]
secrets = ["DB"]
default-command = ["nginx", "-g", "daemon off;"]
stop-timeout = 7.5
init = true
log-format = "json"
[[volume]]
path = "/v"
mode = "u=rwX,g=rX"
exclude = ["*.tmp"]
only-from = "999:999"
create = true
"""
TMPFILES = """\
d /run/app 0755 app app - -
D! /run/lock2 1777 root root 10d
f+ %t/x 0644 - - - text\\x20here
L /run/y - - - - ../z
d /run/"a b" ~0750 :33 :33
"""
FILE = "/etc/pydrop.toml"
VARIABLES = (
    *[name for row in ROWS for name in row.environment],
    "PYDROP_CONFIG",
    "FILE__DB",
    "DB_FILE",
    "DB",
    "A",
    "UID",
    "USER_ID",
)


def variable(random: Random) -> str:
    name = random.choice(VARIABLES) if random.random() < 0.9 else "PYDROP_" + nasty(random)
    return f"{name}={word(random, GOOD)}".replace("\0", "")[:LARGEST]


def environment(random: Random) -> tuple[str, ...]:
    return tuple([variable(random) for _ in range(random.choice((0, 1, 1, 2, 5)))])


def arguments(random: Random) -> tuple[str, ...]:
    words: list[str] = []
    for _ in range(random.choice((0, 1, 1, 2, 4))):
        name = f"--{random.choice(ROWS).name}" if random.random() < 0.9 else nasty(random)
        value = word(random, GOOD)
        words += random.choice(([f"{name}={value}"], [name, value], [name]))
    if random.random() < 0.02:
        words = ["--chown", "/a"] * 60000
    return tuple([each.replace("\0", "")[:LARGEST] for each in (*words, *random.choice(((), ("id",), ("--", "-x"))))])


def toml(random: Random) -> str:
    kind = random.random()
    if kind < 0.1:
        return random.choice([text for text in NASTY.values() if isinstance(text, str)])
    if kind < 0.5:
        return spoiled(random, TOML)
    if kind < 0.75:
        row = random.choice(ROWS)
        value = random.choice(('"{}"', "[{}]", '["{}"]', "{}", "{{a = {}}}", "'''{}'''", '[["{}"]]')).format(
            word(random, GOOD)
        )
        return f"{row.name} = {value}\n{TOML if random.random() < 0.3 else ''}"
    if kind < 0.9:
        before = random.choice(("", "x = ", "chown = [", "[", "[["))
        return before + repeated(random) + random.choice(("", " = 1", "a = 1", "]", "a]]", "a]\nb = 1"))
    return (
        "[[volume]]\n"
        + f'path = "{word(random, ("/data", "${A}"))}"\n{word(random, ("policy", "mode"))} = "{nasty(random)}"\n'
    )


def table(random: Random) -> dict[str, object] | None:
    if random.random() < 0.4:
        return None
    return toml_text.table_of(toml(random).encode("utf-8", "surrogatepass"), FILE)


def all_settings(random: Random) -> None:
    """Options, environment and file together, and what planning makes of them."""
    words, lines_of_environment = arguments(random), environment(random)
    settings.config_path(lines_of_environment)
    found = settings.read(words, lines_of_environment, table(random), FILE)
    if not found.show:
        planning.plan(found, facts(random, lines_of_environment))


def facts(random: Random, lines_of_environment: tuple[str, ...]) -> Facts:
    owner = random.choice(((0, 0), (1500, 0), (0, 5), (1500, 1600)))
    held = worlds.credentials(random.choice((0, 0, 1500)))
    return worlds.facts(environment=lines_of_environment, owner=owner, credentials=held)


def the_file(random: Random) -> None:
    """What `check` says of it; and how a start would speak that cannot read it."""
    text = toml(random)
    said_format.asked(arguments(random), environment(random), text)
    for problem in settings.problems(
        toml_text.table_of(text.encode("utf-8", "surrogatepass"), FILE), environment(random)
    ):
        assert problem.problem and problem.remedy


KEYS: dict[str, tuple[object, ...]] = {  # values that are right alone, or nearly so
    "user": ("app", "root", 0, "0:0", "root:app", ":app", "app:video", 1500, "${A}", "${NOT:-}"),
    "puid": (0, "0", 1500, "1500", "${A}", 1.5),
    "pgid": (0, 44, "44"),
    "groups": (["video"], [44, "video"], [], ["${A:-}"], "video"),
    "groups-policy": ("merge", "strict", "Strict"),
    "devices": (["/dev/null"], [], ["/dev/null,"]),
    "home": ("/home/app", "/home/a:b", "/" + "a/" * 3000),
    "umask": ("022", 18),
    "chown": (["/data"], ["/data:top", "/data"], ["/data:idmap"], ["/"], [], ["${A:-/data}:never"]),
    "volume": (
        [{"path": "/data"}],
        [{"path": "/data"}, {"path": "/data/"}],
        [{}],
        [{"path": "${NOT:-}"}],
        {"path": "/a"},
    ),
    "run-dirs": (["/run/app"], ["/etc"], ["/run/a", "/run/a"]),
    "secrets": (["DB"], ["PUID"], ["/run/secrets/db"], ["DB", "DB"]),
    "hooks": ("/etc/pydrop.d", "x"),
    "user-hooks": ("/etc/pydrop.user.d", ""),
    "default-command": ([], ["nginx"], ["-x"], ["", "x"], "nginx"),
    "keep-caps": (["net_raw"], ["setuid"], ["all"]),
    "no-new-privs": (True, False, "${A:-yes}", "yes"),
    "bounding-set": ("keep", "empty", "none"),
    "oom-score-adj": (5, "-1000", 1001),
    "init": (True, False),
    "keep-root": (True, False, "${A:-true}"),
    "ready-file": ("/run/ready", "ready"),
    "ready": ("notify", "fd:3", "fd:2"),
    "rewrite": (["TERM:QUIT"], ["KILL:0"]),
    "exit-code": (["143:0"], ["143"]),
    "stop-timeout": ("never", 7.5, float("nan")),
    "kill-grace": ("never", "3s"),
    "log-format": ("json", "JSON"),
}


def check_and_start(random: Random) -> None:
    """What a start refuses of a file, `check` finds; and a file in which it finds nothing is refused by no start."""
    keys = random.sample(sorted(KEYS), random.choice((1, 2, 3, 4)))
    content: dict[str, object] = {key: random.choice(KEYS[key][: random.choice((1, 2, 9))]) for key in keys}
    lines_of_environment = random.choice(((), ("A=/x",), ("A=1",), ("A=",)))
    said = [*settings.problems(content, lines_of_environment, FILE)]
    try:
        found = settings.read(("id",), lines_of_environment, content, FILE)
        planning.plan(found, worlds.facts(passwd=worlds.PASSWD + worlds.APP, group=worlds.GROUP + worlds.APP_GROUP))
    except PydropError as error:
        assert said or "the image has no" in str(error), f"check says nothing of {content}: {error}"
    else:
        need_init = [problem for problem in said if "cannot both be had" in problem.problem and not found.init]
        assert said == need_init, f"a start takes {content}: {said[0]}"


def account_text(random: Random, good: str) -> str:
    kind = random.random()
    if kind < 0.4:
        return spoiled(random, good)
    if kind < 0.5:
        return good + repeated(random)
    if kind < 0.55:
        return good + "".join([f"user{i}:x:{i}:{i}:::\n" for i in range(1, 9000)])
    spoils = [random.random() < 0.4 for _ in range(4)]
    fields = [nasty(random) if spoil else each for spoil, each in zip(spoils, ("odd", "x", "7", "7"), strict=True)]
    return f"{good}{':'.join(fields)}{':::' if '/bin' in good else ''}\n"


def account_files(random: Random) -> None:
    passwd, group = worlds.PASSWD + worlds.APP, worlds.GROUP + worlds.APP_GROUP
    passwd, group = account_text(random, passwd), account_text(random, group)
    good = ("PUID=1500", "PGID=7", "PYDROP_USER=odd", "PYDROP_GROUPS=video,7", f"PYDROP_USER={word(random, GOOD)}")
    asked = settings.read(("id",), tuple([line.replace("\0", "") for line in random.sample(good, 2)]), None)
    who, change, _ = accounts.identity(asked, passwd, group, (1500, 0), (0, 44), ())
    for text, parse, rewrite in (
        (passwd, account_lines.accounts, accounts.passwd_with),
        (group, account_lines.groups, accounts.group_with),
    ):
        after = rewrite(text, change)
        parse(after)
        assert rewrite(after, change) == after, "a second start would change it again"
    assert (
        who.uid != 0
        or (asked.puid and asked.puid.number == 0)
        or (asked.user and (asked.user.uid == 0 or asked.user.name == "root"))
    )


def tmpfiles_line(random: Random) -> str:
    """A line in which one field is nasty."""
    fields = [random.choice("dDfL"), "/run/a", "0755", "app", "app", "-", "text"]
    at = random.choice((0, 1, 2, 3, 4, 5, 6, 2, 3, 4))
    fields[at] = random.choice((random.choice(NUMBERS), nasty(random), fields[at] + nasty(random)))
    return " ".join(fields) + "\n"


def tmpfiles_lines(random: Random) -> None:
    text = spoiled(random, TMPFILES) if random.random() < 0.5 else tmpfiles_line(random) * random.choice((1, 50))
    _, warnings = lines.entries(
        (("/usr/lib/tmpfiles.d/x.conf", text),), {"app": 5}, {"app": 5}, {"t": "/run", "%": "%"}
    )
    assert len(warnings) <= lines.MOST_WARNINGS + 1
    tmpfiles.winners({"/etc/tmpfiles.d": [nasty(random), "a.conf"]})


def user_specs(random: Random) -> None:
    passwd, group = worlds.PASSWD + worlds.APP, worlds.GROUP + worlds.APP_GROUP
    known = userspec.files(
        account_text(random, passwd + "toor:x:0:0::/:/bin/sh\n"), account_text(random, group), (0, 0)
    )
    spec = word(random, ("toor", "odd", "app", "1500", "1500:1600", "app:video", ":", "root", "0"))
    tool = random.choice((gosu, su_exec, s6_setuidgid))
    wanted = tool.wanted(Start(name="x", arguments=(spec, "id"), environment=(), ignored=(), blocked=()), known)
    require_no_accident(wanted.identity, spec)


def require_no_accident(who: Identity, spec: str) -> None:
    user = spec.partition(":")[0]
    assert who.uid != 0 or user == "root" or not user.strip("0"), f"root by {spec[:100]!r}"


def hooks_variables(random: Random) -> None:
    """What hooks write to $PYDROP_ENV."""
    text = spoiled(random, "A=1\nB='two\nlines'\nC\n") if random.random() < 0.7 else repeated(random)
    hook_environment.parsed(text.encode("utf-8", "surrogatepass"), "/etc/pydrop.d/x")


def huge_values(random: Random) -> None:
    """A small part, often, as the value of some settings, and as a name."""
    part = random.choice(MANY)
    value = (part * (LARGEST // len(part))).replace("\0", "")
    for row in random.sample(ROWS, 6):
        for name in row.environment:
            refused_or_not((), (f"{name}={value}",), None)
        refused_or_not((f"--{row.name}={value}",) if row.option else (), (), {row.name: [value]})
    settings.read((f"--{value}",), (f"PYDROP_{value}=1",), {value: 1})


def refused_or_not(words: tuple[str, ...], line: tuple[str, ...], table_of_file: dict[str, object] | None) -> None:
    try:
        settings.read((*words, "id"), line, table_of_file)
    except PydropError:
        pass


def volume_lists(random: Random) -> None:
    """A list, and whatever mode a [[volume]] may have: what the settings take, the engine takes."""
    value = word(random, ("/data:/config:top", "/a", "/a:never:/b")).replace("\0", "")
    name = random.choice(
        ("PYDROP_CHOWN", "PYDROP_DEVICES", "PYDROP_RUN_DIRS", "PYDROP_SECRETS", "PYDROP_GROUPS", "PYDROP_KEEP_CAPS")
    )
    settings.read(("id",), (f"{name}={value}",), None)
    mode = word(random, ("u=rwX,g=rX", "0750", "g=u", "u+r-w,o="))
    for volume in settings.read(("id",), (), {"volume": [{"path": "/a", "mode": mode}]}).volumes:
        if volume.mode:
            modes.rule(volume.mode)


SUBJECTS: dict[str, Callable[[Random], None]] = {
    each.__name__: each
    for each in (
        all_settings,
        the_file,
        check_and_start,
        account_files,
        tmpfiles_lines,
        user_specs,
        hooks_variables,
        volume_lists,
        huge_values,
    )
}
