"""The program's environment, where it is looked for, and what is said when it cannot be run."""

import errno
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from pydrop.command_lookup import DEFAULT_PATH, candidates
from pydrop.errors import NOT_EXECUTABLE, NOT_FOUND, CommandFailed
from pydrop.executable import Executable
from pydrop.handover import Handover, environment
from pydrop.model import Start

pytestmark = pytest.mark.python  # bytes that are no UTF-8, and the signals that Python ignores


@pytest.fixture(autouse=True)
def signals() -> Iterator[None]:
    """Handing over puts the signals back that Python ignores; the other tests' Python wants them ignored."""
    before = {number: signal.getsignal(number) for number in (signal.SIGPIPE, signal.SIGXFSZ)}
    yield
    for number, action in before.items():
        signal.signal(number, action)


# -- environment -----------------------------------------------------------------------------------

ENVIRONMENTS: dict[str, tuple[tuple[str, ...], list[tuple[str, str | None]], tuple[str, ...]]] = {
    "nothing changes nothing": (("A=1", "B=2"), [], ("A=1", "B=2")),
    "a changed name keeps its place": (("A=1", "HOME=/root", "B=2"), [("HOME", "/app")], ("A=1", "HOME=/app", "B=2")),
    "a new name goes to the end": (("A=1",), [("USER", "app"), ("X", "")], ("A=1", "USER=app", "X=")),
    "None takes a name out": (("A=1", "B_FILE=/b", "C=3"), [("B_FILE", None)], ("A=1", "C=3")),
    "None for what is not there does nothing": (("A=1",), [("B", None)], ("A=1",)),
    "the last change counts": (("A=1",), [("A", "2"), ("A", "3"), ("B", "x"), ("B", None)], ("A=3",)),
    "what was taken out can be set again": (("A=1",), [("A", None), ("A", "2")], ("A=2",)),
    "a double that changes is there once": (("A=1", "B=2", "A=3"), [("A", "x")], ("A=x", "B=2")),
    "a double that goes is gone": (("A=1", "B=2", "A=3"), [("A", None)], ("B=2",)),
    "doubles of others stay": (("A=1", "A=2", "B=1"), [("B", "2")], ("A=1", "A=2", "B=2")),
    "a name is a whole name": (
        ("HOMEX=1", "XHOME=2", "home=3"),
        [("HOME", "/")],
        ("HOMEX=1", "XHOME=2", "home=3", "HOME=/"),
    ),
    "strings without a name or a = stay": (("A", "=x", "", "A=1"), [("A", "2")], ("A", "=x", "", "A=2")),
    "a value holds what it likes": (("A=x=y",), [("B", "a=b\nc\udcff")], ("A=x=y", "B=a=b\nc\udcff")),
    "an empty value is a value": (("A=1",), [("A", "")], ("A=",)),
}


@pytest.mark.parametrize("case", ENVIRONMENTS)
def test_the_environment_is_what_came_with_the_changes(case: str) -> None:
    """What is not named stays byte for byte, in its place."""
    came, changes, expected = ENVIRONMENTS[case]
    assert environment(came, changes) == expected


# -- where it is looked for ------------------------------------------------------------------------

SEARCHES = {
    "along PATH": ("sh", ("PATH=/a:/b",), ["/a/sh", "/b/sh"]),
    "a slash anywhere means no search": ("./sh", ("PATH=/a",), ["./sh"]),
    "a whole path": ("/bin/sh", ("PATH=/a",), ["/bin/sh"]),
    "a folder and a name": ("bin/sh", ("PATH=/a",), ["bin/sh"]),
    "empty parts are the working folder": ("sh", ("PATH=:/a::/b:",), ["./sh", "/a/sh", "./sh", "/b/sh", "./sh"]),
    "an empty PATH is the working folder": ("sh", ("PATH=",), ["./sh"]),
    "no PATH": ("sh", ("A=1",), [f"{folder}/sh" for folder in DEFAULT_PATH.split(":")]),
    "of two PATHs the first counts": ("sh", ("PATH=/a", "PATH=/b"), ["/a/sh"]),
    "another name is not PATH": ("sh", ("XPATH=/a", "PATHX=/b", "PATH=/c"), ["/c/sh"]),
    "blanks and odd bytes": ("a b", ("PATH=/x y:/\udcff",), ["/x y/a b", "/\udcff/a b"]),
    "an empty name is found nowhere": ("", ("PATH=/a",), []),
    "dots are ordinary names": ("..", ("PATH=/a",), ["/a/.."]),
}


@pytest.mark.parametrize("case", SEARCHES)
def test_a_command_is_looked_for_as_execvp_does(case: str) -> None:
    """execvp(3) and its rules."""
    name, lines, expected = SEARCHES[case]
    assert candidates(name, lines) == expected


