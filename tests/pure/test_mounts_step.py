"""When a start looks whether the program can write what is mounted, and what it says of what it cannot."""

from typing import Any

import pytest

from pydrop import planning
from pydrop.model import Secret
from pydrop.planning import mounts_step
from tests.pure import worlds
from tests.pure.worlds import facts, kinds, only, settings, volume

DATA = (("/data", "ext4"),)


def planned(mounts=DATA, world=None, **given):
    return planning.plan(settings(puid=1500, **given), facts(mounts=mounts, **(world or {})))


def test_a_mount_that_no_setting_names_is_looked_at_behind_volumes_and_hooks():
    made = planned(hooks="/etc/pydrop.d", volumes=(volume("/x"),), world={"hooks": ("/etc/pydrop.d/1",)})
    order = kinds(made.steps)
    assert order.index("mounts") > max(order.index("volumes"), order.index("hooks"))
    assert only(made.steps, "mounts").mounts == DATA


NAMED: "dict[str, dict[str, Any]]" = {
    "chown": {"volumes": (volume("/data"),)},
    "policy never": {"volumes": (volume("/data", policy="never"),)},
    "a folder in it": {"volumes": (volume("/data/app"),)},
    "a volume above it that includes mounts": {"volumes": (volume("/", across_mounts=True), volume("/data"))},
    "run-dirs": {"run_dirs": ("/data",)},
    "home": {"home": "/data"},
    "owner-of": {"owner_of": "/data/x"},
    "a device in it": {"devices": ("/data/dri",)},
    "a secret in it": {"secrets": (Secret(name="A", path="/data/a", pointer="FILE__A"),)},
    "hooks in it": {"hooks": "/data/hooks.d"},
    "the ready file": {"ready_file": "/data/ready"},
}


@pytest.mark.parametrize("case", NAMED)
def test_named_is_named(case):
    world = {"owner": (1500, 1500)} if case == "owner-of" else {}
    assert "mounts" not in kinds(planned(world=world, **NAMED[case]).steps)


def test_the_settings_file_s_own_mount_is_named_by_it():
    assert "mounts" not in kinds(planned(world={"environment": ("PYDROP_CONFIG=/data/p.toml",)}).steps)


@pytest.mark.parametrize("mount", ["/data/media", "/database", "/data2"])
def test_what_is_mounted_beside_or_below_a_named_volume_is_not_named_by_it(mount):
    made = planned(mounts=((mount, "ext4"),), volumes=(volume("/data"),))
    assert only(made.steps, "mounts").mounts == ((mount, "ext4"),)


def test_where_the_home_lies_in_a_mount_the_home_is_what_is_written():
    """-v ./homes:/home is root's, and need not be the program's."""
    world = {"passwd": worlds.PASSWD + "app:x:1500:1500::/srv/homes/app:/bin/sh\n"}
    mounts = (("/srv/homes", "ext4"), ("/srv/homes/app", "ext4"), ("/srv/homes/app/x", "ext4"), ("/srv/home", "ext4"))
    assert only(planned(mounts=mounts, world=world).steps, "mounts").mounts == mounts[1:]


def test_var_run_is_run():
    assert "mounts" not in kinds(planned(mounts=(("/run/web", "ext4"),), run_dirs=("/var/run/web",)).steps)


def test_below_a_volume_with_policy_never_nothing_is_looked_at():
    made = planned(mounts=(("/data/media", "ext4"),), volumes=(volume("/data", policy="never"),))
    assert "mounts" not in kinds(made.steps)


def test_for_who_may_write_everything_nothing_is_looked_at():
    world = facts(mounts=DATA, credentials=worlds.credentials(capabilities=-1))
    assert "mounts" not in kinds(planning.plan(settings(puid=0), world).steps)
    assert "mounts" not in kinds(planning.plan(settings(puid=5, keep_caps=("dac_override",)), world).steps)


