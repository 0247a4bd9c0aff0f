"""The same words to gosu and to pydrop called gosu, to s6-setuidgid and to pydrop called s6-setuidgid, in one run.

Where they differ, the row says what each does, and why pydrop does not do as the tool.
"""

import os
import subprocess
from pathlib import Path

import pytest

from tests.faults.throwaway import GROUP, PASSWD, PYDROP, Throwaway

PATH = "/usr/sbin:/usr/bin:/sbin:/bin"
TOOLS = {"gosu": "/usr/sbin/gosu", "s6-setuidgid": "/usr/bin/s6-setuidgid"}
FIELDS = "Uid|Gid|Groups|CapInh|CapPrm|CapEff|CapBnd|CapAmb|NoNewPrivs|Umask|SigIgn|SigBlk"
STATUS = ("/bin/grep", "-E", f"^({FIELDS}):", "/proc/self/status")
ENVIRONMENT = {"PATH": PATH, "HOME": "/root", "UID": "9", "GID": "8", "GIDLIST": "7", "LANG": "C", "X": "\udcff y"}
ACCOUNTS = b"""
toor:x:0:0::/root:/bin/sh
images:x:1200:0::/srv:/bin/sh
homeless:x:1600:1600:::/bin/sh
big:x:3000000000:3000000000::/:/bin/sh
"""
AS_ROOT, AS_APP = (), ("setpriv", "--reuid=1000", "--regid=1000", "--clear-groups")


def place(folder: Path) -> Throwaway:
    """s6-envuidgid wants an nsswitch.conf; pydrop asks no name service."""
    made = Throwaway(folder, PASSWD + ACCOUNTS, GROUP + b"\nvideo:x:44:app,homeless\n")
    (folder / "etc/nsswitch.conf").write_text("passwd: files\ngroup: files\n")
    (folder / "links").mkdir(exist_ok=True)
    for name in TOOLS:
        link = folder / "links" / name
        if not link.is_symlink():
            link.symlink_to(PYDROP)
    return made


Done = subprocess.CompletedProcess[bytes]


def both(
    folder: Path, tool: str, *words: str, before: "tuple[str, ...]" = AS_ROOT, env: "dict[str, str]" = ENVIRONMENT
) -> "tuple[Done, Done]":
    """How the tool ends, and how pydrop by its name does. Both come with root's groups."""
    inside = place(folder)
    run = [
        inside.run(*before, program, *words, env=env, groups=(0, 4, 24), umask=0o027, cwd="/mnt")
        for program in (TOOLS[tool], f"/mnt/links/{tool}")
    ]
    return run[0], run[1]


def fields(done: Done) -> "dict[str, str]":
    """Of /proc/self/status; nothing where the program did not run."""
    return dict([line.split(":\t", 1) for line in done.stdout.decode().splitlines()])


def who(done: Done) -> "tuple[object, ...]":
    """(uid, gid, the other groups) of the program; (exit code,) where it did not run."""
    found = fields(done)
    if not found:
        return (done.returncode,)
    uid, gid = found["Uid"].split(), found["Gid"].split()
    assert len(set(uid)) == len(set(gid)) == 1
    return int(uid[0]), int(gid[0]), [int(one) for one in found["Groups"].split()]


# -- who the program is ----------------------------------------------------------------------------

SAME = {
    "gosu": (
        *("nobody", "nobody:nogroup", "65534", "app:staff", "app:app", "1000:1000", "app:1200", "7777:7777"),
        *("root", "0", "root:staff", "0:0", "app:root", "app:0", "images", "homeless", "unended", "big", "001000:5"),
        *("nosuch", "app:nosuch", "-1", "0x10", " 5", "5 ", "4294967295", "4294967296", "1_000"),
    ),
    "s6-setuidgid": (
        *("nobody", "app", "root", "unended", "images", "homeless", "big", "0:0", "0:50", "7:0", "1000:1000"),
        *("7777:7777", "007:08", "4294967294:4294967294"),
        *("nosuch", "weird", "short", "1000", "app:app", "app:1000", ":5", "5:", ":", "1:2:3", "+1:2", "-1:2", "0x1:2"),
        *("4294967296:1", "-x", "1:2 "),
    ),
}


# One way through the code each with a row above that stays; tests/pure has each of these words as a value.
LIKE_OTHERS = {
    "gosu": {*("nobody:nogroup", "app:1200", "0:0", "app:0", "unended", "5 ", "4294967296", "1_000", "root:staff")},
    "s6-setuidgid": {*("unended", "7:0", "007:08", "short", "app:1000", ":", "+1:2", "0x1:2", "1:2 ", "0:50")},
}


