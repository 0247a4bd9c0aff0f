"""Own ground: what root executes or obeys from is recognised under every name, and what is a program's is not."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from pydrop.errors import BadSetting, Untrusted
from pydrop.ground import own_code, own_ground, system_folders
from pydrop.ground.own_ground import Ground, Way
from pydrop.model import Settings, Start, Volume
from pydrop.perform.ownership import own, perform
from pydrop.steps import VolumesStep
from tests.kernel.test_ownership import GID, UID, apart, mount, owner

pytestmark = pytest.mark.quick

PATH = "PATH=/usr/local/bin:/usr/bin:/bin"


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder of root's alone, without links on the way: /tmp may have some, and is everybody's."""
    folder = tmp_path / "place"
    folder.mkdir(mode=0o755)
    return folder


def why(path: "Path | str", hooks: str = "", *lines: str, name: str = "") -> str:
    return Ground(hooks, name, lines or (PATH,)).why(str(path))


# -- by their names --------------------------------------------------------------------------------

SYSTEMS = (
    *(
        "/",
        "/etc",
        "/usr",
        "/usr/bin",
        "/usr/local",
        "/usr/local/bin",
        "/usr/lib",
        "/usr/local/lib",
        "/var",
        "/var/lib",
    ),
    *(
        "/usr/lib/x86_64-linux-gnu",
        "/usr/lib/python3",
        "/usr/sbin",
        "/usr/share",
        "/root",
        "/root/.ssh",
        "/home",
        "/run",
    ),
    *(
        "/run/lock",
        "/run/pydrop",
        "/run/secrets",
        "/tmp",
        "/var/tmp",
        "/boot/grub",
        "/proc/1",
        "/sys/fs/cgroup",
        "/dev",
    ),
    *("/dev/dri", "/dev/shm", "/etc/ssl", "/etc/ssl/private", "/etc/cron.d", "/etc/ld.so.preload", "/etc/sudoers.d"),
    *("/etc/profile.d", "/etc/pam.d", "/etc/init.d", "/etc/tmpfiles.d", "/etc/passwd", "/var/spool/cron/crontabs"),
    *("/usr/libexec/x", "/usr/local/sbin/x", "/etc/pydrop.d", "/etc/pydrop.d/10-x", "/etc/pydrop.toml"),
)
HERE = str(Path(__file__).resolve())
PROGRAMS = (
    *("/data", "/srv", "/srv/app", "/opt", "/opt/app", "/mnt", "/home/x", "/usr/share/nginx/html", "/usr/src/app"),
    *("/var/lib/postgresql", "/var/log", "/var/log/nginx", "/var/cache/nginx", "/var/www", "/etc/nginx", "/run/app"),
    *("/etc/nginx/conf.d", "/etc/myapp.conf", "/run/lock/app", "/tmp/app", "/var/tmp/app", "/dev/shm/app"),
    *("/usr/local/share/app", "/usr/local/etc/app", "/var/spool/mail", "/run/user/1500", "/run/secrets/app", "/app"),
)


@pytest.mark.parametrize("path", SYSTEMS)
def test_what_the_system_needs_is_its_own(path: str) -> None:
    assert "part of the system" in why(path) or "part of the Python" in why(path) or "settings file" in why(path)


@pytest.mark.parametrize("path", [path for path in PROGRAMS if not HERE.startswith(f"{path}/")])  # the code tested here
def test_what_programs_have_is_theirs(path: str) -> None:
    assert why(path) == ""


def test_the_tables_agree() -> None:
    """Paths from the root on, without links in their spelling; and a folder of the second table is refused whole."""
    for path in (*system_folders.ITSELF, *system_folders.WHOLE):
        assert path == "/" or (path.startswith("/") and not path.endswith("/") and "//" not in path)
    for path in system_folders.WHOLE:
        assert system_folders.above(f"{path}/inner/most") == path


