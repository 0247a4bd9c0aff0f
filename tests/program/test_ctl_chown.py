"""`pydropctl chown` as a process: what it changes, what it says on which stream, and its exit codes."""

import fcntl
import json
import os
import re
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.faults.throwaway import PYDROP, Throwaway
from tests.program.fast_clock import FAST_CTL, FAST_SLOW
from tests.program.terminal import Terminal, slow_looks

CTL = f"{PYDROP}ctl"
ENV = {"PATH": "/usr/bin:/bin"}
PASSWD = b"root:x:0:0::/root:/bin/sh\nwww-data:x:33:34::/:/bin/sh\ntoor:x:0:0::/:/bin/sh\nweird:x:abc:0::/:/bin/sh\n"
GROUP = b"root:x:0:\nwww-data:x:34:\nvideo:x:44:\n"
WITHOUT_CHOWN = ("setpriv", "--bounding-set=-chown", "--inh-caps=-chown")
HINT = "takes a while; the policy on-root-mismatch would skip this next time"


@pytest.fixture
def place(tmp_path: Path) -> Throwaway:
    """Account files of our own, and a volume `/mnt/data` of root's with 7 entries."""
    place = Throwaway(tmp_path, PASSWD, GROUP)
    grown(tmp_path / "data", folders=2, files=2)
    return place


@pytest.fixture
def slow(place: Throwaway) -> Throwaway:
    """With a volume `/mnt/slow` whose owning takes some seconds of a fast clock behind FAST_SLOW."""
    grown(place.folder / "slow", folders=12, files=48)
    return place


def grown(top: Path, folders: int, files: int) -> Path:
    for folder in range(folders):
        (top / str(folder)).mkdir(parents=True)
        for file in range(files):
            (top / str(folder) / str(file)).touch()
    return top


def chown(
    place: Throwaway, *words: "str | bytes", env: "dict[str, str] | None" = None, cwd: str = "/"
) -> "subprocess.CompletedProcess[bytes]":
    return place.run(CTL, "chown", *words, env=ENV | (env or {}), cwd=cwd)


def owners(top: Path) -> set[tuple[int, int]]:
    return {(info.st_uid, info.st_gid) for info in map(os.lstat, [top, *top.rglob("*")])}


def unread(paths: list[Path]) -> dict[Path, os.stat_result]:
    """What the kernel says of these, with access times so old that who reads a folder changes its own."""
    for path in paths:
        os.utime(path, (1, 2), follow_symlinks=False)
    return {path: path.lstat() for path in paths}


def said(done: "subprocess.CompletedProcess[bytes]") -> str:
    """The one line on standard error of a run that did nothing."""
    lines = done.stderr.decode().splitlines()
    assert len(lines) == 1 and lines[0].startswith("pydrop: ") and done.stdout == b"", done
    return lines[0].removeprefix("pydrop: ")


def untimed(text: "str | bytes") -> str:
    """With every duration as T, since no test measures."""
    text = text if isinstance(text, str) else text.decode()
    return re.sub(r"\b[\d.]+ m?s\b", "T", re.sub(r"by \d+ process(es)?", "by P", text))


# -- who -------------------------------------------------------------------------------------------

USERS = {
    "a name brings its group": ("www-data", (33, 34)),
    "a number that an account has brings its group": ("33", (33, 34)),
    "a number that nobody has": ("1500", (1500, 1500)),
    "both numbers": ("1500:1600", (1500, 1600)),
    "a number and a name": ("1500:video", (1500, 44)),
    "a name and a number": ("www-data:7", (33, 7)),
    "blanks of an env file": (" 1500:1600\r", (1500, 1600)),
    "root, asked for in so many words": ("root", (0, 0)),
    "the largest": ("4294967294", (4294967294, 4294967294)),
}


@pytest.mark.parametrize("case", USERS)
def test_the_user_is_who_a_start_would_take(place: Throwaway, case: str) -> None:
    """Never group 0 because nothing better was known."""
    word, owner = USERS[case]
    done = chown(place, "/mnt/data", "--user", word)
    assert done.returncode == 0, done
    assert owners(place.folder / "data") == {owner}


WITH_APP = PASSWD + b"app:x:1000:1001::/mnt/home:/bin/sh\n", GROUP + b"app:x:1001:\n"


