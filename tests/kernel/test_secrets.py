"""Secrets are read as root, and root is not made to read what the program's user points it to."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from pydrop.errors import BadSetting, PydropError, Untrusted
from pydrop.model import Outcome, Secret, Start
from pydrop.perform import secrets
from pydrop.steps import SecretsStep

pytestmark = pytest.mark.quick

SRC = str(Path(__file__).parents[2] / "src")
START = Start(name="pydrop", arguments=(), environment=(), ignored=(), blocked=())
VALUE = "correct horse"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "secrets"
    place.mkdir(mode=0o755)
    (place / "db").write_text(VALUE)
    return place


def perform(*paths: Path | str) -> Outcome:
    found = tuple([Secret(name=f"S{n}", path=str(path), pointer=f"FILE__S{n}") for n, path in enumerate(paths)])
    return secrets.perform(SecretsStep(words="", secrets=found), START)


def refused(path: Path, kind: type[PydropError]) -> str:
    """The message of the error, which names variable and path and not the value."""
    before = os.listdir("/proc/self/fd")
    with pytest.raises(kind) as error:
        perform(path)
    assert type(error.value) is kind
    assert f"FILE__S0={path}" in str(error.value)
    assert VALUE not in str(error.value)
    assert "\n" not in str(error.value)
    assert os.listdir("/proc/self/fd") == before
    return str(error.value)


CONTENTS = [
    (b"plain", "plain"),
    (b"one\n", "one"),
    (b"windows\r\n", "windows"),
    (b"many\n\r\n\n", "many"),
    (b"in\nside\n", "in\nside"),
    (b" blanks \t\n", " blanks \t"),
    (b"lone cr\r", "lone cr\r"),
    (b"\n", ""),
    (b"", ""),
    (b"\xff\xc3\xa9\n", "\udcff\u00e9"),
    (b"x" * (131072 - len("S0=") - 1), "x" * (131072 - len("S0=") - 1)),
]


@pytest.mark.python
@pytest.mark.parametrize(("content", "value"), CONTENTS)
def test_the_value_is_the_content_without_trailing_newlines(folder: Path, content: bytes, value: str) -> None:
    (folder / "db").write_bytes(content)
    assert perform(folder / "db").environment == (("S0", value), ("FILE__S0", None))


def test_the_largest_value_can_be_handed_to_a_program_and_one_byte_more_is_refused(folder: Path) -> None:
    (folder / "db").write_bytes(b"x" * (131072 - len("S0=") - 1))
    value = dict(perform(folder / "db").environment)["S0"]
    assert value is not None
    subprocess.run(["/bin/true"], env={"S0": value}, check=True)
    with pytest.raises(OSError, match="too long"):
        subprocess.run(["/bin/true"], env={"S0": value + "x"}, check=True)
    (folder / "db").write_text(value + "x")
    assert "larger than a variable can be" in refused(folder / "db", BadSetting)


def test_several_are_read_in_order(folder: Path) -> None:
    (folder / "two").write_text("2")
    outcome = perform(folder / "db", folder / "two")
    assert outcome.environment == (("S0", VALUE), ("FILE__S0", None), ("S1", "2"), ("FILE__S1", None))
    assert (outcome.changed, outcome.words) == (2, "S0, S1 read from files")


@pytest.mark.parametrize("content", [b"a\0b", b"\0", b"ab\0\n"])
def test_a_nul_byte_is_refused(folder: Path, content: bytes) -> None:
    (folder / "db").write_bytes(content)
    assert "holds a NUL byte" in refused(folder / "db", BadSetting)


def test_a_missing_file_is_an_error_that_says_what_to_do(folder: Path) -> None:
    assert refused(folder / "none", BadSetting).endswith("is not there; mount it, or leave out FILE__S0")


def test_a_fifo_is_refused_and_not_waited_for(folder: Path) -> None:
    os.mkfifo(folder / "fifo")
    assert "is no file" in refused(folder / "fifo", BadSetting)


def test_devices_and_folders_are_refused(folder: Path) -> None:
    os.mknod(folder / "zero", stat.S_IFCHR | 0o666, os.makedev(1, 5))
    refused(folder / "zero", BadSetting)
    refused(folder, BadSetting)


def test_kubernetes_links_are_followed(folder: Path) -> None:
    """The volume is 1777 and root's; the file is a link to ..data/db, which is a link to a folder."""
    (folder / "..2024").mkdir(mode=0o755)
    (folder / "..2024/db").write_text(VALUE)
    (folder / "..data").symlink_to("..2024")
    (folder / "db").unlink()
    (folder / "db").symlink_to("..data/db")
    folder.chmod(0o1777)
    assert perform(folder / "db").environment[0] == ("S0", VALUE)


def test_a_file_of_the_host_s_user_is_read_from_a_folder_of_root_s(folder: Path) -> None:
    os.chown(folder / "db", 1000, 1000)
    (folder / "db").chmod(0o664)
    assert perform(folder / "db").environment[0] == ("S0", VALUE)


def test_a_link_in_a_folder_that_the_user_can_write_never_makes_root_read(folder: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir(mode=0o755)
    os.chown(data, 1000, 1000)
    (data / "secret").symlink_to(folder / "db")
    os.chown(data / "secret", 1000, 1000, follow_symlinks=False)
    message = refused(data / "secret", Untrusted)
    assert "is not safe to read as root" in message
    assert message.endswith("mount it where only root can write, as /run/secrets/s0")


@pytest.mark.parametrize("mode", [0o775, 0o757, 0o777])
@pytest.mark.parametrize("depth", [0, 1])
def test_a_folder_on_the_way_that_others_can_write_is_refused(folder: Path, mode: int, depth: int) -> None:
    inner = folder / "inner"
    inner.mkdir(mode=0o755)
    (inner / "db").write_text(VALUE)
    [inner, folder][depth].chmod(mode)
    refused(inner / "db", Untrusted)


def test_a_link_that_somebody_else_made_in_a_sticky_folder_is_refused(folder: Path, tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(0o1777)
    (shared / "db").symlink_to(folder / "db")
    os.chown(shared / "db", 1000, 1000, follow_symlinks=False)
    refused(shared / "db", Untrusted)


WITHOUT_ROOT = """
import os, sys
sys.path.insert(0, sys.argv[1])
from pydrop.model import Secret, Start
from pydrop.steps import SecretsStep
from pydrop.perform import secrets
os.chdir("/mnt")
os.chown(".", 1000, 1000)
os.setresuid(1000, 1000, 1000)
with open("file", "w") as file:
    file.write("mine")
os.symlink("file", "link")
step = SecretsStep(words="", secrets=(Secret(name="S", path="/mnt/link", pointer="P"),))
start = Start(name="", arguments=(), environment=(), ignored=(), blocked=())
assert secrets.perform(step, start).environment[0] == ("S", "mine")
"""


def test_without_root_a_user_s_own_file_is_read_plainly() -> None:
    script = 'mount -n -t tmpfs tmpfs /mnt && exec "$@"'
    words = ["unshare", "--mount", "sh", "-c", script, "sh", sys.executable, "-c", WITHOUT_ROOT, SRC]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
