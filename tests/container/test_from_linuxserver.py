"""docs/from-linuxserver.md: what its table says of pydrop, row by row. Its blocks are run by test_guide.py."""

import os

import pytest

from tests.container.engine import ROOT, owner
from tests.container.pages import Table

ROWS = Table(ROOT / "docs" / "from-linuxserver.md", "with them")
MADE = {"PUID": "1500", "PGID": "1500", "PYDROP_USER": "abc", "PYDROP_HOME": "/config"}
SCRIPTS = "/custom-cont-init.d"


@pytest.fixture
def scripts(hooks):
    """The option that mounts these scripts where users of those images have them, and the setting that names them."""
    return lambda **texts: (hooks(**texts).replace("/etc/pydrop.d", SCRIPTS), {"PYDROP_HOOKS": SCRIPTS})


@ROWS.held_by("`PUID`, `PGID`; 911 without")
def test_puid_and_pgid_are_the_same_names_and_without_them_the_account_keeps_its_numbers(run):
    assert run(command=["id", "-u"], env={"PUID": "1500"}).stdout == "1500\n"
    assert run(command=["id", "-g"], env={"PUID": "1500", "PGID": "1600"}).stdout == "1600\n"
    assert run(command=["id", "-u"], env={"PYDROP_USER": "www-data"}).stdout == "33\n"


@ROWS.held_by("the account `abc`, home `/config`")
def test_an_image_without_abc_has_it_made_by_puid_and_never_by_a_name_alone(run):
    made = run(command=["sh", "-c", "whoami; echo $HOME; grep ^abc: /etc/passwd"], env=MADE)
    assert made.stdout == "abc\n/config\nabc:*:1500:1500:abc:/config:/bin/sh\n"
    assert run(command=["whoami"], env={"PUID": "1500"}).stdout == "app\n"
    assert run(command=["true"], env={"PYDROP_USER": "abc"}).code == 125


@ROWS.held_by("`UMASK`")
def test_umask_has_three_digits(run):
    assert run(command=["sh", "-c", "umask"], env={"UMASK": "027"}).stdout == "0027\n"
    refused = run(command=["true"], env={"UMASK": "18"})
    assert refused.code == 125 and "YAML" in refused.stderr


@ROWS.held_by("`TZ`")
def test_tz_is_handed_on_as_it_is(run):
    assert run(command=["printenv", "TZ"], env={"TZ": "Europe/Rome"}).stdout == "Europe/Rome\n"


@ROWS.held_by("`FILE__NAME=/path`")
def test_a_secrets_last_newlines_are_cut_off_its_pointer_is_gone_and_no_file_is_no_start(run, tmp_path):
    (tmp_path / "secret").write_text("two\nlines\n\n")
    option = f"--volume={tmp_path / 'secret'}:/run/secrets/it:ro"
    read = run(option, command=["sh", "-c", 'echo "[$IT] ${FILE__IT-gone}"'], env={"FILE__IT": "/run/secrets/it"})
    assert read.stdout == "[two\nlines] gone\n"
    missing = run(command=["echo", "started"], env={"FILE__IT": "/run/secrets/it"})
    assert (missing.code, missing.stdout) == (125, "")


@ROWS.held_by("scripts in `/custom-cont-init.d`")
def test_scripts_run_as_root_in_order_before_the_program_and_a_failure_is_the_end(run, scripts):
    option, setting = scripts(b="echo b $(id -u)", a="echo a $(id -u)")
    ran = run(option, command=["id", "-u"], env=setting)
    assert ran.stdout == "a 0\nb 0\n1000\n"


@ROWS.held_by("scripts in `/custom-cont-init.d`")
def test_a_script_that_fails_ends_the_start_with_its_code(run, scripts):
    option, setting = scripts(a="exit 3", b="echo not reached")
    failed = run(option, command=["echo", "started"], env=setting)
    assert (failed.code, failed.stdout) == (3, "")


@ROWS.held_by("scripts in `/custom-cont-init.d`")
@pytest.mark.parametrize(("head", "mode", "code"), [("#!/bin/sh\n", 0o644, 0), ("", 0o755, 125)])
def test_a_script_without_an_execute_bit_is_none_and_one_without_its_interpreter_is_refused(
    run, scripts, tmp_path, head, mode, code
):
    option, setting = scripts(a="")
    (tmp_path / "hooks" / "a").write_text(f"{head}echo ran\n")
    (tmp_path / "hooks" / "a").chmod(mode)
    result = run(option, command=["echo", "started"], env=setting)
    assert (result.code, result.stdout) == (code, "started\n" if code == 0 else ""), str(result)


@ROWS.held_by("scripts that belong to somebody else are warned of")
def test_a_script_of_somebody_elses_is_refused(run, scripts, tmp_path):
    option, setting = scripts(a="echo ran")
    os.chown(tmp_path / "hooks" / "a", 1000, 1000)
    refused = run(option, command=["echo", "started"], env=setting)
    assert (refused.code, refused.stdout) == (125, "")
    assert "chown root:root" in refused.stderr


@ROWS.held_by("`with-contenv` in a script's first line")
def test_a_script_has_the_containers_environment(run, scripts):
    option, setting = scripts(a="echo $THEIRS")
    assert run(option, command=["true"], env=setting | {"THEIRS": "it is here"}).stdout == "it is here\n"