def test_the_library_of_a_python_elsewhere_is_own_ground(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It lies beside the modules, and a single file may be a volume too."""
    monkeypatch.setattr(sys, "base_prefix", str(place / "python"))
    assert why(place / "python/lib/libpython3.11.so.1.0").startswith(f"lies in {place}/python/lib, part of the Python")
    assert why(place / "python/data") == ""


# -- pydrop's own ----------------------------------------------------------------------------------


def test_what_holds_or_lies_in_pydrop_and_its_python_is_own_ground(
    monkeypatch: pytest.MonkeyPatch, place: Path
) -> None:
    """The package, the launcher, the interpreter behind links, each folder that modules are found in."""
    (place / "pythons").mkdir()
    (place / "venv").mkdir()
    (place / "venv/python3").symlink_to("../pythons/python")
    monkeypatch.setattr(sys, "executable", str(place / "venv/python3"))
    monkeypatch.setattr(own_code, "LAUNCHER", str(place / "launcher/bin/pydrop"))
    monkeypatch.setattr(sys, "path", ["", str(place / "modules")])
    for held in ("venv", "venv/python3", "pythons", "pythons/python", "launcher", "launcher/bin", "modules/x"):
        assert why(place / held), held
    assert "holds" in why(place) and "lies in" in why(place / "modules/x")
    assert why(place / "module") == why(place / "mod") == ""


@pytest.mark.parametrize("form", ["absolute", "found in PATH"])
def test_the_link_that_it_was_started_by_is_own_ground(place: Path, form: str) -> None:
    """And where that leads, whichever of both a setting names."""
    for name in ("links", "tools"):
        (place / name).mkdir()
    (place / "tools/real").touch()
    (place / "links/pydrop").symlink_to(place / "tools/real")
    name, line = (str(place / "links/pydrop"), PATH) if form == "absolute" else ("pydrop", f"PATH={place}/links")
    for own_one in (place, place / "links", place / "links/pydrop", place / "tools", place / "tools/real"):
        assert why(own_one, "", line, name=name)
    assert why(place / "other", "", line, name=name) == ""


def test_the_hooks_and_what_they_link_to_the_settings_file_and_paths_folders_are_own_ground(place: Path) -> None:
    for name in ("hooks", "scripts", "bin", "conf"):
        (place / name).mkdir()
    (place / "scripts/run").touch()
    (place / "hooks/10-run").symlink_to("../scripts/run")
    lines = (f"PATH=/usr/bin:{place}/bin:{place}/none/yet:relative", f"PYDROP_CONFIG={place}/conf/pydrop.toml")
    for name in ("hooks", "scripts", "bin", "bin/x", "conf", "conf/pydrop.toml", "none", "none/yet"):
        assert why(place / name, str(place / "hooks"), *lines), name
    assert "a folder of root's PATH" in why(place / "bin", "", *lines)
    assert why(place / "relative", "", *lines) == ""


@pytest.mark.parametrize("planted", ["owner", "mode", "above", "link"])
def test_a_folder_of_path_that_is_the_users_already_is_none_of_roots(place: Path, planted: str) -> None:
    """Else a PATH with the program's own tools (/app/.venv/bin) would forbid to own the program's folder; and a link of
    his could declare any folder to be root's, so that the next start refuses it."""
    (place / "app/bin").mkdir(parents=True)
    (place / "other").mkdir()
    if planted == "owner":
        os.chown(place / "app/bin", UID, GID)
    elif planted == "mode":
        (place / "app/bin").chmod(0o777)
    elif planted == "above":
        os.chown(place / "app", UID, GID)
    else:
        (place / "app/bin").rmdir()
        (place / "app/bin").symlink_to(place / "other")
        os.lchown(place / "app/bin", UID, GID)
    line = f"PATH=/usr/bin:{place}/app/bin"
    assert why(place / "app", "", line) == why(place / "other", "", line) == ""


# -- under other names -----------------------------------------------------------------------------


def test_bind_mounts_are_seen_through(place: Path) -> None:
    """Of own ground, of what lies in it, and of what holds it; and of a folder above which both were mounted from."""

    def check() -> None:
        for name in ("volume", "host/pydrop/bin", "host/data", "opt", "all", "deep"):
            (place / name).mkdir(parents=True)
        mount("--bind", place / "host/pydrop", place / "opt")
        line = f"PATH={place}/opt/bin"
        mount("--bind", place / "host", place / "all")
        mount("--bind", "/usr/lib/python3", place / "volume")
        mount("--bind", place / "opt/bin", place / "deep")
        for name in ("opt", "opt/bin", "all", "host", "host/pydrop", "volume", "deep", "all/pydrop/bin"):
            assert why(place / name, "", line), name
        for name in ("host/data", "all/data"):
            assert why(place / name, "", line) == "", name

    apart(check)


def test_a_mount_in_a_library_folder_is_a_volume_but_not_in_the_kernels_folders(place: Path) -> None:
    """Somebody mounted it there for the program (/root/.app, /usr/lib/unifi/data); a mount of root's own is seen."""

    def check() -> None:
        for folder in ("/root", "/usr/libexec", "/sys"):
            mount("-t", "tmpfs", "none", folder)
        for folder in ("/root/app", "/usr/libexec/app", "/sys/app", "/root/bin"):
            os.mkdir(folder)
            mount("--bind", "/usr/bin" if folder == "/root/bin" else place, folder)
        assert why("/root/app") == why("/root/app/x") == why("/usr/libexec/app") == ""
        assert "lies in /sys" in why("/sys/app")
        assert "/usr/bin" in why("/root/bin")
        assert "lies in /root" in why("/root/other")

    apart(check)


def test_across_mounts_own_ground_below_is_seen(place: Path) -> None:
    def check() -> None:
        for name in ("volume/a", "volume/b"):
            (place / name).mkdir(parents=True)
        mount("--bind", "/usr/share/perl5", place / "volume/b")
        ground = Ground()
        assert ground.why(str(place / "volume")) == ""
        assert str(place / "volume/b") in ground.why_across(str(place / "volume"))
        with pytest.raises(BadSetting, match="perl5"):
            own(Volume(path=str(place / "volume"), across_mounts=True), UID, GID)
        assert (owner(place / "volume"), owner(place / "volume/a")) == ((0, 0), (0, 0))

    apart(check)


@pytest.mark.parametrize("policy", ["mismatch", "on-root-mismatch", "top"])
@pytest.mark.parametrize("name", ["", "hooks", "hooks/inner", "links", "roots"])
def test_the_volume_engine_asks_again_through_its_descriptor(place: Path, name: str, policy: str) -> None:
    """Of a start's own ground: the folder of hooks is the step's, the name and PATH are the start's."""
    for folder in ("hooks/inner", "links", "data"):
        (place / folder).mkdir(parents=True)
    (place / "links/pydrop").touch()
    (place / "roots").symlink_to("links")
    start = Start(name=f"{place}/links/pydrop", arguments=(), environment=(PATH,), ignored=(), blocked=())
    before = {path: owner(path) for path in [place, *place.rglob("*")]}
    fields: dict[str, Any] = {
        "words": "",
        "uid": UID,
        "gid": GID,
        "groups": (),
        "errors": "warn",
        "hooks_folder": f"{place}/hooks",
    }
    volume = Volume(path=str(place / name), policy=policy)
    with pytest.raises(BadSetting, match="could become root at the next start"):
        perform(VolumesStep(volumes=(volume,), **fields), start)
    assert {path: owner(path) for path in [place, *place.rglob("*")]} == before
    perform(VolumesStep(volumes=(Volume(path=str(place / "data")),), **fields), start)
    assert owner(place / "data") == (UID, GID)


# -- links on the way ------------------------------------------------------------------------------


def asked(path: "Path | str", field: str = "run_dirs") -> None:
    values: dict[str, Any] = {
        "run_dirs": (str(path),),
        "volumes": (Volume(path=str(path), source="chown"),),
        "home": str(path),
    }
    own_ground.require_other(Settings(**{field: values[field]}, sources={}), "pydrop", (PATH,))


@pytest.mark.parametrize("field", ["run_dirs", "volumes", "home"])
@pytest.mark.parametrize("path", ["/etc/ssl", "/usr/bin/new", "/root", "/etc/pydrop.d/new", "/run/pydrop"])
def test_a_setting_that_names_own_ground_is_refused_with_its_source(path: str, field: str) -> None:
    with pytest.raises(
        BadSetting, match=rf"^the (folder|volume|home) {path} .* at the next start \((run-dirs|chown|home) names it\)"
    ):
        asked(path, field)


@pytest.mark.parametrize(
    ("path", "remedy"),
    [
        ("/usr/share", "name the program's own folder in it, such as /usr/share/app"),
        ("/", "name the program's own folder in it, such as /app"),
        ("/tmp", "name the program's own folder in it, such as /tmp/app"),
        ("/usr/bin", own_ground.DATA),
        ("/usr/lib/node_modules", own_ground.DATA),
    ],
)
def test_a_refusal_names_a_folder_that_would_be_taken(path: str, remedy: str) -> None:
    with pytest.raises(BadSetting) as refused:
        asked(path, "volumes")
    assert refused.value.remedy == remedy


def test_a_refusal_for_a_folder_of_path_says_what_the_image_can_do(place: Path) -> None:
    """Programs of node and Python have one among their own: /app/node_modules/.bin."""
    (place / "app/bin").mkdir(parents=True, mode=0o755)
    given = Settings(volumes=(Volume(path=str(place / "app")),), sources={})
    line = (f"PATH={place}/app/bin:/usr/bin",)
    with pytest.raises(BadSetting) as refused:
        own_ground.require_other(given, "pydrop", line)
    assert f"such as {place}/app/data; or give the folder of PATH to the program's user in" in refused.value.remedy
    os.chown(place / "app/bin", UID, GID)
    own_ground.require_other(given, "pydrop", line)


def test_what_is_switched_off_is_not_given() -> None:
    volume = Volume(path="/etc", policy="never", source="chown")
    own_ground.require_other(Settings(volumes=(volume,), sources={}), "pydrop", (PATH,))


@pytest.mark.parametrize("path", own_ground.HOMES)
def test_a_home_in_everybodys_folder_is_given_to_nobody(path: str) -> None:
    asked(path, "home")
    with pytest.raises(BadSetting):
        asked(path)


def test_roots_links_are_followed_and_a_planted_one_is_for_who_follows_it(place: Path) -> None:
    """The design: 125 for what the setting says, a warning for what somebody else made of it."""
    (place / "roots").symlink_to("/etc/ssl")
    with pytest.raises(BadSetting, match="leads to /etc/ssl, which is part of the system"):
        asked(place / "roots")
    with pytest.raises(BadSetting, match="leads to /etc/ssl/new/er, which lies in /etc/ssl"):
        asked(place / "roots/new/er")
    os.lchown(place / "roots", UID, GID)
    asked(place / "roots")
    (place / "users").mkdir()
    (place / "users/link").symlink_to("/etc/ssl")
    os.chown(place / "users", UID, GID)
    asked(place / "users/link")
    with pytest.raises(Untrusted):
        own(Volume(path=str(place / "users/link")), UID, GID)


def test_a_way_ends_where_the_kernel_says(place: Path) -> None:
    for name, target in {"up": "..", "loop": "loop", "far": "no/../where", "here": "."}.items():
        (place / name).symlink_to(target)
    top = os.path.realpath(place)
    ends = {"x": f"{top}/x", "up/y": f"{os.path.dirname(top)}/y", "here/here/x": f"{top}/x", "far": f"{top}/where"}
    for name, end in ends.items():
        assert Way(f"{place}/{name}", {}).end == end
    assert Way(f"{place}/loop", {}).end.startswith(top)
    assert Way("/", {}).end == "/"


def test_long_and_many_paths_cost_little(place: Path) -> None:
    """A quarter of a second for all that an environment can hold, on a machine that has others to serve too."""
    script = (
        "import time, sys; sys.path.insert(0, sys.argv[1])\n"
        "from pydrop.ground.own_ground import Ground, Way\n"
        "lines = ('PATH=' + ':'.join(['/nowhere/%d' % n for n in range(8000)]),)\n"
        "began = time.process_time(); ground = Ground('/a' * 60000, 'x', lines)\n"
        "end = Way('/b' * 60000, ground.seen).end; ground.why('/b' * 2000)\n"
        "assert end == '/b' * 60000; print(time.process_time() - began)"
    )
    source = str(Path(own_ground.__file__).parents[2])
    done = subprocess.run([sys.executable, "-c", script, source], check=True, capture_output=True, text=True)
    assert float(done.stdout) < 1.0


# -- the start's own check -------------------------------------------------------------------------


PARTS = ("lib/python3.11/site-packages/pydrop", "bin/pydrop", "bin", "", "lib")


@pytest.fixture
def installed(place: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An installation of pydrop, as far as its files go, with a link to it elsewhere."""
    for name in ("bin", "lib/python3.11/site-packages/pydrop"):
        (place / "opt" / name).mkdir(parents=True)
    (place / "links").mkdir()
    (place / "opt/bin/pydrop").touch()
    (place / "links/pydrop").symlink_to(place / "opt/bin/pydrop")
    monkeypatch.setattr(own_code, "PACKAGE", f"{place}/opt/lib/python3.11/site-packages/pydrop")
    monkeypatch.setattr(own_code, "LAUNCHER", f"{place}/opt/bin/pydrop")
    monkeypatch.setattr(sys, "executable", "/usr/bin/python3")
    return place


def safe(place: Path, name: str = "pydrop") -> None:
    own_code.require_own_code_safe(name, (f"PATH=/nowhere:{place}/links:/usr/bin",))


def test_an_installation_of_roots_is_safe_whatever_is_missing(installed: Path) -> None:
    safe(installed)
    for name in ("-pydrop", "nosuch", "bin/pydrop", "/nowhere/pydrop", ""):
        safe(installed, name)
    (installed / "links/dead").symlink_to("nowhere")
    safe(installed, "dead")
    (installed / "opt/bin/pydrop").unlink()
    safe(installed)


@pytest.mark.parametrize("part", [*[f"opt/{part}" for part in PARTS], "links", "."])
@pytest.mark.parametrize("how", ["owner", "group", "others"])
def test_what_somebody_else_could_replace_is_refused_with_what_to_do(installed: Path, part: str, how: str) -> None:
    path = installed / part
    if how == "owner":
        os.chown(path, UID, GID)
    else:
        path.chmod(0o775 if how == "group" else 0o757)
    with pytest.raises(Untrusted, match="will not run as root from where somebody else can write") as caught:
        safe(installed)
    assert f"chown root:root {path.resolve()} && chmod go-w {path.resolve()}" in str(caught.value)


def test_the_link_itself_counts_too(installed: Path) -> None:
    os.lchown(installed / "links/pydrop", UID, GID)
    with pytest.raises(Untrusted, match="links/pydrop"):
        safe(installed)
    with pytest.raises(Untrusted, match="links/pydrop"):
        safe(installed, str(installed / "links/pydrop"))
