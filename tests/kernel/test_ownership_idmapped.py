"""Idmapped mounts: never chowned through their map, and made by the policy `idmap` in place of a walk."""

import errno
import os
import signal
from typing import Any

import pytest

from pydrop import idmapped, kernel, mount_calls, mountinfo
from pydrop.errors import PydropError
from pydrop.model import Volume
from pydrop.perform.ownership import home_folder, id_mapping, own, perform, volume_path
from pydrop.perform.ownership import walk as engine
from pydrop.steps import HomeStep
from tests.kernel.test_ownership import GID, START, UID, apart, grow, mount, owner, owners, step

pytestmark = pytest.mark.quick

GIVEN, NOBODY, HOST = (UID, GID), (65534, 65534), (1000, 1000)


def mapped(path, inside=(0, 0), outside=(7, 8)):
    """Mount a folder over itself with a map, as podman's `idmap` does."""
    place = volume_path.opened(str(path), create=False)
    namespace = id_mapping._user_namespace(f"{inside[0]} {outside[0]} 1", f"{inside[1]} {outside[1]} 1")
    tree = mount_calls.clone_tree(place.fd)
    mount_calls.set_id_map(tree, namespace, recursive=False)
    mount_calls.mount_over(tree, place.fd)
    for descriptor in (namespace, tree):
        os.close(descriptor)
    place.close()


needs_maps = pytest.mark.skipif(
    tuple(map(int, os.uname().release.split(".")[:2])) < (5, 12), reason="idmapped mounts came with Linux 5.12"
)


@pytest.fixture
def data(tmp_path):
    """As a host has it: the top and some entries are root's, one is another's."""
    top = grow(tmp_path / "data", "file", "sub/file", "other")
    os.chown(top / "other", 33, 33)
    return top


def on_disk(data):
    return {".": owner(data), **owners(data)}


def warnings_of(*volumes, errors="warn", groups=()):
    return perform(step(*volumes, errors=errors, groups=groups), START).warnings


def volume(path, policy="mismatch", **fields):
    return Volume(path=str(path), policy=policy, **fields)


# -- one that came so ---------------------------------------------------------------------------------


@needs_maps
@pytest.mark.parametrize("policy", ["mismatch", "on-root-mismatch", "unless-writable", "top", "idmap"])
@pytest.mark.parametrize(("inside", "outside"), [((0, 0), (7, 8)), ((33, 33), GIVEN), ((0, 0), (7, GID))])
def test_one_that_shows_another_owner_is_left_alone_and_told(data, policy, inside, outside):
    """Where both numbers are mapped, a chown would change the disk; else it fails entry by entry."""
    before = on_disk(data)

    def there():
        mapped(data, inside, outside)
        shown = owner(data)
        (warning,) = warnings_of(volume(data, policy))
        assert f"the volume {data} is not chowned to {UID}:{GID}: it is an idmapped mount" in warning
        assert f"shows as {shown[0]}:{shown[1]}; " in warning
        assert f"dst={data},idmap=uids=OWNER-{UID}-1;gids=GROUP-{GID}-1'" in warning

    apart(there)
    assert on_disk(data) == before


@needs_maps
@pytest.mark.parametrize("policy", ["mismatch", "on-root-mismatch", "unless-writable", "top", "idmap"])
def test_one_that_shows_the_right_owner_is_right(data, policy):
    """With all that is in it, whatever that shows."""
    before = on_disk(data)

    def there():
        mapped(data, (0, 0), GIVEN)
        outcome = perform(step(volume(data, policy), errors="fail"), START)
        assert (outcome.changed, outcome.words, outcome.warnings) == (0, "", ())

    apart(there)
    assert on_disk(data) == before


@needs_maps
def test_one_that_the_user_can_write_is_no_news(data):
    def there():
        os.chmod(data, 0o777)
        mapped(data)
        assert warnings_of(volume(data), errors="fail") == ()

    apart(there)


