"""The installed `pydrop` gives nobody what root executes or obeys from at the next start: not by any setting, not by
`pydropctl chown`; and says so before it changes anything."""

import os
import shutil
import stat
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from tests.faults.throwaway import APP, ONE_FILE, PYDROP, Throwaway

PASSWD = b"root:x:0:0:root:/root:/bin/sh\n"
GROUP = b"root:x:0:\n"
ENV = {"PATH": "/usr/bin:/bin", "PUID": str(APP), "PYDROP_HOME": "/mnt/made"}
CTL = f"{PYDROP}ctl"
OWN = "/mnt/opt/pydrop/bin/pydrop"  # see `installed`
# What a mistake would give away lies on tmpfs of these namespaces; the pydrop that is tested stays where it is
KEPT = os.path.dirname(PYDROP) if ONE_FILE else sys.prefix
SHIELD = (
    f'mkdir /run/kept && mount --bind "{KEPT}" /run/kept || exit 99; '
    "for folder in /opt /srv /tmp /var/tmp /root /home /usr/local; do "
    'mkdir -p "$folder"; mount -t tmpfs -o mode=755 none "$folder" || exit 99; done; chmod 1777 /tmp /var/tmp; '
    f'mkdir -p "{KEPT}" && mount --move /run/kept "{KEPT}" && rmdir /run/kept || exit 99; '
    'mkdir -p /usr/local/bin /usr/local/lib /srv/bin; exec "$@"'
)
SHIELDED = ("sh", "-c", SHIELD, "shield")


@pytest.fixture
def place(tmp_path: Path) -> Throwaway:
    return Throwaway(tmp_path, PASSWD, GROUP)


@pytest.fixture
def installed(place: Throwaway) -> Throwaway:
    """A pydrop of its own in /mnt/opt/pydrop, and a link to it in /mnt/links: both may be given away."""
    prefix = place.folder / "opt/pydrop"
    (prefix / "bin").mkdir(parents=True)
    shutil.copy2(PYDROP, prefix / "bin/pydrop")
    if not ONE_FILE:
        install_package(prefix)
    (place.folder / "links").mkdir()
    (place.folder / "links/pydrop").symlink_to(OWN)
    for folder in (place.folder / "opt", place.folder / "links"):
        subprocess.run(["chmod", "-R", "go-w", folder], check=True)
    return place


def install_package(prefix: Path) -> None:
    """What the launcher starts."""
    real, packages = Path(sys.prefix), Path(sysconfig.get_path("platlib"))
    inner = packages.relative_to(real)
    (prefix / inner).mkdir(parents=True)
    shutil.copy2(real / "pyvenv.cfg", prefix)
    subprocess.run(["cp", "-a", packages / "pydrop", prefix / inner / "pydrop"], check=True)
    for library in packages.glob("_prctl*"):
        shutil.copy2(library, prefix / inner)
    (prefix / "bin/python3").symlink_to(os.path.realpath(sys.executable))


def owners(folder: Path) -> "dict[str, tuple[int, int, int]]":
    found = {}
    for path in [folder, *folder.rglob("*")]:
        # mount(8)'s own files; and the lock, which says who makes the start
        if any(own in str(path) for own in ("/run/mount", "/run/pydrop")):
            continue
        status = path.lstat()
        found[str(path)] = (status.st_uid, status.st_gid, stat.S_IMODE(status.st_mode))
    return found


def line_of(done: "subprocess.CompletedProcess[bytes]") -> str:
    (line,) = done.stderr.decode().splitlines()
    return line


SETTINGS = [
    *[
        ("PYDROP_RUN_DIRS", path)
        for path in ("/etc", "/etc/pydrop.d", "/usr/bin", "/root", "/tmp", "/run", "/opt/../etc")
    ],
    *[
        ("PYDROP_CHOWN", path)
        for path in ("/usr/local", "/usr/local/bin", "/root", "/tmp", "/run/lock", "/srv", "/mnt")
    ],
    *[("PYDROP_CHOWN", path) for path in ("/etc/pydrop.d:top", "/usr/local:on-root-mismatch", "/srv:unless-writable")],
    *[("PYDROP_HOME", path) for path in ("/usr/bin", "/etc", "/root", "/usr/local/lib/new", "/srv")],
]


@pytest.mark.quick
@pytest.mark.parametrize(("name", "value"), SETTINGS)
def test_a_setting_that_names_own_ground_is_125_before_anything_is_changed(
    place: Throwaway, name: str, value: str
) -> None:
    """/srv holds a folder of root's PATH here, and /mnt what is mounted at /etc."""
    before = owners(place.folder)
    env = ENV | {"PATH": "/usr/bin:/bin:/srv/bin", name: value}
    done = place.run(*SHIELDED, PYDROP, "true", env=env)
    assert done.returncode == 125
    assert value.partition(":")[0] in line_of(done)
    assert owners(place.folder) == before


