"""A command that surely cannot be executed is refused before the first step; what a step may fix is left to exec."""

from typing import Any

import pytest

from pydrop.capabilities import mask_of
from pydrop.errors import CommandFailed
from pydrop.executable import Executable
from pydrop.planning import plan
from pydrop.planning.command_check import require_executable
from tests.pure.worlds import DOCKERS, credentials, facts, settings, volume

RAW = mask_of(("net_raw",))


def refusal(given: "dict[str, Any]", **world: Any) -> "CommandFailed | None":
    asked, found = settings(**given), facts(**{"command_paths": ("/usr/bin/program", "/bin/program")} | world)
    try:
        require_executable(asked, found, plan(asked, found))
    except CommandFailed as error:
        return error
    return None


def found(**fields: Any) -> Executable:
    return Executable(**{"path": "/data/program", "remedy": "do this"} | fields)


BAD = found(problem="/data/program has no execute bit")
FOLDER = found(problem="/data/program is a directory", lasting=True)
GONE = found(problem="/data/program is a link to /x, which is not there", code=127)
MODED = {"volumes": (volume("/data", mode="u+x"),)}
REFUSED: "dict[str, tuple[dict[str, Any], dict[str, Any], int, str]]" = {
    "not found": ({}, {}, 127, "program was not found in PATH=/usr/bin:/bin; install it"),
    "a path that is not there": ({"command": ("/srv/x",)}, {}, 127, "/srv/x is not there; check the path"),
    "an empty name": ({"command": ("",)}, {"command_paths": ()}, 127, "its name is empty; name a program"),
    "no execute bit": ({}, {"command": BAD}, 126, "/data/program has no execute bit; do this"),
    "a link into nothing": ({}, {"command": GONE}, 127, "which is not there; do this"),
    "in a volume whose mode stays": ({"volumes": (volume("/data"),)}, {"command": BAD}, 126, "no execute bit"),
    "a volume beside it": ({"volumes": (volume("/dat", mode="u+x"),)}, {"command": BAD}, 126, "no execute bit"),
    "a folder, whatever a hook does": ({}, {"command": FOLDER, "hooks": ("/etc/pydrop.d/1",)}, 126, "a directory"),
    "a folder, whatever a volume's mode is": (MODED, {"command": FOLDER}, 126, "a directory"),
    "without root too": ({}, {"credentials": credentials(7, 7), "account_files": "no"}, 127, "was not found"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_surely_cannot_be_executed_is_refused(case: str) -> None:
    given, world, code, words = REFUSED[case]
    error = refusal(given, **world)
    assert error is not None
    assert error.code == code
    assert str(error).startswith("unable to run the command: ") and words in str(error)


LEFT: "dict[str, tuple[dict[str, Any], dict[str, Any]]]" = {
    "a program": ({}, {"command": found()}),
    "a text, which binfmt_misc may have a program for": ({}, {"command": found(problem="is a text", certain=False)}),
    "a hook may install it": ({}, {"hooks": ("/etc/pydrop.d/1",)}),
    "a hook may make it executable": ({}, {"command": BAD, "hooks": ("/etc/pydrop.d/1",)}),
    "a line for /run may make it": ({"command": ("/run/app/x",)}, {}),
    "a volume's mode may make it executable": (MODED, {"command": BAD}),
    "capabilities that it can have": ({}, {"command": found(capabilities=RAW, owner="/data/program")}),
    "those that are kept": (
        {"bounding_set": "empty", "keep_caps": ("net_raw",)},
        {"command": found(capabilities=RAW, owner="/data/program")},
    ),
}


@pytest.mark.parametrize("case", LEFT)
def test_what_may_work_is_left_to_exec(case: str) -> None:
    given, world = LEFT[case]
    assert refusal(given, **world) is None


PING = found(capabilities=RAW | mask_of(("sys_time",)), owner="/bin/ping", path="/data/run")
FEW = mask_of(("setuid", "setgid"))
UNABLE: "dict[str, tuple[dict[str, Any], dict[str, Any], str, str]]" = {
    "the runtime gave none": (
        {},
        {"credentials": credentials(capabilities=FEW)},
        "(NET_RAW, SYS_TIME)",
        "add to the service in compose: cap_add: [NET_RAW, SYS_TIME], or to docker run",
    ),
    "the runtime gave some": ({}, {}, "(SYS_TIME)", "cap_add: [SYS_TIME]"),
    "an empty bounding set was asked for": (
        {"bounding_set": "empty"},
        {"credentials": credentials(bounding=DOCKERS | PING.capabilities)},
        "(NET_RAW, SYS_TIME)",
        "PYDROP_BOUNDING_SET asks for an empty one: leave that out, or add them to keep-caps",
    ),
    "a hook may not help": ({}, {"hooks": ("/etc/pydrop.d/1",)}, "(SYS_TIME)", "cap_add: [SYS_TIME]"),
    "root is refused too": ({"puid": 0}, {}, "(SYS_TIME)", "cap_add: [SYS_TIME]"),
}


@pytest.mark.parametrize("case", UNABLE)
def test_file_capabilities_that_the_file_could_not_have_are_named(case: str) -> None:
    """The kernel would only say: Operation not permitted."""
    given, world, names, remedy = UNABLE[case]
    error = refusal(given, **{"command": PING} | world)
    assert error is not None and error.code == 126
    assert f"/bin/ping has file capabilities {names} that the capability bounding set lacks" in str(error)
    assert remedy in str(error)
    assert str(error).endswith("or take them off the file in the image: RUN setcap -r /bin/ping")
    assert "seccomp" not in str(error)
