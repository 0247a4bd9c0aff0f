"""The installed `pydrop` with hooks: what they leave in volumes, which groups they give, what runs inside them."""

import subprocess
from pathlib import Path

import pytest

from tests.faults.throwaway import APP, PYDROP, Throwaway

PASSWD = b"root:x:0:0:root:/root:/bin/sh\napp:x:1000:1000::/mnt/home:/bin/sh\nother:x:7:7::/mnt/other:/bin/sh\n"
GROUP = b"root:x:0:\nstaff:x:50:\napp:x:1000:\nother:x:7:\n"
ENV = {"PATH": f"{Path(PYDROP).parent}:/usr/sbin:/usr/bin:/sbin:/bin", "PUID": str(APP), "PGID": str(APP)}

KINDS = ("auth", "account", "password", "session")  # of pam(7), for su

Done = subprocess.CompletedProcess[bytes]


@pytest.fixture
def place(tmp_path: Path) -> Throwaway:
    made = Throwaway(tmp_path, PASSWD, GROUP)
    (tmp_path / "etc/pam.d").mkdir()
    for name in ("su", "su-l"):
        (tmp_path / "etc/pam.d" / name).write_text("".join(f"{kind} required pam_permit.so\n" for kind in KINDS))
    return made


def add(place: Throwaway, folder: str = "pydrop.d", /, **bodies: str) -> None:
    """Hooks of a folder in /etc, by name; their order is that of the names."""
    made = place.folder / "etc" / folder
    made.mkdir(exist_ok=True)
    for name, body in bodies.items():
        (made / name).write_text(f"#!/bin/sh\n{body}\n")
        (made / name).chmod(0o755)


def start(place: Throwaway, *words: str, **env: str) -> Done:
    return place.run(PYDROP, *words, env=ENV | env)


def owners(folder: Path) -> set[tuple[int, int]]:
    return {(status.st_uid, status.st_gid) for status in (path.lstat() for path in (folder, *folder.rglob("*")))}


# -- root's hooks ----------------------------------------------------------------------------------


@pytest.mark.python
@pytest.mark.parametrize("policy", ["mismatch", "on-root-mismatch", "unless-writable"])
def test_what_a_hook_puts_into_a_volume_is_the_programs_at_this_very_start(place: Throwaway, policy: str) -> None:
    """The commonest pattern there is: copy the defaults where the volume is empty."""
    (place.folder / "data").mkdir()
    add(place, defaults="[ -e /mnt/data/conf ] || { mkdir -p /mnt/data/conf/d; echo x >/mnt/data/conf/d/file; }")
    done = start(place, "sh", "-c", "echo more >>/mnt/data/conf/d/file", PYDROP_CHOWN=f"/mnt/data:{policy}")
    assert done.returncode == 0, done
    assert owners(place.folder / "data") == {(APP, APP)}


@pytest.mark.parametrize(
    "body",
    [
        "groupadd -g 105 render && usermod -aG render app",
        "echo render:x:105:app >>/etc/group",
        "(addgroup --gid 105 render && adduser app render) >&2",
    ],
)
def test_groups_that_a_hook_gives_the_account_count(place: Throwaway, body: str) -> None:
    add(place, groups=body)
    done = start(place, "id", "-G")
    assert (done.returncode, done.stdout.split()) == (0, [b"1500", b"105"]), done


def test_other_numbers_that_a_hook_gives_the_account_are_ignored_with_a_warning(place: Throwaway) -> None:
    add(place, number="sed -i 's/^app:x:1500:1500:/app:x:2000:2000:/' /etc/passwd")
    done = start(place, "id", "-u")
    assert done.stdout == b"1500\n"
    assert b"set PUID=2000 and PGID=2000 instead" in done.stderr


def test_a_hook_unsets_a_variable_for_the_program(place: Throwaway) -> None:
    add(place, unset="""printf "GONE\\nTEXT='one\\ntwo'\\n" >>"$PYDROP_ENV" """)
    done = start(place, "sh", "-c", 'echo "${GONE-unset} $TEXT"', GONE="here")
    assert done.stdout == b"unset one\ntwo\n", done


# -- pydrop inside a hook --------------------------------------------------------------------------

COUNTED = "echo ran >>/mnt/count\n"
INSIDE = {
    "by its name": "pydrop id -u >/mnt/out",
    "through shells": "sh -c 'sh -c \"pydrop id -u >/mnt/out; true\"; true'",
    "without an environment": f"env -i {PYDROP} /usr/bin/id -u >/mnt/out",
    "through su": f"su - root -c '{PYDROP} id -u >/mnt/out'",
    "in a session of its own": "setsid --wait pydrop id -u >/mnt/out",
    "in the background": "pydrop id -u >/mnt/out & wait",
    "by exec": "exec pydrop id -u >/mnt/out",
    "in another mount namespace": "unshare -m pydrop id -u >/mnt/out",
    "in a PID namespace below": "unshare -pf pydrop id -u >/mnt/out",
    "by Python": f"{PYDROP.rpartition('/')[0]}/python3 -I -m pydrop id -u >/mnt/out",
    "as init": "pydrop --init id -u >/mnt/out",
    "twice": "pydrop true; pydrop pydrop id -u >/mnt/out",
    "from a program that is the user already": "pydrop sh -c 'pydrop id -u' >/mnt/out",
}


ONLY_BY_PIP = [pytest.param(how, marks=pytest.mark.pip) for how in INSIDE if how == "by Python"]