def test_a_start_with_these_settings_finds_it_right(place: Throwaway) -> None:
    """An image with an `app` of its own: what an initContainer owned is nothing to do for the entrypoint."""
    for name, content in zip(("passwd", "group"), WITH_APP, strict=True):
        (place.folder / "etc" / name).write_bytes(content)
    env = ENV | {"PYDROP_USER": "1500"}
    assert chown(place, "/mnt/data", env=env).returncode == 0
    started = place.run(PYDROP, "id", "-u", env=env | {"PYDROP_CHOWN": "/mnt/data"})
    assert started.stdout == b"1500\n"
    assert b"/mnt/data:" not in started.stderr


@pytest.mark.parametrize(
    ("word", "owner"), [("1500", (1500, 1500)), ("1000", (1000, 1001)), ("33", (33, 34)), ("1500:7", (1500, 7))]
)
def test_a_number_brings_no_group_of_an_account_that_nobody_named(
    place: Throwaway, word: str, owner: tuple[int, int]
) -> None:
    """Only of the one that has the number: a start's `app` is no word of who says --user 1500."""
    for name, content in zip(("passwd", "group"), WITH_APP, strict=True):
        (place.folder / "etc" / name).write_bytes(content)
    assert chown(place, "/mnt/data", "--user", word).returncode == 0
    assert owners(place.folder / "data") == {owner}


@pytest.mark.parametrize(
    ("env", "owner"),
    [
        ({"PUID": "1500"}, (1500, 1500)),
        ({"PUID": "1500", "PGID": "1600"}, (1500, 1600)),
        ({"PYDROP_USER": "www-data"}, (33, 34)),
        ({"PYDROP_OWNER_OF": "/mnt/theirs"}, (77, 78)),
    ],
)
def test_without_user_it_is_whom_a_start_here_would_become(
    place: Throwaway, env: dict[str, str], owner: tuple[int, int]
) -> None:
    """An initContainer of the same image with the same variables needs no other word."""
    theirs = place.folder / "theirs"
    theirs.mkdir()
    os.chown(theirs, 77, 78)
    done = chown(place, "/mnt/data", env=env)
    assert done.returncode == 0, done
    assert owners(place.folder / "data") == {owner}


def test_the_option_wins_over_what_the_environment_says(place: Throwaway) -> None:
    """Whatever it is: who says --user needs no settings."""
    chown(place, "/mnt/data", "--user", "7", env={"PUID": "1500", "PYDROP_NOSUCH": "1", "PYDROP_CONFIG": "/nowhere"})
    assert owners(place.folder / "data") == {(7, 7)}


# -- what is refused before anything is done -------------------------------------------------------