@needs_maps
def test_errors_fail_ends_the_start(data):
    def there():
        mapped(data)
        with pytest.raises(PydropError, match="is an idmapped mount"):
            warnings_of(volume(data), errors="fail")

    apart(there)


@needs_maps
@pytest.mark.parametrize("walk", ["alone", "shared"])
def test_an_idmapped_mount_below_is_left_alone_across_mounts(data, monkeypatch, walk):
    """A folder and a file; those that show the right owner are not told of. Other mounts are walked as asked."""
    grow(data, "wrong/file", "right/file", "plain/", *[f"many/{n}/file" for n in range(200 if walk == "shared" else 1)])
    if walk == "shared":
        monkeypatch.setattr(engine, "ALONE", -1.0)
        monkeypatch.setattr(engine, "LOOK", -1.0)

    def there():
        mapped(data / "wrong")
        mapped(data / "right", (0, 0), GIVEN)
        mapped(data / "file")
        mount("-t", "tmpfs", "none", data / "plain")
        grow(data / "plain", "file")
        (warning,) = warnings_of(volume(data, across_mounts=True), errors="fail")
        assert f"left 2 idmapped mounts in {data} alone" in warning
        assert {"wrong", "file"} == {*warning.partition("(")[2].partition(")")[0].split(", ")}
        assert owner(data / "plain/file") == owner(data) == GIVEN

    apart(there)
    assert owner(data / "wrong") == owner(data / "wrong/file") == owner(data / "right/file") == (0, 0)
    assert owner(data / "file") == (0, 0)
    assert owner(data / "sub/file") == GIVEN


@needs_maps
def test_without_across_mounts_it_is_a_mount_as_any(data):
    def there():
        mapped(data / "sub")
        outcome = perform(step(volume(data)), START)
        assert "mounts below left alone (sub)" in outcome.words and outcome.warnings == ()

    apart(there)
    assert owner(data / "sub/file") == (0, 0) and owner(data / "file") == GIVEN


@needs_maps
def test_a_volume_deeper_in_an_idmapped_mount_and_a_single_file(data):
    before = on_disk(data)

    def there():
        mapped(data)
        told = warnings_of(volume(data / "sub"), volume(data / "file"))
        assert f"the volume {data}/sub is not chowned" in told[0]
        assert f"left the volume {data}/file alone" in told[1]  # whoever the folder shows as its owner may replace it

    apart(there)
    assert on_disk(data) == before


@needs_maps
def test_a_home_on_an_idmapped_mount(data):
    before = on_disk(data)

    def there():
        mapped(data)
        fields: dict[str, Any] = {"kind": "home", "words": "", "name": "app", "groups": (), "errors": "warn"}
        walked = volume(data, former=(7, 8))
        outcome = home_folder.perform(HomeStep(volume=walked, uid=UID, gid=GID, **fields), START)
        assert len(outcome.warnings) == 1 and "idmapped" in outcome.warnings[0]

    apart(there)
    assert on_disk(data) == before


# -- the policy ---------------------------------------------------------------------------------------


@pytest.fixture
def hosts(data):
    """The same as a user of the host has it."""
    for path in (data, *data.rglob("*")):
        if owner(path) == (0, 0):
            os.chown(path, *HOST)
    return data


@needs_maps
@pytest.mark.parametrize("name", [".", "file"])
def test_what_is_roots_is_not_shown_as_the_users(data, name):
    """The user could create root's set-uid files, and links that root follows at the next start, before the map."""
    before = on_disk(data)

    def there():
        (warning,) = warnings_of(volume(data / name, "idmap"))
        assert "with a map to 1500:1600: it is root's on the disk" in warning and "chown -R 1000:1000" in warning
        assert idmapped.ids(mountinfo.of()) == frozenset()
        with pytest.raises(PydropError, match="it is root's on the disk"):
            warnings_of(volume(data / name, "idmap"), errors="fail")
        report = own(volume(data / name, "idmap"), UID, GID, dry=True)
        assert report.roots and report.troubled

    apart(there)
    assert on_disk(data) == before


