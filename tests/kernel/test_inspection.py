"""The inspection reads the world as it is, and refuses what root must not obey."""

import os
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from pydrop import checked_reads, inspection
from pydrop.errors import BadSetting, PydropError, Untrusted
from pydrop.inspection import image_tmpfiles, named_paths, settings_file
from pydrop.model import Credentials, Settings, Start, Volume
from tests.kernel.forked import forked

pytestmark = pytest.mark.quick


def start(*environment: str) -> Start:
    return Start(name="pydrop", arguments=(), environment=environment, ignored=(), blocked=())


def settings(**given: object) -> Settings:
    return Settings(**{"sources": {}, "hooks": "/nonexistent"} | given)  # type: ignore[arg-type]


@pytest.fixture
def roots(tmp_path: Path) -> Path:
    """A folder that only root can write."""
    for folder in (tmp_path, *tmp_path.parents):
        if folder.stat().st_uid == 0 and folder.stat().st_mode & 0o022 and not folder.stat().st_mode & stat.S_ISVTX:
            pytest.fail(f"{folder} is writable by others, which every path below it inherits")
    tmp_path.chmod(0o755)
    return tmp_path


def test_facts_are_what_the_kernel_and_the_files_say() -> None:
    facts = inspection.look(settings(command=("true",)), start("HOME=/root"))
    assert facts.credentials.uids == (0, 0, 0, 0)
    assert facts.pid == os.getpid()
    assert facts.passwd == Path("/etc/passwd").read_text(errors="surrogateescape")
    assert facts.group == Path("/etc/group").read_text(errors="surrogateescape")
    assert facts.uid_map[0].inside == 0
    assert facts.account_files in ("rename", "in place", "no")  # as the machine's /etc is mounted
    assert facts.record is None


def test_without_root_it_sees_which_of_the_folders_that_were_asked_for_can_be_written() -> None:
    with tempfile.TemporaryDirectory() as folder:  # one that another user can enter
        Path(folder).chmod(0o755)
        for name, mode in (("open", 0o777), ("closed", 0o755), ("run", 0o1777)):
            Path(folder, name).mkdir()
            Path(folder, name).chmod(mode)
        volumes = tuple([Volume(path=f"{folder}/{name}") for name in ("open", "closed", "missing")])
        given = settings(command=("true",), volumes=volumes, run_dirs=(f"{folder}/run",), hooks=f"{folder}/none")

        def look() -> tuple[str, ...]:
            os.setresuid(1234, 1234, 1234)
            return inspection.look(given, start()).writable

        assert forked(look) == (f"{folder}/open", f"{folder}/run")


def test_without_root_it_sees_which_run_dirs_it_could_make() -> None:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        for name, mode in (("open", 0o1777), ("closed", 0o755), ("open/there", 0o777)):
            Path(folder, name).mkdir()
            Path(folder, name).chmod(mode)
        Path(folder, "open/file").touch()
        os.symlink("/nowhere", f"{folder}/open/link")
        below = (
            "open/a",
            "open/a/b",
            "open/there",
            "open/file/a",
            "open/link",
            "open/link/a",
            "closed/a",
            "closed/a/b",
            "missing",
        )
        given = settings(
            command=("true",), run_dirs=tuple([f"{folder}/{name}" for name in below]), hooks=f"{folder}/none"
        )

        def look() -> tuple[str, ...]:
            os.setresuid(1234, 1234, 1234)
            return inspection.look(given, start()).makeable

        assert forked(look) == (f"{folder}/open/a", f"{folder}/open/a/b")


BOTH = "mount --bind /etc/passwd /etc/passwd && mount --bind /etc/group /etc/group"


@pytest.mark.parametrize(
    ("prepare", "expected"),
    [
        ("true", "rename"),
        ("mount -o remount,bind,ro /etc", "no"),
        (f"{BOTH} && mount -o remount,bind,ro /etc", "in place"),
        ("mount --bind /etc/passwd /etc/passwd && mount -o remount,bind,ro /etc/passwd", "no"),
        ("rm /etc/group", "rename"),
    ],
)
def test_how_the_account_files_can_be_changed(prepare: str, expected: str, tmp_path: Path) -> None:
    """A read-only root leaves a passwd that is a mount of its own writable."""
    assert in_namespace(tmp_path, prepare, "inspection._account_files(True)") == expected


READ_ONLY = "mount -o remount,bind,ro /"