# -- what is said ----------------------------------------------------------------------------------


def after(errors: "dict[str, int]", name: str = "app", path: str = "/a:/b:/c") -> CommandFailed:
    """How a hand-over ends where running each path fails with the error given."""
    ready = Handover((name,), (f"PATH={path}",), Start(name="", arguments=(), environment=(), ignored=(), blocked=()))
    tried = []

    def execute(path: str) -> None:
        tried.append(path)
        raise OSError(errors.get(path, errno.ENOENT), os.strerror(errors.get(path, errno.ENOENT)))

    ready.execute = execute
    with pytest.raises(CommandFailed) as caught:
        ready.run()
    assert tried == ready.paths[: len(tried)]
    return caught.value


def test_what_is_found_nowhere_is_127() -> None:
    """It says where it was looked for, and what to do."""
    error = after({})
    assert error.code == NOT_FOUND == 127
    assert "app was not found in PATH=/a:/b:/c" in str(error)
    assert "install it in the image" in str(error)


def test_a_path_that_is_not_there_is_127() -> None:
    error = after({}, "/opt/run.sh")
    assert error.code == NOT_FOUND
    assert "/opt/run.sh is not there" in str(error)


@pytest.mark.parametrize("named", ["by its path", "along PATH"])
def test_a_script_whose_interpreter_is_missing_is_told_so(named: str, tmp_path: Path) -> None:
    """To the kernel it looks just as if the script were not there."""
    script = tmp_path / "run.sh"
    script.write_text("#!/no/such/interpreter\n")
    error = after({}, str(script)) if named == "by its path" else after({}, "run.sh", f"/a:{tmp_path}")
    assert error.code == NOT_FOUND
    assert f"{script} is there" in str(error) and "#!" in str(error)


@pytest.mark.parametrize(
    "number", [errno.EACCES, errno.ENOEXEC, errno.E2BIG, errno.ENOMEM, errno.EPERM, errno.EAGAIN, errno.ELOOP]
)
def test_what_is_there_but_cannot_be_run_is_126(number: int) -> None:
    """With the path, the kernel's reason, and a remedy for each."""
    error = after({"/a/app": number})
    assert error.code == NOT_EXECUTABLE == 126
    assert f"unable to run /a/app: {os.strerror(number)}" in str(error)
    assert error.remedy


@pytest.mark.parametrize(
    "number", [errno.ENOENT, errno.ENOTDIR, errno.EACCES, errno.ESTALE, errno.ENODEV, errno.ETIMEDOUT]
)
def test_the_search_goes_on_where_execvps_does(number: int) -> None:
    """One folder that is missing, closed or gone does not hide the program in the next."""
    assert "unable to run /b/app" in str(after({"/a/app": number, "/b/app": errno.ENOEXEC}))


def test_a_refusal_on_the_way_is_what_is_told_in_the_end() -> None:
    """A program that may not be executed is a better answer than `not found`; the first of several."""
    error = after({"/a/app": errno.ENOENT, "/b/app": errno.EACCES, "/c/app": errno.EACCES})
    assert error.code == NOT_EXECUTABLE
    assert "/b/app" in str(error)


def test_any_other_failure_ends_the_search() -> None:
    """What is too long, or out of memory, is so in every folder."""
    assert "/b/app" in str(after({"/b/app": errno.E2BIG, "/c/app": errno.ENOEXEC}))


def test_what_was_seen_before_explains_what_the_kernel_says() -> None:
    """A folder is more than Permission denied; an EPERM of file capabilities has nothing to do with seccomp."""
    path = "/a:/b"
    ready = Handover(("app",), (f"PATH={path}",), Start(name="", arguments=(), environment=(), ignored=(), blocked=()))
    refusing = OSError(errno.EACCES, "Permission denied")
    ready.found = Executable(path="/a/app", problem="/a/app is a directory", remedy="name a program")
    assert str(ready.failure("/a/app", refusing)).startswith("unable to run the command: /a/app is a directory; name")
    assert "/b/app: Permission denied" in str(ready.failure("/b/app", refusing))
    ready.found = Executable(path="/a/app", capabilities=1 << 13, owner="/bin/ping")
    said = str(ready.failure("/a/app", PermissionError(errno.EPERM, "Operation not permitted")))
    assert "/bin/ping has file capabilities (NET_RAW)" in said and "seccomp" not in said
    assert "seccomp" in str(ready.failure("/b/app", PermissionError(errno.EPERM, "Operation not permitted")))


def test_an_empty_command_is_not_found() -> None:
    """As a shell says of ''."""
    assert after({}, "").code == NOT_FOUND