@pytest.mark.parametrize("how", [*[how for how in INSIDE if how != "by Python"], *ONLY_BY_PIP])
def test_pydrop_inside_a_hook_runs_the_command_as_the_programs_user_and_no_hook(place: Throwaway, how: str) -> None:
    add(place, a=COUNTED, b=INSIDE[how])
    done = start(place, "true")
    assert done.returncode == 0, done
    assert (place.folder / "out").read_text() == f"{APP}\n"
    assert (place.folder / "count").read_text() == "ran\n"


@pytest.mark.parametrize(
    "around", [("sh", "-c", '"$@"; exit $?', "sh"), ("tini", "-s", "--"), (PYDROP, "--init"), ("env", "PYDROP_INIT=1")]
)
def test_so_it_is_where_the_start_is_not_process_1_and_in_init_mode(place: Throwaway, around: tuple[str, ...]) -> None:
    add(place, a=COUNTED, b="pydrop id -u >/mnt/out; env -i $(command -v pydrop) /usr/bin/id -u >>/mnt/out")
    words = (*around, "id", "-u") if PYDROP in around else (*around, PYDROP, "id", "-u")
    done = place.run(*words, env=ENV)
    assert (done.returncode, done.stdout) == (0, b"1500\n"), done
    assert (place.folder / "out").read_text() == "1500\n1500\n"
    assert (place.folder / "count").read_text() == "ran\n"


def test_a_command_inside_a_hook_has_the_programs_environment_so_far(place: Throwaway) -> None:
    """Also what root's hook does not get; and what the hook itself has set or changed."""
    show = "sh -c 'echo $HOME $USER $ADDED ${GONE-gone} $PYTHONPATH $OWN $KEPT ${PYDROP_ENV-none} $PWD'"
    add(place, a='printf "ADDED=1\\nGONE\\n" >>"$PYDROP_ENV"', b=f"OWN=own KEPT=changed pydrop {show} >/mnt/out")
    add(place, c=f"cd /mnt; env -i {PYDROP} /bin/{show} >>/mnt/out")
    done = start(place, "true", GONE="here", PYTHONPATH="/mnt/users", KEPT="kept", HOME="/root")
    assert done.returncode == 0, done
    first, second = (place.folder / "out").read_text().splitlines()
    assert first == "/mnt/home app 1 gone /mnt/users own changed none /"
    assert second == "/mnt/home app 1 gone /mnt/users kept none /mnt"


def test_a_command_inside_a_hook_finds_secrets_and_is_as_confined_as_the_program(place: Throwaway) -> None:
    (place.folder / "secret").write_text("hidden\n")
    look = "sh -c 'echo $TOKEN; umask; grep -E \"^(Cap|NoNew|Groups|Uid|Gid)\" /proc/self/status'"
    add(place, a=f"pydrop {look} >/mnt/out")
    done = start(place, *look.split(" ", 2)[:2], look.split("'")[1], FILE__TOKEN="/mnt/secret", PYDROP_UMASK="027")
    assert done.returncode == 0, done
    assert (place.folder / "out").read_bytes() == done.stdout
    assert done.stdout.startswith(b"hidden\n0027\n")


def test_an_option_inside_a_hook_names_somebody_else_and_no_account_is_changed(place: Throwaway) -> None:
    add(place, a="cp /etc/passwd /mnt/before; pydrop --user other sh -c 'id -u; echo $HOME $USER' >/mnt/out")
    add(place, b="pydrop --user 4242 id >>/mnt/out; cmp /etc/passwd /mnt/before")
    done = start(place, "true")
    assert done.returncode == 0, done
    assert (place.folder / "out").read_text() == "7\n/mnt/other other\nuid=4242 gid=4242 groups=4242\n"


def test_a_compatibility_name_inside_a_hook_is_that_tool(place: Throwaway) -> None:
    (place.folder / "gosu").symlink_to(PYDROP)
    add(place, a=COUNTED, b="/mnt/gosu other id -u >/mnt/out; env -i /mnt/gosu 8:9 /usr/bin/id -u >>/mnt/out")
    assert start(place, "true").returncode == 0
    assert (place.folder / "out").read_text() == "7\n8\n"
    assert (place.folder / "count").read_text() == "ran\n"


def test_a_failing_command_inside_a_hook_ends_with_its_own_code(place: Throwaway) -> None:
    add(place, a="pydrop sh -c 'exit 9'")
    assert start(place, "true").returncode == 9


def test_a_hook_without_a_place_for_the_lock_knows_its_start_too(place: Throwaway) -> None:
    """A read-only /run: nothing can be left there. The start says what follows."""
    add(place, a=COUNTED, b="pydrop id -u >/mnt/out")
    read_only = 'mount -o remount,bind,ro /run && exec "$@"'
    done = place.run("sh", "-c", read_only, "sh", PYDROP, "true", env=ENV)
    assert done.returncode == 0, done
    assert (place.folder / "out").read_text() == f"{APP}\n"
    assert (place.folder / "count").read_text() == "ran\n"
    assert b"no record of this start can be kept" in done.stderr


def test_where_the_start_cannot_be_looked_at_it_is_an_error_and_no_start(place: Throwaway) -> None:
    add(place, a=COUNTED, b="setpriv --bounding-set -all,+setuid,+setgid pydrop true; echo $? >/mnt/out; exit 0")
    done = start(place, "true")
    assert done.returncode == 0, done
    assert (place.folder / "out").read_text() == "125\n"
    assert b"may not look at the start that runs it; run it with the hook's own capabilities" in done.stderr
    assert (place.folder / "count").read_text() == "ran\n"