@pytest.mark.parametrize(
    ("prepare", "before", "expected"),
    [
        ("true", "pass", "True"),
        (READ_ONLY, "pass", "False"),
        (f"{READ_ONLY} && mount -t tmpfs homes /home", "pass", "True"),
        ("mount -t tmpfs -o mode=0755,uid=1234 homes /home", "os.setresuid(1500, 1500, 1500)", "False"),
    ],
)
def test_whether_a_home_can_be_created_is_asked_of_its_folder(
    prepare: str, before: str, expected: str, tmp_path: Path
) -> None:
    """Of /home, not of /: podman's root folder is 0555, which a root without DAC_OVERRIDE cannot write."""
    assert in_namespace(tmp_path, prepare, "inspection._homes_writable()", before) == expected


def test_a_group_writable_passwd_is_found_without_root(tmp_path: Path) -> None:
    """OpenShift's old pattern: gid 0 may write it."""
    drop = "os.setgroups([]); os.setresgid(0, 0, 0); os.setresuid(1234, 1234, 1234)"
    assert in_namespace(tmp_path, "chmod 664 /etc/passwd", "inspection._account_files(False)", drop) == "append"
    assert in_namespace(tmp_path, "chmod 644 /etc/passwd", "inspection._account_files(False)", drop) == "no"


def in_namespace(tmp_path: Path, prepare: str, expression: str, before: str = "pass") -> str:
    """`expression` as Python sees it where /etc is a copy of both files and `prepare` was done."""
    source = Path(inspection.__file__).parent.parent.parent
    imports = f"import os, sys; sys.path.insert(0, {str(source)!r}); from pydrop import inspection"
    code = f"{imports}; {before}; print({expression})"
    copied = 'mkdir -p "$1/etc" && cp -a /etc/passwd /etc/group "$1/etc"'
    script = f'{copied} && mount --bind "$1/etc" /etc && {prepare} && exec "$2" -I -c "$3"'
    words = ["unshare", "--mount", "sh", "-c", script, "sh", str(tmp_path), sys.executable, code]
    return subprocess.run(words, check=True, capture_output=True, text=True).stdout.strip()


def test_no_settings_file_is_no_table(roots: Path) -> None:
    assert inspection.settings_table(str(roots / "none.toml"), named=False) is None


def test_a_settings_file_that_was_named_must_be_there(roots: Path) -> None:
    with pytest.raises(BadSetting, match=r"none\.toml is not there"):
        inspection.settings_table(str(roots / "none.toml"), named=True)


@pytest.mark.python
def test_a_settings_file_of_root_s_is_read(roots: Path) -> None:
    file = roots / "pydrop.toml"
    file.write_text('chown = ["/data"]\n')
    assert settings_file.read(str(file)) == {"chown": ["/data"]}


@pytest.mark.python
@pytest.mark.parametrize(("content", "said"), [(b"chown = [", "is no TOML"), (b"a = '\xff'", "is no TOML")])
def test_a_settings_file_that_is_no_toml_is_refused(roots: Path, content: bytes, said: str) -> None:
    file = roots / "pydrop.toml"
    file.write_bytes(content)
    with pytest.raises(BadSetting, match=said):
        settings_file.read(str(file))


@pytest.mark.python
def test_a_python_that_reads_no_toml_is_told_with_its_remedy(roots: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """python3-minimal."""
    (roots / "pydrop.toml").touch()
    monkeypatch.setitem(sys.modules, "tomllib", None)
    with pytest.raises(PydropError, match=r"pydrop\.toml: .*tomllib.*; install the whole Python in the image"):
        settings_file.read(str(roots / "pydrop.toml"))


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(lambda file: os.chown(file, 1500, 0), id="of another owner"),
        pytest.param(lambda file: file.chmod(0o666), id="writable by everybody"),
        pytest.param(lambda file: file.chmod(0o664), id="writable by a group"),
        pytest.param(lambda file: os.chown(file.parent, 1500, 0), id="in a folder of another's"),
    ],
)
def test_a_settings_file_that_others_can_write_is_refused(roots: Path, spoil: Callable[[Path], None]) -> None:
    """Root would obey what the program's user wrote."""
    folder = roots / "etc"
    folder.mkdir()
    file = folder / "pydrop.toml"
    file.write_text("")
    spoil(file)
    with pytest.raises(Untrusted, match=r"chown root:root"):
        settings_file.read(str(file))