@pytest.mark.parametrize(("name", "value"), [("PYDROP_RUN_DIRS", "/etc/ssl"), ("PYDROP_CHOWN", "/usr/local")])
@pytest.mark.parametrize("command", ["plan", "doctor"])
def test_plan_and_doctor_say_so_too(place: Throwaway, name: str, value: str, command: str) -> None:
    done = place.run(*SHIELDED, CTL, command, "true", env=ENV | {name: value})
    said = b" ".join((done.stdout + done.stderr).split())
    assert b"part of the system" in said and value.encode() in said
    assert done.returncode == (125 if command == "plan" else 1)


GIVEN = ("/mnt/data", "/run/app", "/usr/local/share/app", "/opt/app", "/var/tmp/app", "/srv/app", "/home/app")


@pytest.mark.parametrize("path", GIVEN)
def test_a_programs_folder_is_given_as_ever(place: Throwaway, path: str) -> None:
    done = place.run(*SHIELDED, PYDROP, "stat", "-c", "%u", path, env=ENV | {"PYDROP_RUN_DIRS": path})
    assert (done.returncode, done.stdout) == (0, b"%d\n" % APP), done.stderr


# -- its own installation --------------------------------------------------------------------------

OWN_FOLDERS = (
    "/mnt/opt",
    "/mnt/opt/pydrop",
    "/mnt/opt/pydrop/bin",
    OWN,
    "/mnt/links",
    "/mnt/bound",
    "/mnt/bound/pydrop",
)
# All of the folder is pydrop's where a package is in it; the one file may lie in any folder, beside what is others'.
PACKAGE_FOLDERS = ("/mnt/opt/pydrop/lib", "/mnt/opt/pydrop/data")
BIND = 'mkdir -p /mnt/bound && mount --bind /mnt/opt /mnt/bound && exec "$@"'


BY = (OWN, "/mnt/links/pydrop", "pydrop")
STARTS = [(start, path) for start in BY for path in OWN_FOLDERS if (start, path) != (OWN, "/mnt/links")]
PACKAGE_STARTS = [pytest.param(start, path, marks=pytest.mark.pip) for start in BY for path in PACKAGE_FOLDERS]


@pytest.mark.parametrize(("start", "path"), [*STARTS, *PACKAGE_STARTS])
@pytest.mark.parametrize("name", ["PYDROP_CHOWN", "PYDROP_RUN_DIRS"])
def test_pydrop_does_not_give_itself_away(installed: Throwaway, name: str, path: str, start: str) -> None:
    """Else the next start would run the user's pydrop as root, or refuse to run: the folder, one that holds it, one in
    it, another name of it, and the link by which it was started."""
    before = owners(installed.folder / "opt") | owners(installed.folder / "links")
    env = ENV | {name: path} | ({"PATH": "/usr/bin:/bin:/mnt/links"} if start == "pydrop" else {})
    done = installed.run("sh", "-c", BIND, "bind", start, "true", env=env)
    assert done.returncode == 125
    assert path in line_of(done) and "could become root at the next start" in line_of(done)
    assert owners(installed.folder / "opt") | owners(installed.folder / "links") == before


@pytest.mark.parametrize("path", ["/mnt/opt", "/mnt/opt/pydrop/bin", OWN])
def test_nor_where_its_name_tells_nothing(installed: Throwaway, path: str) -> None:
    """argv[0] is whatever the caller likes."""
    done = installed.run("bash", "-c", f"exec -a nosuch {OWN} true", env=ENV | {"PYDROP_CHOWN": path})
    assert done.returncode == 125
    assert "part of pydrop's own installation: its owner could become root at the next start" in line_of(done)


def test_a_volume_beside_it_is_given(installed: Throwaway) -> None:
    (installed.folder / "opt/app").mkdir()
    done = installed.run("/mnt/links/pydrop", "true", env=ENV | {"PYDROP_CHOWN": "/mnt/opt/app"})
    assert done.returncode == 0, done.stderr
    assert (installed.folder / "opt/app").stat().st_uid == APP