@pytest.mark.parametrize(
    ("tool", "spec"),
    [
        pytest.param(tool, spec, marks=pytest.mark.soak if spec in LIKE_OTHERS[tool] else ())
        for tool, specs in SAME.items()
        for spec in specs
    ],
)
def test_the_program_is_who_it_is_behind_the_tool(tool, spec, tmp_path):
    """All ids, groups, capability sets, no_new_privs, umask and signals; or the same exit code, and no program."""
    theirs, ours = both(tmp_path, tool, spec, *STATUS)
    assert fields(ours) == fields(theirs)
    assert ours.returncode == theirs.returncode
    assert ours.stderr.count(b"\n") == (ours.returncode != 0)
    assert not ours.stderr or ours.stderr.startswith(f"{tool}: ".encode())


MALFORMED = "a malformed line of passwd or group is nobody's; the tool reads its numbers as 0, which is root's"
NOT_ROOTS_GID = "a gid that nobody asked for is the uid's number, never root's because root is who calls"
EMPTY = "an empty word, often a variable that is not set, is nobody; the tool takes it for its caller, root"
BY_NAME = "root is given to who says root or 0, not for another name that passwd has at uid 0"
PLAIN = "a number is plain digits"
ONE_COLON = "a second colon is an error; the tool drops what is behind it"
ALL_IDS = "all ids that a process can have can be asked for; the tool ends at 2147483647"
UNCHANGED = "4294967295 is the kernel's 'leave unchanged': wrong words to pydrop, to the tool a call that failed"

DIFFERENT = {  # tool, words -> (who the program is behind the tool, behind pydrop, why)
    ("gosu", "app"): ((1000, 1000, [0, 44, 50]), (1000, 1000, [44, 50]), MALFORMED),
    ("gosu", "app:"): ((1000, 1000, [0, 44, 50]), (1000, 1000, [44, 50]), MALFORMED),
    ("gosu", "1000"): ((1000, 1000, [0, 44, 50]), (1000, 1000, [44, 50]), MALFORMED),
    ("gosu", "weird"): ((0, 0, []), (1,), MALFORMED),
    ("gosu", "short"): ((1300, 0, []), (1,), MALFORMED),
    ("gosu", "1300"): ((1300, 0, []), (1300, 1300, []), MALFORMED),
    ("gosu", "app:weird"): ((1000, 0, []), (1,), MALFORMED),
    ("gosu", "app:short"): ((1000, 0, []), (1,), MALFORMED),
    ("gosu", "7777"): ((7777, 0, []), (7777, 7777, []), NOT_ROOTS_GID),
    ("gosu", "7777:"): ((7777, 0, []), (7777, 7777, []), NOT_ROOTS_GID),
    ("gosu", ""): ((0, 0, [4, 24]), (1,), EMPTY),
    ("gosu", ":"): ((0, 0, [4, 24]), (1,), EMPTY),
    ("gosu", ":staff"): ((0, 50, []), (1,), EMPTY),
    ("gosu", "toor"): ((0, 0, []), (1,), BY_NAME),
    ("gosu", "+5"): ((5, 0, []), (1,), PLAIN),
    ("gosu", "app:+5"): ((1000, 5, []), (1,), PLAIN),
    ("gosu", "app:app:x"): ((1000, 1000, []), (1,), ONE_COLON),
    ("gosu", "3000000001:3000000001"): ((1,), (3000000001, 3000000001, []), ALL_IDS),
    ("s6-setuidgid", ""): ((0, 0, [0, 4, 24]), (100,), EMPTY),
    ("s6-setuidgid", "toor"): ((0, 0, [0]), (1,), BY_NAME),
    ("s6-setuidgid", "--"): ((1,), (100,), "`--` is no account: wrong words; the tool looks for the word behind it"),
    ("s6-setuidgid", "4294967295:1"): ((111,), (100,), UNCHANGED),
    ("s6-setuidgid", "1:4294967295"): ((111,), (100,), UNCHANGED),
}


@pytest.mark.parametrize(("tool", "spec"), DIFFERENT)
def test_what_differs_differs_on_purpose(tool, spec, tmp_path):
    """Both sides of the row are looked at, so that a row whose reason is gone is seen."""
    their_row, our_row, why = DIFFERENT[tool, spec]
    theirs, ours = both(tmp_path, tool, spec, *STATUS)
    assert their_row != our_row and why
    assert who(theirs) == their_row
    assert who(ours) == our_row


