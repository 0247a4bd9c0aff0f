"""The same words to pydrop and to gosu, and to setpriv where it is about exit codes. Where they
differ, the row says how, and why pydrop does."""

import subprocess
from pathlib import Path

import pytest

from tests.faults.throwaway import PYDROP, Throwaway

pytestmark = pytest.mark.python

PATH = "/usr/sbin:/usr/bin:/sbin:/bin"
SHOW = ("/bin/sh", "-c", 'grep -E "^(Uid|Gid|Groups):" /proc/self/status | tr "\\t" " "; echo "HOME: $HOME"')


def run(folder: Path, peer: str, who: str, command: "tuple[str, ...]") -> "subprocess.CompletedProcess[bytes]":
    words: dict[str, tuple[str, ...]] = {
        "gosu": ("/usr/sbin/gosu", who),
        "setpriv": ("/usr/bin/setpriv", f"--reuid={who}", f"--regid={who}", "--clear-groups"),
        "pydrop": (PYDROP, f"--user={who}", "--log-level=error"),
    }
    place = Throwaway(folder / peer)
    return place.run(*words[peer], *command, env={"PATH": PATH, "HOME": "/root"}, cwd="/mnt")


def identity(folder: Path, peer: str, who: str) -> "tuple[object, ...]":
    """(uid, gid, all groups, HOME) of the program; (exit code,) where it did not run."""
    result = run(folder, peer, who, SHOW)
    fields = dict([line.split(": ", 1) for line in result.stdout.decode().splitlines()])
    if not fields:
        assert peer == "gosu" or result.stderr.startswith(b"pydrop: ")
        return (result.returncode,)
    assert result.returncode == 0
    ids = [int(fields[name].split()[0]) for name in ("Uid", "Gid")]
    groups = {int(gid) for gid in fields["Groups"].split()} | {ids[1]}  # gosu's list is sometimes without the gid
    return (*ids, sorted(groups), fields["HOME"])


SAME = ("nobody", "nobody:nogroup", "65534", "app:staff", "root", "0")


@pytest.mark.parametrize("who", SAME)
def test_the_program_is_who_it_is_behind_gosu(who, tmp_path):
    found = identity(tmp_path, "gosu", who)
    assert len(found) == 4
    assert identity(tmp_path, "pydrop", who) == found


MEMBERSHIPS = "gosu drops the account's other groups where a group is named; pydrop keeps what /etc/group says of it"
MALFORMED = "gosu reads a malformed number as 0, root's; to pydrop a malformed line is nobody's"
HAS_A_NAME = "pydrop gives the number to the account `app`, so that it has a name and a home; gosu leaves it without"
NOT_ROOTS_GID = "a gid that nobody asked for is the account's, never root's because it was the caller's"
REFUSED = "neither the number nor the name of an account: 125 is pydrop's own failure, where gosu has 1 for all"
NO_NUMBER = "nothing but plain digits is a number; gosu takes this for one, or for root"

DIFFERENT: "dict[str, tuple[tuple[object, ...], tuple[object, ...], str]]" = {  # gosu, pydrop, why
    "app": ((1000, 1000, [0, 50, 1000], "/mnt/home"), (1000, 1000, [50, 1000], "/mnt/home"), MALFORMED),
    "app:app": ((1000, 1000, [1000], "/mnt/home"), (1000, 1000, [50, 1000], "/mnt/home"), MEMBERSHIPS),
    "1000:1000": ((1000, 1000, [1000], "/mnt/home"), (1000, 1000, [50, 1000], "/mnt/home"), MEMBERSHIPS),
    "app:1200": ((1000, 1200, [1200], "/mnt/home"), (1000, 1200, [50, 1200], "/mnt/home"), MEMBERSHIPS),
    "root:staff": ((0, 50, [50], "/root"), (0, 50, [0, 4, 24, 50], "/root"), MEMBERSHIPS),
    "7777:7777": ((7777, 7777, [7777], "/"), (7777, 7777, [50, 7777], "/mnt/home"), HAS_A_NAME),
    "7777": ((7777, 0, [0], "/"), (7777, 1000, [50, 1000], "/mnt/home"), NOT_ROOTS_GID),
    ":staff": ((0, 50, [50], "/root"), (1000, 50, [50], "/mnt/home"), "root only where it is asked for by name"),
    "": ((0, 0, [0, 4, 24], "/root"), (125,), NO_NUMBER),
    "+5": ((5, 0, [0], "/"), (125,), NO_NUMBER),
    "weird": ((0, 0, [0], "/"), (125,), MALFORMED),
    "short": ((1300, 0, [0], ""), (125,), MALFORMED),
    "nosuch": ((1,), (125,), REFUSED),
    "app:nosuch": ((1,), (125,), REFUSED),
    "-1": ((1,), (125,), REFUSED),
    "0x10": ((1,), (125,), REFUSED),
    "4294967295:4294967295": ((1,), (125,), REFUSED),
    "4294967296:4294967296": ((1,), (125,), REFUSED),
}