def test_hooks_are_the_executables_in_byte_order(roots: Path) -> None:
    for name in ("B", "a", "10", "Z.sh"):
        (roots / name).write_text("#!/bin/sh\n")
        (roots / name).chmod(0o755)
    (roots / "README").write_text("no hook")
    (roots / "folder").mkdir()
    os.mkfifo(roots / "fifo", 0o755)
    found, idle = named_paths.hooks(settings(hooks=str(roots)), root=True)
    assert [os.path.basename(path) for path in found] == ["10", "B", "Z.sh", "a"]
    assert idle == ()


def test_a_program_without_an_execute_bit_is_noticed(roots: Path) -> None:
    """A COPY without --chmod, mostly. What is no program may lie there."""
    for name, content in {"10": b"#!/bin/sh\n", "20": b"\x7fELF\x02", "README": b"text", "empty": b""}.items():
        (roots / name).write_bytes(content)
    os.mkdir(roots / "users")
    (roots / "users/10").write_text("#!/bin/sh\n")
    os.chown(roots / "users", 1500, 1500)
    assert named_paths.hooks(settings(hooks=str(roots)), root=True) == ((), (f"{roots}/10", f"{roots}/20"))
    with pytest.raises(Untrusted, match="not root's alone, so that one could be missing"):
        named_paths.hooks(settings(hooks=f"{roots}/users"), root=True)


def test_a_hook_of_the_user_s_is_refused_and_not_skipped(roots: Path) -> None:
    hook = roots / "10"
    hook.write_text("#!/bin/sh\n")
    hook.chmod(0o755)
    os.chown(hook, 1500, 1500)
    with pytest.raises(Untrusted, match="10"):
        named_paths.hooks(settings(hooks=str(roots)), root=True)


def test_only_tmpfiles_that_are_root_s_and_speak_of_run_are_handed_on(
    roots: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that the program's user can write would make root create what it says."""
    (roots / "a.conf").write_text("d /run/a 0755 root root -\n")
    (roots / "other.conf").write_text("d /srv 0755 root root -\n")
    (roots / "planted.conf").write_text("d /run/b 0777 root root -\n")
    os.chown(roots / "planted.conf", 1500, 1500)
    (roots / "masked.conf").symlink_to("/dev/null")
    (roots / "gone.conf").symlink_to("/nonexistent")
    monkeypatch.setattr("pydrop.tmpfiles.FOLDERS", (str(roots),))
    assert [path for path, _ in image_tmpfiles.declared()] == [f"{roots}/a.conf"]


def test_without_proc_there_is_no_start(monkeypatch: pytest.MonkeyPatch) -> None:
    """No drop can be proven where the kernel cannot be asked."""

    def missing() -> int:
        raise FileNotFoundError(2, "No such file or directory")

    monkeypatch.setattr("pydrop.kernel.open_status", missing)
    with pytest.raises(PydropError, match="mount /proc"):
        inspection.look(settings(), start())


# -- who is held to root's rules -------------------------------------------------------------------

PERMITTED = {"permitted": 1 << 10, "effective": 0, "ambient": 0}
FREE = {"permitted": 0, "effective": 0, "ambient": 0}


@pytest.mark.parametrize(
    ("uids", "sets", "privileged"),
    [
        ((1500, 1500, 1500, 1500), FREE, False),
        ((1500, 1500, 1500, 1500), PERMITTED, True),
        ((0, 1500, 1500, 1500), FREE, True),
        ((1500, 1500, 0, 1500), FREE, True),
        ((1500, 1500, 1500, 0), FREE, True),
        ((1500, 1500, 1500, 1500), FREE | {"inheritable": 1 << 2, "bounding": (1 << 41) - 1}, False),
    ],
)
def test_whoever_could_open_what_its_user_may_not_is_privileged(uids, sets, privileged) -> None:
    """By any id of root's and any capability; an inheritable one by itself, as old runtimes leave it, opens nothing."""
    fields = {"inheritable": 0, "bounding": 0, "gids": (0,) * 4, "groups": (0,), "no_new_privs": False, "umask": 0}
    held = Credentials(uids=uids, **fields | sets)

    def asked():
        os.setresuid(1500, 1500, 1500)
        return checked_reads.is_privileged(held)

    assert forked(asked) is privileged


def test_a_real_root_with_another_effective_id_is_privileged() -> None:
    def asked():
        os.seteuid(1500)
        return checked_reads.is_privileged()

    assert forked(asked)