def test_without_nsswitch_conf_pydrop_goes_on_where_s6_does_not(tmp_path):
    """s6 takes it for a failed look at the groups; pydrop asks no name service."""
    place(tmp_path)
    (tmp_path / "etc/nsswitch.conf").unlink()
    words = ("app", *STATUS)
    programs = (TOOLS["s6-setuidgid"], "/mnt/links/s6-setuidgid")
    found = [Throwaway(tmp_path).run(program, *words, env=ENVIRONMENT) for program in programs]
    assert who(found[0]) == (111,)
    assert who(found[1]) == (1000, 1000, [50, 1000])


# -- what else the program gets --------------------------------------------------------------------

SHOW_ENVIRONMENT = ("/usr/bin/env", "-0")


@pytest.mark.parametrize(
    ("tool", "spec"),
    [
        *[("gosu", spec) for spec in ("nobody", "7777:7777", "root", "homeless", "big")],
        *[("s6-setuidgid", spec) for spec in ("nobody", "root", "7777:7777")],
    ],
)
@pytest.mark.parametrize("home", ["/root", "", None])
def test_the_environment_is_what_it_is_behind_the_tool(tool, spec, home, tmp_path):
    """gosu sets HOME, s6-setuidgid takes out UID, GID and GIDLIST where it was given a name; all else stays."""
    env = {name: value for name, value in (ENVIRONMENT | {"HOME": home}).items() if value is not None}
    theirs, ours = both(tmp_path, tool, spec, *SHOW_ENVIRONMENT, env=env)
    assert ours.stdout and sorted(ours.stdout.split(b"\0")) == sorted(theirs.stdout.split(b"\0"))


def test_the_order_and_doubles_of_the_environment_stay_though_the_tool_changes_them(tmp_path):
    """gosu keeps one of a variable that is there twice, and puts HOME last; pydrop changes what it must."""
    inside, lines = place(tmp_path), ["A=1", "HOME=/x", "A=2", f"PATH={PATH}"]
    twice = "import os, sys, ctypes; exec(sys.argv[1])"
    script = (
        "args=[os.fsencode(a) for a in sys.argv[2:]]; "
        f"env=[os.fsencode(a) for a in {lines!r}]; "
        "v=(ctypes.c_char_p*(len(args)+1))(*args,None); e=(ctypes.c_char_p*(len(env)+1))(*env,None); "
        "ctypes.CDLL(None).execve(args[0], v, e)"
    )
    found = {}
    for program in (TOOLS["gosu"], "/mnt/links/gosu"):
        words = ("/usr/bin/python3", "-c", twice, script, program, "nobody", *SHOW_ENVIRONMENT)
        found[program] = inside.run(*words, env={}).stdout.decode().split("\0")[:-1]
    assert found[TOOLS["gosu"]] == ["A=1", f"PATH={PATH}", "HOME=/nonexistent"]
    assert found["/mnt/links/gosu"] == ["A=1", "HOME=/nonexistent", "A=2", f"PATH={PATH}"]


IGNORING = """
import os, signal, sys
for number in (1, 10, 15): signal.signal(number, signal.SIG_IGN)
for number in (13, 25): signal.signal(number, signal.SIG_DFL)
signal.pthread_sigmask(signal.SIG_BLOCK, (2, 12))
os.execv(sys.argv[1], sys.argv[1:])
"""


@pytest.mark.parametrize("tool", TOOLS)
def test_signals_are_as_they_came(tool, tmp_path):
    """What came ignored or blocked stays so, nothing else is: Python ignores SIGPIPE and SIGXFSZ, which is undone.
    gosu's runtime loses some of it, s6's nothing."""
    before = ("/usr/bin/python3", "-c", IGNORING)
    theirs, ours = both(tmp_path, tool, "7:7", *STATUS, before=before)
    assert (fields(ours) == fields(theirs)) == (tool != "gosu")
    ignored = int(fields(ours)["SigIgn"], 16) & 0x7FFFFFFF  # the bit above is 32's, the C library's own
    assert ignored == 1 << 0 | 1 << 9 | 1 << 14
    assert int(fields(ours)["SigBlk"], 16) == 1 << 1 | 1 << 11


@pytest.mark.parametrize("tool", TOOLS)
def test_capabilities_and_no_new_privs_that_came_are_as_behind_the_tool(tool, tmp_path):
    """Inheritable and bounding set stay, ambient ones go with root; no_new_privs is neither set nor taken back."""
    came = ("setpriv", "--inh-caps=-all,+chown,+net_raw", "--ambient-caps=-all,+chown", "--bounding-set=-kill", "--nnp")
    theirs, ours = both(tmp_path, tool, "7777:7777", *STATUS, before=came)
    assert fields(ours) == fields(theirs)
    assert int(fields(ours)["CapInh"], 16) == 1 << 0 | 1 << 13
    assert (fields(ours)["CapAmb"], fields(ours)["NoNewPrivs"]) == ("0" * 16, "1")