def test_without_root_it_is_looked_at_too_but_never_a_second_time():
    user = worlds.credentials(1500, 1500)
    assert "mounts" in kinds(planning.plan(settings(), facts(mounts=DATA, credentials=user)).steps)
    again = facts(mounts=DATA, credentials=user, second_time=True)
    assert "mounts" not in kinds(planning.plan(settings(), again).steps)
    assert "mounts" not in kinds(planning.plan(settings(), facts(mounts=DATA, record=worlds.record())).steps)


# -- words -----------------------------------------------------------------------------------------


def step(*mounts, root=True, **given):
    world = {} if root else {"credentials": worlds.credentials(1500, 1500)}
    puid = {"puid": 1500} if root else {}
    return only(planning.plan(settings(**puid, **given), facts(mounts=mounts, **world)).steps, "mounts")


def test_the_line_that_helps_can_be_pasted():
    said = mounts_step.warning(step(*DATA), ["/data"], [])
    assert said == (
        "app (1500:1500) cannot write the mounted /data, which no setting names; to own it, add environment: "
        '{PYDROP_CHOWN: "/data"} in compose (docker run: -e PYDROP_CHOWN=/data); '
        "what is only read can be mounted read-only (:ro)"
    )


def test_the_line_repeats_what_is_owned_already():
    volumes = (volume("/a"), volume("/b", policy="top"), volume("/c", source="[[volume]] in /etc/pydrop.toml"))
    said = mounts_step.warning(step(("/my data", "ext4"), volumes=volumes), ["/my data"], [])
    assert "-e 'PYDROP_CHOWN=/a:/b:top:/my data'" in said


ODD = ("/a:b", "/a,b", "/a;b", "/a /b", "/a\nb", "/a ", '/a"b', "/a'b", "/$a", "/" + "a" * 200)


@pytest.mark.parametrize("path", ODD)
def test_a_path_that_the_list_cannot_hold_is_to_be_named_in_a_table(path):
    said = mounts_step.warning(step((path, "ext4")), [path], [])
    assert "PYDROP_CHOWN" not in said and "[[volume]]" in said


OTHER_REMEDIES = {
    "cifs": "mount /data with the options uid=1500,gid=1500",
    "vfat": "mount /data with the options uid=1500,gid=1500",
    "idmapped": "idmap /data so that it shows 1500:1500 as owner",
}


@pytest.mark.parametrize("kind", OTHER_REMEDIES)
def test_where_chown_is_no_help_it_is_not_named(kind):
    said = mounts_step.warning(step(("/data", kind)), ["/data"], [])
    assert OTHER_REMEDIES[kind] in said and "PYDROP_CHOWN" not in said


@pytest.mark.parametrize("path", ["/usr", "/var", "/usr/local/bin"])
def test_nobody_is_told_to_give_the_system_away(path):
    said = mounts_step.warning(step((path, "ext4")), [path], [])
    assert "PYDROP_CHOWN" not in said and ":ro" in said


def test_without_root_the_host_has_to_own_it():
    said = mounts_step.warning(step(*DATA, root=False), ["/data"], [])
    assert "on the host: chown 1500:1500 the folder (Kubernetes: securityContext: {fsGroup: 1500})" in said


def test_a_folder_above_that_is_closed_is_another_matter():
    said = mounts_step.warning(step(("/root/x", "ext4")), [], ["/root/x"])
    assert "cannot enter a folder above the mounted /root/x" in said and "PYDROP_CHOWN" not in said


def test_of_thousands_a_few_are_named_in_one_line_of_bounded_length():
    mounts = tuple([(f"/{'m' * 500}{number}", "ext4") for number in range(5000)])
    volumes = tuple([volume(f"/v{number}") for number in range(5000)])
    for names in (mounts, (("/a", "ext4"),)):
        paths = [point for point, _ in names]
        said = mounts_step.warning(step(*names, volumes=volumes), paths, paths)
        assert len(said.encode()) < 4096 and "\n" not in said
