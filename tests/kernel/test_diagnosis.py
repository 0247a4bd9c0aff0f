"""Parts of doctor and verify that containers of this machine cannot show: network filesystems, id maps, slow walks."""

import errno
import os

import pytest

from pydrop.ctl.diagnosis import files_section, identity_section, volumes_section
from pydrop.ctl.diagnosis.world import World
from pydrop.ctl.mount_list import Mount
from pydrop.ctl.verifying import set_id_files, write_attempt
from pydrop.model import Credentials, Facts, Identity, IdRange, Settings, Start, Value, Volume

pytestmark = pytest.mark.quick

APP = Identity(name="app", uid=1500, gid=1500, group="app", groups=(1500,), home="/", shell="/bin/sh", why="PUID")


def changed(value: Value, **changes: object) -> Value:
    fields = {name: getattr(value, name) for name in value.fields if hasattr(value, name)}
    return type(value)(**{**fields, **changes})


def world(kind: str, point: str, listed: "tuple[Volume, ...]" = (), uid_map: "tuple[IdRange, ...]" = ()) -> World:
    """Root with all capabilities in a container with one mount."""
    sets = {"inheritable": 0, "permitted": -1, "effective": -1, "bounding": -1, "ambient": 0}
    held = Credentials(uids=(0,) * 4, gids=(0,) * 4, groups=(0,), no_new_privs=False, umask=0o022, **sets)
    mount = Mount(point=point, root="/", type=kind, source="x", options=frozenset(["rw"]), device="0:9")
    facts = Facts(
        credentials=held,
        pid=1,
        uid_map=uid_map,
        gid_map=uid_map,
        setgroups_allowed=True,
        passwd="",
        group="",
        account_files="rename",
    )
    asked = Settings(volumes=listed, sources={})
    return World(
        start=Start(name="pydropctl", arguments=(), environment=(), ignored=(), blocked=()),
        command=(),
        held=held,
        status={},
        mounts=(mount,),
        settings=asked,
        facts=facts,
        plan=None,
        wanted=APP,
        error=None,
        entered=False,
    )


POLICIES = {
    "nfs4": "on-root-mismatch, or unless-writable where the server squashes root",
    "ceph": "on-root-mismatch, or unless-writable",
    "cifs": "unless-writable (mount it with uid= and gid=)",
    "9p": "unless-writable",
    "virtiofs": "unless-writable",
    "fuse.sshfs": "unless-writable",
}


@pytest.mark.parametrize("kind", POLICIES)
def test_the_policy_that_suits_a_filesystem_behind_a_network_is_named(tmp_path, kind):
    section, _ = volumes_section.examine(world(kind, str(tmp_path)))
    assert POLICIES[kind] in section.facts[0].found


def test_another_policy_on_one_that_keeps_no_owners_is_to_be_changed(tmp_path):
    listed = (Volume(path="/a", policy="top", source="PYDROP_CHOWN"), Volume(path=str(tmp_path), source="PYDROP_CHOWN"))
    _, changes = volumes_section.examine(world("virtiofs", str(tmp_path), listed))
    lines = dict(next(change for change in changes if change.key == f"policy {tmp_path}").lines)
    assert lines["docker run"] == f"-e PYDROP_CHOWN=/a:top:{tmp_path}:unless-writable"


def test_a_local_one_has_no_word_about_policies(tmp_path):
    section, _ = volumes_section.examine(world("ext4", str(tmp_path)))
    assert "policy" not in section.facts[0].found


def test_a_link_of_a_stranger_s_on_the_way_is_not_followed(tmp_path):
    (tmp_path / "link").symlink_to("/etc")
    os.lchown(tmp_path / "link", 1500, 1500)
    section, changes = volumes_section.examine(world("ext4", str(tmp_path / "link")))
    assert section.facts[0].found == "ext4"
    assert changes == []


def test_a_volume_that_is_no_mount_is_told_by_the_mount_that_it_lies_in(tmp_path):
    """One that is switched off is not told to be chowned."""
    (tmp_path / "media").mkdir()
    listed = [Volume(path=str(tmp_path / "media"), policy=policy, source="PYDROP_CHOWN") for policy in ("top", "never")]
    section, _ = volumes_section.examine(world("ext4", str(tmp_path), (listed[0], Volume(path="/usr"))))
    found = {fact.name: fact.found for fact in section.facts[1:]}
    assert found == {
        listed[0].path: f"a folder of the mount {tmp_path}; to be chowned (policy top)",
        "/usr": "no mount, but part of the image; to be chowned (policy mismatch)",
    }
    section, changes = volumes_section.examine(
        world("ext4", str(tmp_path), (listed[1], Volume(path="/x", policy="never")))
    )
    assert [fact.name for fact in section.facts] == [str(tmp_path)] and not changes[1:]