REFUSED = {
    "the kernel's leave unchanged": (("--user", "4294967295"), "'leave unchanged': who asks for it stays root"),
    "what the kernel would cut off": (("--user", "4294967296"), "which may leave 0, root"),
    "that as a group": (("--user", "1:4294967295"), "'leave unchanged'"),
    "hexadecimal": (("--user", "0x10"), "is not a number in plain digits"),
    "digits of another script": (("--user", "१५"), "digits of another script"),
    "an unknown name": (("--user", "www-dta"), "no account 'www-dta', did you mean 'www-data'?; correct it, or write"),
    "a malformed line's name": (("--user", "weird"), "no account 'weird'"),
    "an unknown group": (("--user", "1:vidoe"), "no group 'vidoe', did you mean 'video'?"),
    "root under another name": (("--user", "toor"), "toor has uid 0"),
    "a group alone": (("--user", ":video"), "names no user, only a group; write both, as --user 1000:video"),
    "an empty user": (("--user", ""), "--user='' is empty"),
    "nobody": ((), "nobody is named who gets it; add --user 1000:1000"),
    "an unknown policy": (("--user", "1", "--policy", "mismach"), "did you mean mismatch?"),
    "a mode that is none": (("--user", "1", "--mode", "u=q"), "--mode=u=q is not a mode"),
    "a mode in two digits": (("--user", "1", "--mode", "75"), "is not an octal mode"),
    "an owner by name": (
        ("--user", "1", "--only-from", "app"),
        "--only-from=app is not a number; write an id from 0 to",
    ),
    "an owner that is none": (("--user", "1", "--only-from", ":"), 'write "999:999", "999" or ":999"'),
    "an empty pattern": (("--user", "1", "--exclude", ""), "--exclude='' is empty"),
    "an unknown way with errors": (("--user", "1", "--errors", "wran"), "did you mean warn?"),
    "an unknown option": (("--user", "1", "--polcy", "x"), "--polcy"),
    "an option without its value": (("--user",), "requires an argument; see pydropctl chown --help"),
    "the system": (("--user", "1", "/etc"), "the volume /etc is part of the system"),
    "the system, around a corner": (("--user", "1", "/mnt/../usr"), "the volume /mnt/../usr is part of the system"),
    "an empty path": (("--user", "1", ""), "one PATH is empty"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_wrong_words_are_one_line_and_125_and_nothing_is_done(place: Throwaway, case: str) -> None:
    """Nor to the volume that is named before the wrong one."""
    words, reason = REFUSED[case]
    done = chown(place, "/mnt/data", *words)
    assert done.returncode == 125
    assert reason in said(done)
    assert owners(place.folder / "data") == {(0, 0)}


def test_an_owner_is_not_said_to_have_a_name(place: Throwaway) -> None:
    """The remedy is one that helps: only numbers are compared."""
    done = chown(place, "/mnt/data", "--user", "1", "--only-from", "app")
    assert said(done).endswith("; write an id from 0 to 4294967294 in digits alone")


def test_a_path_is_needed(place: Throwaway) -> None:
    done = chown(place, "--user", "1")
    assert (done.returncode, "PATH" in said(done)) == (125, True)


def test_without_root_it_is_one_line_that_says_how_to_be(place: Throwaway) -> None:
    words = (
        "setpriv",
        "--reuid",
        "1234",
        "--regid",
        "1234",
        "--clear-groups",
        CTL,
        "chown",
        "/mnt/data",
        "--user",
        "1",
    )
    done = place.run(*words, env=ENV)
    assert done.returncode == 125
    assert said(done).startswith(
        "user 1234 cannot give files to others, only root can; run it as root (docker: --user 0"
    )
    looked = place.run(*words, "--dry-run", env=ENV)
    assert looked.returncode == 0
    assert b"7 of 7 entries would be changed to 1:1" in looked.stdout


def test_a_number_that_the_user_namespace_does_not_map_is_refused_with_what_it_maps(place: Throwaway) -> None:
    words = ("unshare", "--user", "--map-root-user", CTL, "chown", "/mnt/data", "--user", "1500")
    done = place.run(*words, env=ENV)
    assert done.returncode == 125
    assert "user 1500 (--user) does not exist in this user namespace, which maps 0 to 0" in said(done)


def test_a_link_that_others_could_have_made_is_refused(place: Throwaway) -> None:
    """The way to a volume is followed as at a start."""
    (place.folder / "link").symlink_to("data")
    os.lchown(place.folder / "link", 1500, 1500)
    done = chown(place, "/mnt/data", "/mnt/link", "--user", "1")
    assert done.returncode == 125
    assert "leads through the symlink link" in said(done)
    assert owners(place.folder / "data") == {(0, 0)}


def test_a_working_folder_that_is_gone_is_said(place: Throwaway) -> None:
    script = f"mkdir /mnt/gone && cd /mnt/gone && rmdir /mnt/gone && exec {CTL} chown data --user 1"
    done = place.run("sh", "-c", script, env=ENV)
    assert done.returncode == 125
    assert "the working folder is gone: name it from / on" in said(done)


# -- what is done ----------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["data", "./data/", "../mnt/data", "/mnt//data", "home/../data"])
def test_a_path_may_be_relative_to_the_working_folder(place: Throwaway, path: str) -> None:
    assert chown(place, path, "--user", "1500", cwd="/mnt").returncode == 0
    assert owners(place.folder / "data") == {(1500, 1500)}


def test_the_options_are_those_of_a_volume(place: Throwaway) -> None:
    """Each reaches the engine."""
    data = place.folder / "data"
    os.chown(data / "0/0", 999, 998)
    assert chown(place, "/mnt/data", "--user", "5", "--only-from", "999:998").returncode == 0
    assert owners(data) == {(0, 0), (5, 5)}
    assert chown(place, "/mnt/data", "--user", "6", "--exclude", "0", "--exclude", "x:y").returncode == 0
    assert ((data / "0").stat().st_uid, (data / "1").stat().st_uid) == (0, 6)
    assert chown(place, "/mnt/data", "--user", "7", "--policy", "top").returncode == 0
    assert (data.stat().st_uid, (data / "1").stat().st_uid) == (7, 6)
    assert chown(place, "/mnt/data", "--user", "7", "--mode", "u=rwX,g=,o=").returncode == 0
    assert ((data / "1").stat().st_mode & 0o777, (data / "1/1").stat().st_mode & 0o777) == (0o700, 0o600)
    assert chown(place, "/mnt/new/er", "--user", "8", "--create").returncode == 0
    assert owners(place.folder / "new/er") == {(8, 8)}


def test_a_name_that_is_no_text_is_owned_and_shown_escaped(place: Throwaway) -> None:
    (place.folder / "data").rename(os.fsdecode(bytes(place.folder) + b"/d\xff\x1b"))
    done = chown(place, b"/mnt/d\xff\x1b", "--user", "1")
    assert (done.returncode, done.stdout.startswith(rb"/mnt/d\xff\x1b: 7 of 7 entries")) == (0, True)


@pytest.mark.parametrize("words", [(), ("--create",), ("--mode", "u=rwX")])
def test_a_dry_run_changes_nothing_and_says_what_would_be(place: Throwaway, words: tuple[str, ...]) -> None:
    before = unread([place.folder / "data", *(place.folder / "data").rglob("*")])
    done = chown(place, "/mnt/data", "/mnt/new", "--user", "1500", "--dry-run", *words)
    mode = " with mode u=rwX" if "--mode" in words else ""
    lines = untimed(done.stdout).splitlines()
    assert lines[0] == f"/mnt/data: 7 of 7 entries would be changed to 1500:1500{mode} in T by P"
    assert lines[1].startswith(
        "/mnt/new: would be made" if "--create" in words else "unable to own the volume /mnt/new"
    )
    assert done.returncode == (0 if "--create" in words else 1)
    assert {path: path.lstat() for path in before} == before
    assert {place.folder / "data", *(place.folder / "data").rglob("*")} == set(before)
    assert not (place.folder / "new").exists()


# -- what is said ----------------------------------------------------------------------------------


@pytest.mark.quick
@pytest.mark.python
def test_a_volume_is_a_line(place: Throwaway) -> None:
    grown(place.folder / "more", 1, 1)
    first = chown(place, "/mnt/data", "/mnt/more", "--user", "1500")
    again = chown(place, "/mnt/data", "--user", "1500")
    assert untimed(first.stdout) == (
        "/mnt/data: 7 of 7 entries given to 1500:1500 in T by P\n"
        "/mnt/more: 3 of 3 entries given to 1500:1500 in T by P\n"
    )
    assert untimed(again.stdout) == "/mnt/data: nothing to change for 1500:1500, 7 entries looked at in T by P\n"
    assert first.stderr == again.stderr == b""


def test_quiet_says_nothing_where_all_went_well(place: Throwaway) -> None:
    done = chown(place, "/mnt/data", "--user", "1", "-q")
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    assert b"it does not exist" in chown(place, "/mnt/none", "--user", "1", "-q").stdout


@pytest.mark.parametrize(("errors", "code"), [((), 1), (("--errors", "fail"), 1), (("--errors", "warn"), 0)])
def test_what_is_missing_is_said_and_fails(place: Throwaway, errors: tuple[str, ...], code: int) -> None:
    """An initContainer that quietly did nothing would leave the program to fail. The other volumes are owned."""
    done = chown(place, "/mnt/none", "/mnt/data", "--user", "1500", *errors)
    assert done.returncode == code
    assert done.stdout.decode().splitlines()[0] == (
        "unable to own the volume /mnt/none: it does not exist; mount it, or add --create to have it made"
    )
    assert owners(place.folder / "data") == {(1500, 1500)}


@pytest.mark.parametrize(("errors", "code"), [((), 1), (("--errors", "warn"), 0)])
def test_what_refuses_is_said_with_its_reason_and_remedy_and_fails(
    place: Throwaway, errors: tuple[str, ...], code: int
) -> None:
    done = place.run(
        *(*WITHOUT_CHOWN, CTL, "chown", "/mnt/data", "--user", "1500", *errors),
        env=ENV,
    )
    first, *rest = untimed(done.stdout).splitlines()
    assert done.returncode == code
    assert first == "/mnt/data: nothing changed for 1500:1500, 7 entries looked at in T by P"
    assert len(rest) == 1
    assert rest[0].startswith("  unable to give 7 of 7 entries of /mnt/data to 1500:1500: Operation not permitted (")
    assert rest[0].endswith(" and 4 more); root lacks capabilities here: add cap_add: [CHOWN]")


def test_a_read_only_volume_has_the_word_for_kubernetes(place: Throwaway) -> None:
    script = f"mount --bind -o ro /mnt/data /mnt/data && exec {CTL} chown /mnt/data --user 1500"
    done = place.run("sh", "-c", script, env=ENV)
    assert done.returncode == 1
    assert "Read-only file system" in done.stdout.decode()
    assert "in Kubernetes readOnly: true" in done.stdout.decode()


def test_files_left_alone_for_their_other_names_are_said_and_do_not_fail(place: Throwaway) -> None:
    os.link(place.folder / "data/0/0", place.folder / "outside")
    done = chown(place, "/mnt/data", "--user", "1500")
    assert done.returncode == 0
    assert "left 1 files of others in /mnt/data alone" in done.stdout.decode()
    assert "(0/0); if all of those may be chowned, add --hard-links" in done.stdout.decode()
    assert b"1 of 7" in chown(place, "/mnt/data", "--user", "1500", "--hard-links").stdout


def test_mounts_that_are_left_alone_are_said(place: Throwaway) -> None:
    run = f"{CTL} chown /mnt/data --user 1500"
    script = f"mount -t tmpfs tmpfs /mnt/data/1 && {run} && {run}"
    lines = place.run("sh", "-c", script, env=ENV).stdout.decode().splitlines()
    assert ["mounts below left alone (1)" in line for line in lines] == [True, True]


def test_a_standard_output_that_is_closed_is_no_traceback(place: Throwaway) -> None:
    done = place.run("sh", "-c", f"exec {CTL} chown /mnt/data --user 1500 >&- 2>&-", env=ENV)
    assert done.returncode == 0
    assert owners(place.folder / "data") == {(1500, 1500)}


# -- JSON ------------------------------------------------------------------------------------------

NAMES = {"count": int, "names": list}
SHAPE = {
    "path": str,
    "policy": str,
    "looked_at": int,
    "changed": int,
    "given": int,
    "refused": list,
    "left_alone": NAMES,
    "mounts": NAMES,
    "idmapped": dict,
    "shown_as": str,
    "busy": bool,
    "missing": bool,
    "replaced": str,
    "created": bool,
    "seconds": float,
    "waited": float,
    "processes": int,
}
REFUSAL = {"reason": str, "message": str, **NAMES}


def check(value: object, shape: object) -> None:
    """That a value has exactly these keys, and values of these kinds."""
    if isinstance(shape, dict):
        assert isinstance(value, dict) and list(value) == list(shape)
        for key, kind in shape.items():
            check(value[key], kind)
    else:
        assert type(value) is shape


def test_json_is_one_document_of_the_documented_shape(place: Throwaway) -> None:
    """docs/volumes.md shows it; names are escaped there as everywhere."""
    odd = place.folder / "data/1" / "\x1b[2J\udcff"
    odd.touch()
    os.link(odd, place.folder / "outside")
    done = chown(place, "/mnt/data", "/mnt/none", "--user", "1500", "--json")
    content = json.loads(done.stdout)
    assert (done.returncode, done.stderr, list(content)) == (1, b"", ["dry_run", "volumes"])
    assert content["dry_run"] is False
    for volume in content["volumes"]:
        check(volume, SHAPE)
    data, none = content["volumes"]
    assert (data["path"], data["policy"], data["looked_at"], data["changed"], data["given"]) == (
        "/mnt/data", "mismatch", 8, 7, 7,
    )  # fmt: skip
    assert data["left_alone"] == {"count": 1, "names": ["1/\\x1b[2J\\xff"]}
    assert (data["missing"], none["missing"], none["looked_at"]) == (False, True, 0)


def test_json_says_what_refused(place: Throwaway) -> None:
    words = (*WITHOUT_CHOWN, CTL, "chown", "/mnt/data", "--user", "1500")
    (volume,) = json.loads(place.run(*words, "--json", env=ENV).stdout)["volumes"]
    (refusal,) = volume["refused"]
    check(refusal, REFUSAL)
    assert (refusal["reason"], refusal["count"], len(refusal["names"])) == ("EPERM", 7, 3)
    assert refusal["message"].endswith("add cap_add: [CHOWN]")


def test_json_of_a_dry_run(place: Throwaway) -> None:
    content = json.loads(chown(place, "/mnt/data", "/mnt/new", "--user", "1", "--dry-run", "--create", "--json").stdout)
    data, new = content["volumes"]
    assert (content["dry_run"], data["changed"], new["created"], new["missing"]) == (True, 7, True, False)


def test_the_documented_json_is_what_is_printed() -> None:
    """The example in docs/volumes.md has every key."""
    text = (Path(__file__).parent.parent.parent / "docs/volumes.md").read_text()
    example = json.loads(text.partition("```json\n")[2].partition("```")[0])
    for volume in example["volumes"]:
        check(volume, SHAPE)
        for refusal in volume["refused"]:
            check(refusal, REFUSAL)
    assert any(volume["refused"] for volume in example["volumes"])


# -- on a terminal, with a clock that is fast ------------------------------------------------------


def with_fast_clock(
    place: Throwaway, *words: str, around: tuple[str, ...] = (), env: "dict[str, str] | None" = None
) -> "list[str | bytes]":
    given = [f"{name}={value}" for name, value in (ENV | (env or {})).items()]
    return place.inside(*around, "env", "-i", *given, *FAST_CTL, "chown", *words, "--user", "1500")


def slowly(slow: Throwaway, columns: int, *words: str, looks: tuple[str, ...] = FAST_SLOW) -> Terminal:
    no_color = {"NO_COLOR": "1"} if columns == 40 else {}
    return Terminal(with_fast_clock(slow, "/mnt/slow", *words, around=looks, env=no_color), columns)


@pytest.mark.parametrize("columns", [40, 80])
def test_a_terminal_shows_a_bar_that_is_gone_at_the_end(slow: Throwaway, columns: int) -> None:
    """It moves, never wraps, sends no escape sequence (so NO_COLOR has nothing to forbid), and leaves the hint."""
    terminal = slowly(slow, columns)
    assert terminal.end() == 0
    bars = [frame for frame in terminal.frames if "[" in frame and "]" in frame]
    assert len(bars) > 10
    assert max(map(len, bars)) <= columns - 3
    assert len({bar.count("#") for bar in bars}) > 2
    assert all(bar.startswith(("/mnt/slow", "...")) for bar in bars)
    counts = [int(number) for bar in bars for number in re.findall(r"(\d+)(?: entries)? looked at", bar)]
    assert counts == sorted(counts) and (counts or columns == 40)
    assert "\x1b" not in terminal.sent
    left = "".join(terminal.screen.lines).replace(" ", "")  # a blank where the terminal wraps is lost
    assert "[" not in left and HINT.replace(" ", "") in left and terminal.screen.lines[-1] == ""
    assert untimed(terminal.stdout) == "/mnt/slow: 589 of 589 entries given to 1500:1500 in T by P\n"


def test_what_the_bar_shows_at_80_columns(slow: Throwaway) -> None:
    """Where it is, how far, how long still, and what is counted."""
    terminal = slowly(slow, 80, "--exclude", "1*")
    terminal.end()
    pattern = r"\S+  \[[#-]+\]  +\d+%  00:\d\d:\d\d  \d+ looked at, \d+ changed, \d+/s"
    assert [frame for frame in terminal.frames if re.fullmatch(pattern, frame)]


@pytest.mark.python
def test_ctrl_c_ends_it_with_130_and_a_line_that_the_next_run_goes_on(slow: Throwaway) -> None:
    """The bar and the ^C behind it are gone; no traceback; and the next run does go on."""
    terminal = slowly(slow, 80, looks=slow_looks(2000))
    terminal.watch(until=lambda t: any("#" in frame for frame in t.frames))
    terminal.type("\x03")
    assert terminal.end() == 130
    *before, last, cursor = terminal.screen.lines
    assert (last, cursor) == ("pydrop: warning: stopped by SIGINT; the next run goes on from here", "")
    assert "[" not in "".join(before) and "^C" not in "".join(before)
    assert terminal.stdout == b""
    top = slow.folder / "slow"
    assert owners(top) == {(0, 0), (1500, 1500)} and top.stat().st_uid == 0
    done = chown(slow, "/mnt/slow", "--user", "1500")
    given = re.match(rb"/mnt/slow: (\d+) of 589 entries", done.stdout)
    assert given and 0 < int(given[1]) < 589, done
    assert owners(top) == {(1500, 1500)}


def test_quiet_shows_no_bar(slow: Throwaway) -> None:
    terminal = slowly(slow, 80, "-q")
    assert (terminal.end(), terminal.sent, terminal.stdout) == (0, "", b"")


def test_a_dry_run_has_a_bar_too(slow: Throwaway) -> None:
    terminal = slowly(slow, 120, "--dry-run")
    assert terminal.end() == 0
    assert any(" to change" in frame for frame in terminal.frames)
    assert terminal.screen.lines == [""]


# -- elsewhere -------------------------------------------------------------------------------------


def test_without_a_terminal_a_line_comes_after_two_seconds(slow: Throwaway) -> None:
    """Also with --json, since it goes to standard error; and the hint once."""
    words = with_fast_clock(slow, "/mnt/slow", "--json", around=FAST_SLOW)
    done = subprocess.run(words, capture_output=True, check=True)
    first, hint, *rest = done.stderr.decode().splitlines()
    assert re.fullmatch(r"pydrop: \d+ entries looked at, \d+ changed, \d+ a second.*/mnt/slow.*", first)
    assert hint == f"pydrop: /mnt/slow {HINT}"
    assert len(rest) <= 1
    assert json.loads(done.stdout)["volumes"][0]["changed"] == 589


def held(folder: Path) -> int:
    """The lock that another container would hold."""
    lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    fcntl.flock(lock, fcntl.LOCK_EX)
    return lock


def test_while_another_container_works_it_says_so_once_and_waits(place: Throwaway) -> None:
    data = place.folder / "data"
    lock = held(data)
    words = with_fast_clock(place, "/mnt/data", "--json")
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stderr and process.stdout
        line = process.stderr.readline()
        assert line.decode() == "pydrop: another container is working on /mnt/data; waiting for it\n"
        assert owners(data) == {(0, 0)}
        os.close(lock)
        assert process.stderr.read() == b""
        (volume,) = json.loads(process.stdout.read())["volumes"]
    assert process.returncode == 0
    assert volume["waited"] >= 1.9 and volume["changed"] == 7
    assert owners(data) == {(1500, 1500)}


def test_the_bar_says_that_it_waits(place: Throwaway) -> None:
    lock = held(place.folder / "data")
    terminal = Terminal(with_fast_clock(place, "/mnt/data"), 80)
    terminal.watch(until=lambda t: any(re.search("waiting for another container, [1-9]", f) for f in t.frames))
    os.close(lock)
    assert terminal.end() == 0
    assert terminal.screen.lines == [""]
    assert b"of waiting for another container\n" in terminal.stdout


@pytest.mark.parametrize("name", ["TERM", "HUP", "QUIT", "INT"])
def test_a_signal_stops_it_also_as_the_first_process(place: Throwaway, name: str) -> None:
    """An initContainer's pod that is deleted must not wait for half a minute."""
    number = signal.Signals[f"SIG{name}"]
    lock = held(place.folder / "data")
    words = place.inside("env", "-i", "PATH=/usr/bin:/bin", CTL, "chown", "/mnt/data", "--user", "1500")
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        child = until_it_waits(process.pid)
        os.kill(child, number)
        out, err = process.communicate(timeout=20)
    os.close(lock)
    assert (process.returncode, out) == (128 + number, b"")
    assert err.decode() == f"pydrop: warning: stopped by SIG{name}; the next run goes on from here\n"
    assert owners(place.folder / "data") == {(0, 0)}


def descriptors(pid: str) -> set[str]:
    """What a process has open; one more look shows what was closed or opened meanwhile."""
    try:
        return {os.readlink(fd) for fd in Path(f"/proc/{pid}/fd").iterdir()}
    except OSError:
        return set()


def until_it_waits(pid: int) -> int:
    """The process below `pid` that has the volume open, which it has when it waits for the lock."""
    end = time.monotonic() + 20
    while time.monotonic() < end:
        for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
            if "/mnt/data" in descriptors(child):
                return int(child)
    raise AssertionError("it never opened the volume")