def test_a_home_that_holds_it_keeps_its_owner_with_a_warning(installed: Throwaway) -> None:
    """Nobody has named it, so the start goes on."""
    (installed.folder / "etc/passwd").write_bytes(PASSWD + b"app:x:999:999::/mnt/opt:/bin/sh\n")
    (installed.folder / "opt/file").touch()
    os.chown(installed.folder / "opt/file", 999, 999)
    done = installed.run(OWN, "true", env=ENV)
    assert done.returncode == 0, done.stderr
    assert b"the home /mnt/opt of app keeps its former owner" in done.stderr
    assert (installed.folder / "opt/file").stat().st_uid == 999
    failed = installed.run(OWN, "true", env=ENV | {"PUID": "1600", "PYDROP_CHOWN_ERRORS": "fail"})
    assert failed.returncode == 125


@pytest.mark.parametrize("part", ["opt/pydrop/bin", "opt/pydrop/bin/pydrop", "links", "opt"])
def test_a_start_from_where_the_user_can_write_says_what_to_do(installed: Throwaway, part: str) -> None:
    """The launcher, its folder, the link to it, and what is above them."""
    os.chown(installed.folder / part, APP, APP)
    done = installed.run("/mnt/links/pydrop", "true", env=ENV)
    assert done.returncode == 125
    assert f"chown root:root /mnt/{part} && chmod go-w /mnt/{part}" in line_of(done)


@pytest.mark.pip
@pytest.mark.parametrize("part", ["trust.py", "planning/orders.py", "__pycache__", "planning", "planning/__pycache__"])
def test_so_does_a_module_of_the_users(installed: Throwaway, part: str) -> None:
    """A source, what is compiled of it, and the folder of either."""
    package = next((installed.folder / "opt/pydrop/lib").glob("python3*/site-packages/pydrop"))
    compiled = f"__pycache__/trust.{sys.implementation.cache_tag}.pyc"
    for path in (package / part, package / compiled):
        os.chown(path, APP, APP)
        done = installed.run(OWN, "true", env=ENV)
        named = str(path).replace(str(installed.folder), "/mnt", 1)
        assert (done.returncode, f"chown root:root {named} " in line_of(done)) == (125, True), done
        os.chown(path, 0, 0)


# -- links -----------------------------------------------------------------------------------------


def test_a_link_of_the_users_leads_nobody_to_own_ground(place: Throwaway) -> None:
    """Whether that ends the start is told elsewhere; the folder stays root's in any case."""
    (place.folder / "data").mkdir()
    (place.folder / "data/x").symlink_to("/etc")
    os.chown(place.folder / "data", APP, APP)
    os.lchown(place.folder / "data/x", APP, APP)
    for env in ({"PYDROP_CHOWN": "/mnt/data/x"}, {"PYDROP_RUN_DIRS": "/mnt/data/x/pydrop.d"}):
        done = place.run(PYDROP, "true", env=ENV | env)
        assert b"link" in done.stderr
        assert not (place.folder / "etc/pydrop.d").exists()
        assert (place.folder / "etc").stat().st_uid == 0


# -- pydropctl -------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/usr/local", "/srv", "/etc/pydrop.d", "/root", "/mnt/hooks/inner", "/mnt"])
@pytest.mark.parametrize("more", [(), ("--create",), ("--dry-run",)])
def test_chown_refuses_all_before_the_first_is_touched(place: Throwaway, path: str, more: "tuple[str, ...]") -> None:
    """The folder of hooks is the one that this environment names."""
    for name in ("data", "hooks", "etc/pydrop.d"):
        (place.folder / name).mkdir()
    before = owners(place.folder)
    env = {"PATH": "/usr/bin:/bin:/srv/bin", "PYDROP_HOOKS": "/mnt/hooks"}
    done = place.run(*SHIELDED, CTL, "chown", "/mnt/data", path, "--user", "1500:1500", *more, env=env)
    assert done.returncode == 125
    assert path in line_of(done)
    assert owners(place.folder) == before


FILE = """\
chown = ["/data", "/usr/local", "/nobody:never"]
run-dirs = ["/etc"]
home = "/root"

[[volume]]
path = "/boot"
policy = "never"

[[volume]]
path = "/usr"
"""


@pytest.mark.parametrize("more", [(), ("--content-only",)])
def test_check_says_so_with_the_line(place: Throwaway, more: "tuple[str, ...]") -> None:
    (place.folder / "etc/pydrop.toml").write_text(FILE)
    done = place.run(CTL, "check", *more, env={"PATH": "/usr/bin:/bin"})
    lines = done.stdout.decode().splitlines()
    assert done.returncode == 1
    assert [line.split(": ")[0].rpartition(":")[2] for line in lines] == ["1", "10", "2", "3"]
    assert all("could become root at the next start" in line for line in lines)
