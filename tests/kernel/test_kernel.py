"""The kernel's questions and calls, against what setpriv(1), /proc and the kernel itself say."""

import ctypes
import os
import re
import subprocess
import sys
from pathlib import Path

import _prctl
import pytest

from pydrop import calls_by_libraries, kernel
from pydrop.capabilities import CAPABILITIES, bits, mask_of, names_of
from pydrop.errors import PydropError
from pydrop.model import Credentials, IdRange
from tests.kernel.forked import Raised, ended, forked, status

pytestmark = [pytest.mark.quick, pytest.mark.python]

BIND, CHOWN, SETPCAP = mask_of(("net_bind_service",)), mask_of(("chown",)), mask_of(("setpcap",))
SOURCES = str(Path(__file__).parent.parent.parent / "src")


def now() -> Credentials:
    descriptor = kernel.open_status()
    try:
        return kernel.credentials(descriptor)
    finally:
        os.close(descriptor)


def held() -> int:
    return now().permitted


def python(script: str, *around: str) -> str:
    """What a child prints that runs `script` with pydrop.kernel at hand, inside `around` (unshare, setpriv)."""
    path = f"import sys; sys.path[:0] = {[SOURCES, *sys.path]!r}"
    command = [*around, sys.executable, "-c", f"{path}\nimport os\nfrom pydrop import kernel\n{script}"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


# -- looking ---------------------------------------------------------------------------------------


def test_credentials_are_what_the_kernel_says() -> None:
    """All of /proc/self/status that a drop is about, as numbers."""
    said, found = status(), now()
    assert found.uids == tuple(map(int, said["Uid"].split())) == (0, 0, 0, 0)
    assert found.gids == tuple(map(int, said["Gid"].split()))
    assert list(found.groups) == [int(gid) for gid in said["Groups"].split()]
    sets = {"CapInh": found.inheritable, "CapPrm": found.permitted, "CapEff": found.effective, "CapBnd": found.bounding}
    assert {name: f"{mask:016x}" for name, mask in sets.items()} == {name: said[name] for name in sets}
    assert (found.ambient, found.no_new_privs) == (0, False)
    assert f"{found.umask:04o}" == said["Umask"]


def test_every_id_is_told_apart() -> None:
    """Real, effective, saved and filesystem ids stand in the order of proc(5)."""

    def different() -> Credentials:
        os.setgroups([30, 20, 20])
        os.setresgid(11, 12, 13)
        ctypes.CDLL(None).setfsgid(14)
        os.setresuid(1, 0, 3)
        ctypes.CDLL(None).setfsuid(4)
        os.umask(0o135)
        return now()

    found = forked(different)
    assert (found.uids, found.gids) == ((1, 0, 3, 4), (11, 12, 13, 14))
    assert sorted(found.groups) == [20, 20, 30]
    assert found.umask == 0o135


def test_as_setpriv_shows_them() -> None:
    """An independent reader of the same process agrees on ids, groups and no_new_privs."""
    around = [
        "setpriv",
        "--reuid",
        "1500",
        "--regid",
        "1600",
        "--groups",
        "7,8",
        "--no-new-privs",
        "--bounding-set",
        "-all,+chown",
    ]
    said = subprocess.run([*around, "setpriv", "--dump"], check=True, capture_output=True, text=True).stdout
    assert re.search(r"uid: 1500\neuid: 1500\ngid: 1600\negid: 1600\nSupplementary groups: 7,8\nno_new_privs: 1", said)
    assert "Capability bounding set: chown\n" in said
    with subprocess.Popen([*around, "sh", "-c", "echo; read line"], stdin=-1, stdout=-1) as process:
        assert process.stdout and process.stdout.readline() == b"\n"  # it is what setpriv has made of it
        with open(f"/proc/{process.pid}/status") as file:
            found = kernel.credentials(file.fileno())
        process.communicate(b"\n")
    assert (found.uids, found.gids, found.groups) == ((1500,) * 4, (1600,) * 4, (7, 8))
    assert (found.no_new_privs, found.bounding) == (True, CHOWN)


def test_the_descriptor_tells_news() -> None:
    """One descriptor, opened before the drop, shows the state after it: nothing needs to be opened then."""

    def before_and_after() -> "tuple[Credentials, Credentials]":
        descriptor = kernel.open_status()
        before = kernel.credentials(descriptor)
        os.setgroups([])
        os.setresgid(5, 5, 5)
        os.setresuid(4, 4, 4)
        return before, kernel.credentials(descriptor)

    before, after = forked(before_and_after)
    assert (before.uids[0], after.uids[0], after.gids[0], after.effective) == (0, 4, 5, 0)


def test_more_groups_than_fit_a_page_are_read() -> None:
    """65536 groups are allowed; /proc hands them out by the piece."""

    def many() -> int:
        os.setgroups(range(100_000, 120_000))
        return len(set(now().groups))

    assert forked(many) == 20_000


def test_a_status_without_a_field_is_no_proof() -> None:
    """What cannot be read is not guessed: an emulated /proc that lacks a field does not look like a dropped process."""
    lines = Path("/proc/self/status").read_text().splitlines(keepends=True)
    for field in ("Uid", "Gid", "Groups", "CapInh", "CapPrm", "CapEff", "CapBnd", "Umask"):
        file = os.memfd_create("status")
        os.write(file, "".join([line for line in lines if not line.startswith(f"{field}:")]).encode())
        with pytest.raises(KeyError, match=field):
            kernel.credentials(file)
        os.close(file)


def test_a_name_that_looks_like_other_lines_says_nothing() -> None:
    """Linux escapes it, an emulated /proc may not; what the kernel says of itself comes behind."""
    file = os.memfd_create("status")
    forged = "Name:\tx\nUid:\t7\t7\t7\t7\nCapEff:\t0000000000000000\n"
    os.write(file, (forged + Path("/proc/self/status").read_text().partition("\n")[2]).encode())
    found = kernel.credentials(file)
    os.close(file)
    assert (found.uids, found.effective) == ((0, 0, 0, 0), now().effective)


def test_the_id_maps_are_read() -> None:
    """In the first user namespace everything maps to itself; in another what was asked for."""
    everything = (IdRange(inside=0, outside=0, count=2**32 - 1),)
    assert (kernel.id_map("uid_map"), kernel.id_map("gid_map")) == (everything, everything)
    script = "m = kernel.id_map('uid_map')[0]; print(m.inside, m.count, kernel.setgroups_allowed())"
    assert python(script, "unshare", "--user", "--map-root-user") == "0 1 False"


def test_setgroups_is_allowed_here() -> None:
    """And where the kernel does not know the question, too."""
    assert kernel.setgroups_allowed()


# -- capabilities ----------------------------------------------------------------------------------


def test_the_bounding_set_loses_one_for_good() -> None:
    """And only that one; the call is ready before the drop."""

    def without_chown() -> "tuple[int, int]":
        before = now().bounding
        kernel.bounding_dropper(before)(bits(CHOWN)[0])
        return before, now().bounding

    before, after = forked(without_chown)
    assert before & ~after == CHOWN


def test_a_capability_newer_than_python_prctl_is_dropped_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """The binding refuses numbers that its header lacked; then the call is made through ctypes, loaded beforehand."""

    class Old:
        PR_CAPBSET_READ, PR_CAPBSET_DROP = _prctl.PR_CAPBSET_READ, _prctl.PR_CAPBSET_DROP

        @staticmethod
        def prctl(option: int, capability: int) -> None:
            raise ValueError("Unknown capability")

    monkeypatch.setattr(calls_by_libraries, "_prctl", Old)

    def without_chown() -> int:
        before = now().bounding
        drop = kernel.bounding_dropper(before)
        drop(bits(CHOWN)[0])
        return before & ~now().bounding

    assert forked(without_chown) == CHOWN


def test_dropping_from_the_bounding_set_needs_setpcap() -> None:
    """The kernel's refusal comes through as OSError."""

    def refused() -> None:
        drop = kernel.bounding_dropper(now().bounding)
        rest = held() & ~SETPCAP
        kernel.set_capabilities(rest, rest, 0)
        drop(0)

    with pytest.raises(Raised, match="Operation not permitted") as caught:
        forked(refused)
    assert issubclass(caught.value.kind, OSError)


@pytest.mark.parametrize(
    ("effective", "permitted", "inheritable"),
    [(0, 0, 0), (BIND, BIND, BIND), (0, BIND, 0), (CHOWN, CHOWN | BIND, BIND), (0, 1 << 40, 0)],
)
def test_capability_sets_are_exactly_what_was_asked(effective: int, permitted: int, inheritable: int) -> None:
    """Each set by itself, nothing else left in any, up to the newest capability."""

    def sets() -> "tuple[int, int, int]":
        kernel.set_capabilities(effective, permitted, inheritable)
        found = now()
        return found.effective, found.permitted, found.inheritable

    assert forked(sets) == (effective, permitted, inheritable)


def test_capabilities_that_are_gone_do_not_come_back() -> None:
    """What is not permitted cannot be set: the kernel's refusal comes through."""

    def again() -> None:
        kernel.set_capabilities(0, 0, 0)
        kernel.set_capabilities(CHOWN, CHOWN, 0)

    with pytest.raises(Raised, match="Operation not permitted"):
        forked(again)


def test_capabilities_outlive_the_uid_where_asked() -> None:
    """PR_SET_KEEPCAPS keeps the permitted set over setresuid; without it that is empty."""

    def left(keep: bool) -> int:
        if keep:
            kernel.keep_capabilities_over_setuid()
        os.setresuid(1500, 1500, 1500)
        return now().permitted

    assert forked(lambda: left(True)) == held()
    assert forked(lambda: left(False)) == 0


def test_ambient_capabilities_are_raised() -> None:
    """What python-prctl has not: through ctypes, prepared before."""

    def raised() -> int:
        raise_ambient = kernel.ambient_raiser()
        kernel.keep_capabilities_over_setuid()
        os.setresuid(1500, 1500, 1500)
        kernel.set_capabilities(BIND, BIND, BIND)
        raise_ambient(bits(BIND)[0])
        return now().ambient

    assert forked(raised) == BIND


def test_an_ambient_capability_that_is_not_inheritable_is_refused() -> None:
    """The error number of the C library's call comes through."""
    with pytest.raises(Raised, match="Operation not permitted"):
        forked(lambda: kernel.ambient_raiser()(bits(BIND)[0]))


def test_no_new_privs_is_set() -> None:
    """And cannot be taken back, but that is the kernel's."""

    def held_down() -> bool:
        kernel.set_no_new_privs()
        return now().no_new_privs

    assert forked(held_down) is True


def test_our_names_of_capabilities_are_the_kernels() -> None:
    """capabilities.py has each number right, as setpriv's own names say, and the newest that this kernel has."""
    listed = subprocess.run(["setpriv", "--list-caps"], check=True, capture_output=True, text=True).stdout.split()
    assert listed == CAPABILITIES[: len(listed)]
    assert len(CAPABILITIES) - 1 >= int(Path("/proc/sys/kernel/cap_last_cap").read_text())
    assert names_of(held() & (BIND | CHOWN)) == ["CHOWN", "NET_BIND_SERVICE"]


# -- exec ------------------------------------------------------------------------------------------

DUMP = ("/bin/cat", "/proc/self/environ", "/proc/self/cmdline")


def executed(arguments: tuple[str, ...], environment: tuple[str, ...], path: str = DUMP[0]) -> bytes:
    reading, writing = os.pipe()

    def become() -> None:
        os.dup2(writing, 1)
        kernel.exact_exec(arguments, environment)(path)

    try:
        assert ended(become) == 0
    finally:
        os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        return pipe.read()


@pytest.mark.parametrize(
    "environment",
    [
        (),
        ("A=1", "A=2", "B=", "=x", "", "odd", "==", "ü=\udcff"),
        ("LAST", ""),
    ],
)
def test_exact_exec_passes_every_string_on(environment: tuple[str, ...]) -> None:
    """Strings without a name or a `=`, empty ones and doubles, which os.execve refuses or merges."""
    expected = b"".join([os.fsencode(line) + b"\0" for line in environment])
    assert executed(DUMP, environment) == expected + "".join([f"{word}\0" for word in DUMP]).encode()


def test_exact_exec_passes_every_argument_on() -> None:
    """Empty and non-UTF-8 ones too."""
    arguments = ("sh", "-c", 'printf "%s|" "$@"', "", "", "\udcff", "a b")
    assert executed(arguments, ("A=1",), "/bin/sh") == b"|\xff|a b|"


@pytest.mark.parametrize(("path", "error"), [("/nothing", "No such file"), ("/etc/passwd", "Permission denied")])
def test_exact_exec_that_fails_says_why(path: str, error: str) -> None:
    """errno and the path come as of any os call."""
    with pytest.raises(Raised, match=f"{error}.*{path}"):
        forked(lambda: kernel.exact_exec(("x",), ("odd",))(path))


# -- mounts ----------------------------------------------------------------------------------------


def test_a_tmpfs_is_mounted(tmp_path: Path) -> None:
    """Empty, 0755, root's, and without devices or set-uid programs."""
    script = f"""
kernel.mount_tmpfs({str(tmp_path)!r})
s = os.stat({str(tmp_path)!r})
print(oct(s.st_mode & 0o7777), s.st_uid, os.listdir({str(tmp_path)!r}))
print([line.split()[2:4] for line in open("/proc/self/mounts") if line.split()[1] == {str(tmp_path)!r}])
"""
    (tmp_path / "hidden").touch()
    mode, mounted = python(script, "unshare", "--mount").splitlines()
    assert mode == "0o755 0 []"
    assert mounted.startswith("[['tmpfs', 'rw,nosuid,nodev,")
    assert "noexec" not in mounted
    assert (tmp_path / "hidden").exists()


def test_a_mount_that_is_not_allowed_says_so(tmp_path: Path) -> None:
    """Most containers lack CAP_SYS_ADMIN."""

    def refused() -> None:
        kernel.set_capabilities(0, 0, 0)
        kernel.mount_tmpfs(str(tmp_path))

    with pytest.raises(Raised, match=f"Operation not permitted.*{tmp_path}"):
        forked(refused)


# -- without python-prctl --------------------------------------------------------------------------


def test_a_missing_python_prctl_is_told_with_its_remedy() -> None:
    """One line that says what to install, in place of ImportError."""
    script = f"""
import sys
sys.path.insert(0, {SOURCES!r})
sys.modules["_prctl"] = None
try:
    import pydrop.kernel
except Exception as error:
    print(type(error).__name__, error)
"""
    said = subprocess.run([sys.executable, "-I", "-c", script], check=True, capture_output=True, text=True).stdout
    assert said.startswith("PydropError unable to load python-prctl: ")
    assert "pip install python-prctl" in said


# -- without ctypes: python3-minimal ---------------------------------------------------------------


def test_a_missing_ctypes_is_told_with_its_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    """keep-caps needs it; a tmpfs of our own on /run is then one that cannot be mounted."""
    monkeypatch.setitem(sys.modules, "ctypes", None)
    with pytest.raises(PydropError, match=r"cannot load ctypes: .*; install the whole Python in the image"):
        kernel.ambient_raiser()
    with pytest.raises(OSError, match="ctypes"):
        kernel.mount_tmpfs("/run")