@needs_maps
def test_the_policy_shows_the_owner_of_the_top_as_the_user(hosts):
    """And what the user creates is the owner's on the disk. Entries of others are named."""
    os.chmod(hosts, 0o755)

    def there():
        (warning,) = warnings_of(volume(hosts, "idmap"), errors="fail")
        assert "1 entries" in warning and "(other)" in warning
        assert owner(hosts) == owner(hosts / "sub/file") == GIVEN
        assert owner(hosts / "other") == NOBODY
        child = os.fork()
        if child == 0:
            os.chdir(hosts)  # what is above it is closed to the user
            os.setgroups([])
            os.setresgid(GID, GID, GID)
            os.setresuid(UID, UID, UID)
            os.mkdir("made")
            os._exit(0)
        assert os.waitpid(child, 0)[1] == 0

    apart(there)
    assert owner(hosts / "made") == owner(hosts) == HOST


@needs_maps
def test_a_second_start_has_nothing_to_do(hosts):
    os.unlink(hosts / "other")

    def there():
        first = perform(step(volume(hosts, "idmap")), START)
        assert first.words == f"{hosts}: {HOST[0]}:{HOST[1]} on the disk mapped to {UID}:{GID}" and first.warnings == ()
        again = perform(step(volume(hosts, "idmap")), START)
        assert (again.words, again.warnings) == ("", ())
        with open("/proc/self/mountinfo") as table:
            assert table.read().count(f" {hosts} ") == 1

    apart(there)


@needs_maps
def test_nothing_is_mounted_where_the_owner_is_right(hosts):
    os.chown(hosts, *GIVEN)

    def there():
        perform(step(volume(hosts, "idmap"), errors="fail"), START)
        assert idmapped.ids(mountinfo.of()) == frozenset()

    apart(there)


@needs_maps
def test_a_single_file_is_mapped_too(hosts):
    os.chown(hosts, 0, 0)

    def there():
        warnings_of(volume(hosts / "file", "idmap"), errors="fail")
        assert owner(hosts / "file") == GIVEN and owner(hosts) == (0, 0)

    apart(there)


@needs_maps
@pytest.mark.parametrize("across", [False, True])
def test_mounts_below_stay_mounted(hosts, across):
    """With the map too, where the volume is across mounts."""
    (hosts / "inner").mkdir()

    def there():
        mount("-t", "tmpfs", "none", hosts / "inner")
        os.chown(hosts / "inner", *HOST)
        os.chown(grow(hosts / "inner", "file") / "file", *HOST)
        warnings_of(volume(hosts, "idmap", across_mounts=across), errors="fail")
        assert owner(hosts / "inner/file") == (GIVEN if across else HOST)

    apart(there)


@needs_maps
def test_a_working_folder_in_the_volume_is_on_the_new_mount(hosts):
    """Else the program would stand below it, and see the owner of the disk."""

    def there():
        os.chdir(hosts / "sub")
        warnings_of(volume(hosts, "idmap"), errors="fail")
        assert owner(".") == owner("file") == GIVEN
        assert os.getcwd() == str(hosts / "sub")

    apart(there)


@needs_maps
@pytest.mark.parametrize("ignored", [False, True])
def test_nothing_is_left_over(hosts, ignored):
    """No child, no descriptor, no signal that stays blocked; also where SIGCHLD came ignored."""

    def there():
        if ignored:
            signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        before = sorted(os.listdir("/proc/self/fd"))
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, ())
        warnings_of(volume(hosts, "idmap"), errors="fail")
        assert sorted(os.listdir("/proc/self/fd")) == before
        assert signal.pthread_sigmask(signal.SIG_BLOCK, ()) == mask
        with pytest.raises(ChildProcessError):
            os.waitpid(-1, 0)

    apart(there)