# -- exit codes and streams ------------------------------------------------------------------------

WORDS_OF_GOSU = ((), ("nobody",), ("--help",), ("-h",), ("-?",), ("--version",), ("-v",), ("-h", "x"), ("-v", "x", "y"))
WORDS = [*[("gosu", words) for words in WORDS_OF_GOSU], ("s6-setuidgid", ()), ("s6-setuidgid", ("nobody",))]


@pytest.mark.parametrize(("tool", "words"), WORDS)
def test_help_and_usage_go_where_the_tool_sends_them(tool, words, tmp_path):
    """The same exit code, and something on the same stream."""
    theirs, ours = both(tmp_path, tool, *words)
    assert ours.returncode == theirs.returncode
    assert (bool(ours.stdout), bool(ours.stderr)) == (bool(theirs.stdout), bool(theirs.stderr))


FILES = {"x/lost": "#!/no/such\n", "x/broken": "\x7fELF broken", "x/script": "exit 0\n", "closed/it": "#!/bin/sh\n"}
COMMANDS = {
    "success": ("true",),
    "its own code": ("sh", "-c", "exit 3"),
    "by a signal": ("sh", "-c", "kill -9 $$"),
    "not in PATH": ("nosuch",),
    "not there": ("/no/such",),
    "its interpreter is not there": ("/mnt/x/lost",),
    "a folder": ("/etc",),
    "not executable": ("/etc/passwd",),
    "in root's folder": ("/mnt/closed/it",),
    "no program": ("/mnt/x/broken",),
    "a script without #!": ("/mnt/x/script",),
    "a path from here": ("x/../etc/../../bin/true",),
}


@pytest.mark.parametrize("tool", TOOLS)
@pytest.mark.parametrize("name", COMMANDS)
def test_the_exit_code_is_the_tools(tool, name, tmp_path):
    """The command's own; else one of the tool's, with one line that begins with its name."""
    for path, text in FILES.items():
        file = tmp_path / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        file.chmod(0o755)
    (tmp_path / "closed").chmod(0o700)
    theirs, ours = both(tmp_path, tool, "1000:1000", *COMMANDS[name])
    assert ours.returncode == theirs.returncode
    assert bool(ours.stderr) == bool(theirs.stderr)
    assert not ours.stderr or (ours.stderr.startswith(f"{tool}: ".encode()) and ours.stderr.count(b"\n") == 1)


@pytest.mark.parametrize(
    ("tool", "command", "env", "codes"),
    [  # gosu looks nothing up without a PATH, or in the working folder; execvp(3), which pydrop follows, does
        ("gosu", "true", {}, (1, 0)),
        ("gosu", "here", {"PATH": ":/usr/bin"}, (1, 0)),
        # s6 calls an empty name "permission denied", and a way through a file too
        ("s6-setuidgid", "", {"PATH": PATH}, (126, 127)),
        ("s6-setuidgid", "/etc/passwd/x", {"PATH": PATH}, (126, 127)),
    ],
)
def test_where_the_command_is_looked_for_differs_on_purpose(tool, command, env, codes, tmp_path):
    """As execvp(3) does it, and as a shell counts what is not there: 127."""
    tmp_path.chmod(0o755)
    (tmp_path / "here").write_text("#!/bin/sh\n")
    (tmp_path / "here").chmod(0o755)
    theirs, ours = both(tmp_path, tool, "7:7", command, env=env)
    assert (theirs.returncode, ours.returncode) == codes


# -- without root ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tool", "spec"),
    [("gosu", "nobody"), ("gosu", "0"), ("s6-setuidgid", "nobody"), ("s6-setuidgid", "0:0")],
)
def test_without_root_nobody_becomes_somebody_else(tool, spec, tmp_path):
    """The tools' exit code; the line says which capabilities are lacking, and what to do."""
    theirs, ours = both(tmp_path, tool, spec, *STATUS, before=AS_APP)
    assert (theirs.returncode, ours.returncode) == ({"gosu": 1, "s6-setuidgid": 111}[tool],) * 2
    assert (theirs.stdout, ours.stdout) == (b"", b"")
    assert b"this process (1000:1000) lacks SETGID, SETUID; start the container as root" in ours.stderr


