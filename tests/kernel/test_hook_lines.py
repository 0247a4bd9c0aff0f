"""What a hook's `#!` line names, and root would run or load, is root's alone; else the hook is refused."""

import os
from pathlib import Path

import pytest

from pydrop.errors import Untrusted
from pydrop.interpreter import require_trusted

pytestmark = pytest.mark.quick

SEARCH = "/usr/sbin:/usr/bin:/sbin:/bin"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    tmp_path.chmod(0o755)
    (tmp_path / "users").mkdir()
    (tmp_path / "users/x").write_text("#!/bin/sh\n")
    os.chown(tmp_path / "users", 1500, 1500)
    (tmp_path / "roots").mkdir(mode=0o755)
    (tmp_path / "roots/x").write_text("#!/bin/sh\n")
    return tmp_path


LINES = [
    "/bin/sh {0}/x",
    "/bin/sh {0}/not-there",
    "/bin/sh -e{0}/x",
    "/usr/bin/perl -I{0}",
    "/usr/bin/awk -f {0}/x",
    "/usr/bin/env -S{0}/x",
    "/usr/bin/env -S {0}/x",
    "/usr/bin/env -vS{0}/x",
    "/usr/bin/env --split-string={0}/x",
    "/usr/bin/env -S '{0}/x' -e",
    '/usr/bin/env -S "{0}/x"',
    "/usr/bin/env -S PATH={0} x",
    "/usr/bin/env -S PATH=/usr/bin:{0} x",
    "/usr/bin/env -S LD_PRELOAD={0}/x sh",
    "/usr/bin/env -S PYTHONPATH={0} python3",
    "/usr/bin/env -C {0} -S sh",
    "/usr/bin/env -S sh {0}/x",
    "{0}/x",
    "/usr/bin/env {0}/x",
]


def hook(folder: Path, line: str, of: str) -> str:
    made = folder / "hook"
    made.write_text(f"#!{line.format(folder / of)}\n")
    made.chmod(0o755)
    return str(made)


@pytest.mark.parametrize("line", LINES)
def test_what_is_the_users_is_refused(folder: Path, line: str) -> None:
    with pytest.raises(Untrusted, match=r"is run by .*/users"):
        require_trusted(hook(folder, line, "users"), SEARCH)


@pytest.mark.parametrize("line", LINES)
def test_what_is_roots_alone_is_taken(folder: Path, line: str) -> None:
    require_trusted(hook(folder, line, "roots"), SEARCH)


@pytest.mark.parametrize(
    "line",
    [
        *(
            "/bin/sh",
            "/bin/sh -eu",
            "/usr/bin/env sh",
            "/usr/bin/env -S python3 -I -u",
            "/bin/sed -f",
            "/bin/sed s/a/b/",
        ),
        *(
            "/usr/bin/env -S DATA={0} sh",
            "/usr/bin/env -S -i A=b:c sh",
            "/usr/bin/env -u X -S sh",
            "/bin/sh /not/there",
        ),
    ],
)
def test_what_names_no_code_of_the_users_is_taken(folder: Path, line: str) -> None:
    require_trusted(hook(folder, line, "users"), SEARCH)


def test_a_name_that_a_variable_fills_is_refused(folder: Path) -> None:
    with pytest.raises(Untrusted):
        require_trusted(hook(folder, "/usr/bin/env -S ${{X}}/x", "users"), SEARCH)