MAPS = {
    "no user namespace": (((0, 0, 2**32 - 1),), "none: ids are the host's own"),
    "rootless": (
        ((0, 1000, 1), (1, 100000, 65536)),
        "rootless, or --uidmap: uid 0 here is 1000 outside; uids 1 to 65536 here are 100000 to 165535 outside",
    ),
    "root mapped to itself": (((0, 0, 65536),), "root in here is the host's root: uids 0 to 65535 here are 0 to 65535"),
    "nothing mapped": ((), "rootless, or --uidmap: no id is mapped"),
}


@pytest.mark.parametrize("case", MAPS)
def test_a_user_namespace_is_described(case):
    ranges, said = MAPS[case]
    uid_map = tuple([IdRange(inside=a, outside=b, count=c) for a, b, c in ranges])
    section, _ = identity_section.examine(world("ext4", "/x", uid_map=uid_map))
    assert next(fact.found for fact in section.facts if fact.name == "user namespace").startswith(said)


@pytest.mark.parametrize(
    ("octets", "said"),
    [
        (0, "0 bytes"),
        (1023, "1023 bytes"),
        (65536, "64 KiB"),
        (1 << 26, "64 MiB"),
        (3 << 30, "3 GiB"),
        (5 << 40, "5.0 TiB"),
    ],
)
def test_sizes_are_told_as_people_say_them(octets, said):
    assert files_section.human(octets) == said


def test_a_walk_for_set_uid_files_ends_when_its_time_is_over(monkeypatch):
    held = world("ext4", "/x").held
    monkeypatch.setattr(set_id_files, "SEARCH_TIME", -1.0)
    found = set_id_files.within_reach(set_id_files.as_this(held))
    assert (found.complete, found.files) == (False, [])


def test_where_no_nameless_file_can_be_made_a_named_one_is_and_goes(tmp_path, monkeypatch):
    calls = []

    def without_tmpfile(path, flags, *mode, **more):
        if flags & os.O_TMPFILE == os.O_TMPFILE:
            raise OSError(errno.EOPNOTSUPP, "not supported")
        calls.append(path)
        return opening(path, flags, *mode, **more)

    opening = os.open
    monkeypatch.setattr(os, "open", without_tmpfile)
    write_attempt.try_folder(str(tmp_path))
    assert any(str(path).startswith(".pydrop-verify-") for path in calls)
    assert list(tmp_path.iterdir()) == []


def test_a_mount_below_a_volume_that_is_chowned_across_mounts_has_its_own_policy(tmp_path):
    """Where it is named by itself, whatever is named first."""
    above = Volume(path=str(tmp_path.parent), across_mounts=True, source="[[volume]]")
    listed = (above, Volume(path=str(tmp_path), policy="top", source="PYDROP_CHOWN"))
    section, _ = volumes_section.examine(world("ext4", str(tmp_path), listed))
    assert "policy top" in section.facts[0].found


def test_an_idmapped_mount_that_shows_another_owner_has_its_line(tmp_path):
    """In place of PYDROP_CHOWN, which would do nothing there."""
    for listed in ((), (Volume(path=str(tmp_path), source="PYDROP_CHOWN"),)):
        tmp_path.chmod(0o755)
        found = world("ext4", str(tmp_path), listed)
        found.mounts[0].options = frozenset(["rw", "idmapped"])
        section, changes = volumes_section.examine(found)
        assert "ext4, idmapped; owned by 0:0" in section.facts[0].found
        assert section.facts[0].level == "problem"
        (change,) = changes
        assert "idmap=uids=OWNER-1500-1;gids=GROUP-1500-1'" in change.lines[0][1]


def test_an_idmapped_mount_that_shows_the_right_owner_is_right(tmp_path):
    os.chown(tmp_path, 1500, 1500)
    found = world("ext4", str(tmp_path), (Volume(path=str(tmp_path), source="PYDROP_CHOWN"),))
    found.mounts[0].options = frozenset(["rw", "idmapped"])
    section, changes = volumes_section.examine(found)
    assert section.facts[0].level == "ok" and changes == []