@pytest.mark.parametrize("who", DIFFERENT)
def test_what_differs_from_gosu_differs_on_purpose(who, tmp_path):
    gosu, pydrop, why = DIFFERENT[who]
    assert gosu != pydrop and why
    assert identity(tmp_path, "gosu", who) == gosu
    assert identity(tmp_path, "pydrop", who) == pydrop


# -- exit codes -----------------------------------------------------------------------------------

GOSU_HAS_ONE = "gosu has one code for whatever fails, its own failures too"
HANDED_TO_SH = (
    "setpriv's execvp(3) hands what the kernel takes for no program to sh; pydrop, as gosu, guesses no interpreter"
)
CODES = {  # name: (command, exit codes of gosu, setpriv and pydrop, why they differ)
    "success": (("true",), (0, 0, 0), ""),
    "the command's own": (("sh", "-c", "exit 3"), (3, 3, 3), ""),
    "not in PATH": (("nosuch",), (1, 127, 127), GOSU_HAS_ONE),
    "not there": (("/no/such",), (1, 127, 127), GOSU_HAS_ONE),
    "its interpreter is not there": (("/mnt/x/lost",), (1, 127, 127), GOSU_HAS_ONE),
    "no name at all": (("",), (1, 127, 127), GOSU_HAS_ONE),
    "a folder": (("/etc",), (1, 126, 126), GOSU_HAS_ONE),
    "not executable": (("/etc/passwd",), (1, 126, 126), GOSU_HAS_ONE),
    "below a file": (("/etc/passwd/x",), (1, 126, 127), "a path that leads through a file is not there, as in a PATH"),
    "in root's folder": (
        ("/mnt/closed/it",),
        (1, 2, 126),
        "setpriv looks with root's capabilities; its sh then cannot",
    ),
    "no program": (("/mnt/x/broken",), (1, 127, 126), HANDED_TO_SH),
    "a script without #!": (("/mnt/x/script",), (1, 0, 126), HANDED_TO_SH),
}
PEERS = ("gosu", "setpriv", "pydrop")
FILES = {"x/lost": "#!/no/such\n", "x/broken": "\x7fELF broken", "x/script": "exit 0\n", "closed/it": "#!/bin/sh\n"}


@pytest.mark.parametrize("peer", PEERS)
@pytest.mark.parametrize("name", CODES)
def test_exit_codes_are_a_shells_and_where_they_differ_it_is_on_purpose(name, peer, tmp_path):
    command, codes, why = CODES[name]
    assert why or len(set(codes)) == 1
    for path, text in FILES.items():
        file = tmp_path / peer / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        file.chmod(0o755)
    (tmp_path / peer / "closed").chmod(0o700)
    result = run(tmp_path, peer, "1000" if peer == "setpriv" else "1000:1000", command)
    assert result.returncode == codes[PEERS.index(peer)], result.stderr
    assert peer != "pydrop" or result.stderr.count(b"\n") == (result.returncode in (126, 127))