@pytest.mark.parametrize(
    ("tool", "spec"),
    [("gosu", "app"), ("gosu", "1000:1000"), ("s6-setuidgid", "app"), ("s6-setuidgid", "1000:1000")],
)
def test_who_is_that_already_just_runs_where_the_tool_fails(tool, spec, tmp_path):
    """`docker run --user 1000:1000` of an image whose script drops anyway: nothing is given, nothing is lost."""
    theirs, ours = both(tmp_path, tool, spec, *STATUS, before=AS_APP)
    assert who(theirs) == ({"gosu": 1, "s6-setuidgid": 111}[tool],)
    assert who(ours) == (1000, 1000, [])
    assert ours.stderr == b""


def test_without_root_the_runtimes_groups_stay_ones_own(tmp_path):
    """They cannot be given up, and the command could have them by being started without gosu."""
    before = ("setpriv", "--reuid=1000", "--regid=1000", "--groups=7,2000")
    _, ours = both(tmp_path, "gosu", "app", *STATUS, before=before)
    assert who(ours) == (1000, 1000, [7, 2000])


def test_a_uid_without_entry_keeps_its_own_gid_without_root(tmp_path):
    """OpenShift: a random uid with gid 0, and a script that says `gosu "$(id -u)"`."""
    before = ("setpriv", "--reuid=12345", "--regid=0", "--groups=0")
    _, ours = both(tmp_path, "gosu", "12345", *STATUS, before=before)
    assert who(ours) == (12345, 0, [0])


@pytest.mark.parametrize(
    ("drop", "missing"),
    [("-all", "SETGID, SETUID"), ("-setgid", "SETGID"), ("-setuid", "SETUID")],
)
@pytest.mark.parametrize("tool", TOOLS)
def test_root_without_capabilities_is_told_which_to_add(tool, drop, missing, tmp_path):
    """`--cap-drop ALL`: the tools say "operation not permitted"; ours names them and the line of compose."""
    before = ("setpriv", f"--bounding-set={drop}", "--inh-caps=-all", "sh", "-c", 'exec "$@"', "sh")
    theirs, ours = both(tmp_path, tool, "7:7", *STATUS, before=before)
    assert theirs.returncode == ours.returncode != 0
    assert (theirs.stdout, ours.stdout) == (b"", b"")
    assert f"lacks {missing}; add to the service in compose: cap_add: [{missing}]".encode() in ours.stderr


@pytest.mark.parametrize("tool", TOOLS)
def test_a_number_that_a_user_namespace_does_not_map_is_shown_with_what_it_maps(tool, tmp_path):
    """Rootless: the kernel's own word for it is "Invalid argument"."""
    inside = place(tmp_path)
    unshare = ("unshare", "--user", "--map-root-user")
    done = [
        inside.run(*unshare, program, "1500:1500", "true", env=ENVIRONMENT)
        for program in (TOOLS[tool], f"/mnt/links/{tool}")
    ]
    assert done[0].returncode == done[1].returncode == {"gosu": 1, "s6-setuidgid": 111}[tool]
    assert b"does not exist in this user namespace, which maps 0 to 0" in done[1].stderr


# -- the name --------------------------------------------------------------------------------------


@pytest.mark.parametrize("argv0", ["gosu", "/nowhere/gosu"])
def test_the_name_is_what_the_caller_says(argv0, tmp_path):
    """argv[0] decides, not the file: `exec -a gosu pydrop` is gosu, with no more than pydrop itself would give."""
    os.symlink(PYDROP, tmp_path / "other")
    words = ("bash", "-c", 'exec -a "$0" "$@"', argv0, "/mnt/other", "7:8", *STATUS)
    assert who(place(tmp_path).run(*words, env=ENVIRONMENT)) == (7, 8, [])


def test_no_variable_of_pydrops_changes_a_personality(tmp_path):
    """What an image sets for its entrypoint does not reach the scripts' gosu; the variables are passed on."""
    env = ENVIRONMENT | {"PUID": "5", "PYDROP_USER": "root", "PYDROP_NONSENSE": "1", "PYDROP_CONFIG": "/nowhere"}
    theirs, ours = both(tmp_path, "gosu", "7:8", *STATUS, env=env)
    assert fields(ours) == fields(theirs)


def test_set_uid_it_is_refused_by_this_name_too(tmp_path):
    """Else everybody could be root by it."""
    inside = place(tmp_path)
    copy = tmp_path / "gosu"
    copy.write_bytes(Path(PYDROP).read_bytes())
    copy.chmod(0o4755)
    done = inside.run(*AS_APP, "/mnt/gosu", "root", "id", env=ENVIRONMENT)
    assert (done.returncode, done.stdout) == (125, b"")
    assert b"set-uid" in done.stderr