REFUSALS = {
    "open_tree": (errno.EPERM, "seccomp or AppArmor forbids it"),
    "mount_setattr": (errno.EINVAL, "this kernel maps no owners of"),
    "move_mount": (errno.ENOSYS, "it needs Linux 5.12"),
    "unshare": (errno.ENOSPC, "see unshare(2)"),
}


@pytest.mark.parametrize("call", REFUSALS)
def test_what_the_kernel_refuses_is_told_and_nothing_is_mounted_or_chowned(hosts, monkeypatch, call):
    number, said = REFUSALS[call]
    before = on_disk(hosts)

    def refused(*_arguments):
        raise OSError(number, os.strerror(number), call)

    names = {"open_tree": "clone_tree", "mount_setattr": "set_id_map", "move_mount": "mount_over"}
    if call == "unshare":
        monkeypatch.setattr(mount_calls, "user_namespace_maker", lambda: refused)
    else:
        monkeypatch.setattr(mount_calls, names[call], refused)

    def there():
        fds = sorted(os.listdir("/proc/self/fd"))
        (warning,) = warnings_of(volume(hosts, "idmap"))
        assert f"unable to mount {hosts} with a map to {UID}:{GID}: {os.strerror(number)} ({call}); {said}" in warning
        assert sorted(os.listdir("/proc/self/fd")) == fds
        assert idmapped.ids(mountinfo.of()) == frozenset()
        with pytest.raises(PydropError, match="with a map to"):
            warnings_of(volume(hosts, "idmap"), errors="fail")

    apart(there)
    assert on_disk(hosts) == before


@needs_maps
def test_a_filesystem_that_cannot_be_mapped(tmp_path):
    """An overlay: the root filesystem of most containers."""
    for name in ("lower", "upper", "work", "merged"):
        (tmp_path / name).mkdir()
    os.chown(grow(tmp_path / "lower", "data/file") / "data", *HOST)

    def there():
        merged = tmp_path / "merged"
        options = f"lowerdir={tmp_path}/lower,upperdir={tmp_path}/upper,workdir={tmp_path}/work"
        mount("-t", "overlay", "-o", options, "none", merged)
        (warning,) = warnings_of(volume(merged / "data", "idmap"))
        assert "this kernel maps no owners of overlay: take another policy" in warning

    apart(there)


@needs_maps
def test_without_sys_admin_the_line_to_add_is_told(hosts):
    def there():
        held = kernel.credentials(kernel.open_status())
        kernel.set_capabilities(held.effective & ~(1 << 21), held.permitted, held.inheritable)
        (warning,) = warnings_of(volume(hosts, "idmap"))
        assert "add cap_add: [SYS_ADMIN]" in warning

    apart(there)


def test_in_a_dry_run_nothing_is_mounted(hosts):
    def there():
        own(volume(hosts, "idmap"), UID, GID, dry=True)
        assert idmapped.ids(mountinfo.of()) == frozenset()

    apart(there)


# -- the table of mounts ------------------------------------------------------------------------------

TABLE = b"""\
20 1 0:5 / / rw - ext4 /dev/vda rw
21 20 0:6 /a /data rw,relatime,idmapped shared:3 - ext4 /dev/vda rw
22 20 0:7 / /idmapped rw - tmpfs idmapped rw,idmapped
23 20 0:8 / /x,idmapped rw,idmapped,nosuid - xfs /dev/vdb rw
"""


def test_only_the_options_of_the_mount_say_so():
    """Neither a name nor a source, which a user may choose, nor the options of the filesystem."""
    assert idmapped.ids(mountinfo.rows(TABLE)) == {b"21", b"23"}
    assert idmapped.ids(mountinfo.rows(b"")) == frozenset()


def test_the_mount_of_a_descriptor_is_read():
    assert idmapped.mount_id(b"pos:\t0\nflags:\t02\nmnt_id:\t29\nino:\t4\n") == b"29"
    assert idmapped.mount_id(b"pos:\t0\nflags:\t02\n") == b""
    assert not idmapped.is_on(0, frozenset())