@ROWS.held_by("`lsiown -R abc:abc /config`")
def test_a_volume_is_owned_its_links_themselves_its_mounts_not_and_the_second_time_nothing_is_written(
    run, volume, tmp_path
):
    folder = volume({"mount": (0, 0), "mount/file": (0, 0), "file": (999, 999)})
    (tmp_path / "outside").write_text("root's\n")
    (folder / "link").symlink_to("/outside")
    below = volume({"file": (0, 0)}, name="below")
    places = {folder: "/config", below: "/config/mount", tmp_path / "outside": "/outside"}
    mounts = [f"--volume={source}:{place}" for source, place in places.items()]
    first, second = (run(*mounts, command=["true"], env=MADE | {"PYDROP_CHOWN": "/config"}) for _ in range(2))
    assert [owner(folder / name) for name in (".", "file", "link")] == [(1500, 1500)] * 3
    assert [owner(path) for path in (tmp_path / "outside", below / "file")] == [(0, 0)] * 2
    assert "/config: " in first.stderr and "/config: " not in second.stderr


@ROWS.held_by("`s6-setuidgid abc` in a script")
def test_pydrop_goes_by_the_name_of_s6_setuidgid(run):
    script = "pydropctl install s6-setuidgid >/dev/null && s6-setuidgid www-data id -u"
    assert run("--entrypoint=sh", command=["-c", script]).stdout == "33\n"


@ROWS.held_by("`docker exec` is root")
def test_exec_is_root_and_behind_pydrop_the_user_with_the_umask(container):
    same = container(env=MADE | {"UMASK": "027"})
    assert same.exec("id", "-u").stdout == "0\n"
    assert same.exec("pydrop", "sh", "-c", "id -un; umask").stdout == "abc\n0027\n"


@ROWS.held_by("groups of devices (`/dev/dri`)")
def test_a_devices_group_is_joined_and_the_device_stays_as_it_is(run, tmp_path):
    os.mknod(tmp_path / "renderD128", 0o660 | 0o020000, os.makedev(1, 3))
    os.chown(tmp_path / "renderD128", 0, 993)
    option = f"--device={tmp_path / 'renderD128'}:/dev/dri/renderD128"
    seen = run(
        option, command=["sh", "-c", "id -G; stat -c %a /dev/dri/renderD128"], env={"PYDROP_DEVICES": "/dev/dri"}
    )
    assert "993" in seen.stdout.splitlines()[0].split(), str(seen)
    assert seen.stdout.splitlines()[1] == f"{os.stat(tmp_path / 'renderD128').st_mode & 0o777:o}"


@ROWS.held_by("`--read-only`: PUID and UMASK have no effect, `/run` must be a tmpfs with `exec`")
def test_read_only_puid_and_umask_work_and_the_tmpfs_may_be_noexec(run):
    options = ("--read-only", "--read-only-tmpfs=false", "--tmpfs=/run:noexec")
    seen = run(*options, command=["sh", "-c", "id -u; umask"], env={"PUID": "1500", "UMASK": "027"})
    assert (seen.code, seen.stdout) == (0, "1500\n0027\n"), str(seen)


@ROWS.held_by("`--user`: PUID has no effect, volumes are yours to own")
def test_under_user_puid_has_no_effect_and_a_line_says_so(run, volume):
    folder = volume({"file": (0, 0)})
    options = ("--user=1500:1500", f"--volume={folder}:/config")
    seen = run(*options, command=["id", "-u"], env={"PUID": "1600", "PYDROP_CHOWN": "/config"})
    assert (seen.code, seen.stdout, owner(folder / "file")) == (0, "1500\n", (0, 0))
    assert "so PUID, PYDROP_CHOWN cannot be had" in seen.stderr


PID_1 = ["sh", "-c", "echo $$; grep Uid: /proc/1/status | cut -f2; true"]


@ROWS.held_by("`/init` is PID 1, as root")
@pytest.mark.parametrize(("init", "pid_1"), [("0", True), ("1", False)])
def test_pid_1_is_the_program_or_the_init_and_the_user_either_way(run, init, pid_1):
    pid, uid = run(command=PID_1, env={"PUID": "1500", "PYDROP_INIT": init}).stdout.split()
    assert (pid == "1", uid) == (pid_1, "1500")


@ROWS.held_by("the start's banner")
def test_a_start_is_one_line_and_at_warn_none(run):
    assert len(run(command=["true"]).stderr.splitlines()) == 1
    assert run(command=["true"], env={"PYDROP_LOG_LEVEL": "warn"}).stderr == ""


@ROWS.held_by("services in `/custom-services.d` and s6-rc.d", "`DOCKER_MODS`")
def test_services_and_mods_are_not_looked_at(run, tmp_path):
    service = tmp_path / "service"
    service.write_text("#!/bin/sh\necho service\n")
    service.chmod(0o755)
    places = ("/custom-services.d/service", "/etc/s6-overlay/s6-rc.d/svc-app/run")
    mounts = [f"--volume={service}:{place}:ro" for place in places]
    seen = run(*mounts, command=["echo", "the program"], env={"DOCKER_MODS": "somebody/mods:some"})
    assert (seen.code, seen.stdout, len(seen.stderr.splitlines())) == (0, "the program\n", 1), str(seen)


@pytest.mark.quick
def test_each_row_is_held():
    assert ROWS.held == set(ROWS.rows)
