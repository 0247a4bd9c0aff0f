"""The installed `pydrop` with hooks: what they leave in volumes, which groups they give, what runs inside them."""

import subprocess
from pathlib import Path

import pytest

from tests.faults.throwaway import APP, PYDROP, Throwaway

PASSWD = b"root:x:0:0:root:/root:/bin/sh\napp:x:1000:1000::/mnt/home:/bin/sh\nother:x:7:7::/mnt/other:/bin/sh\n"
GROUP = b"root:x:0:\nstaff:x:50:\napp:x:1000:\nother:x:7:\n"
ENV = {"PATH": f"{Path(PYDROP).parent}:/usr/sbin:/usr/bin:/sbin:/bin", "PUID": str(APP), "PGID": str(APP)}

Done = subprocess.CompletedProcess[bytes]


@pytest.fixture
def place(tmp_path: Path) -> Throwaway:
    return Throwaway(tmp_path, PASSWD, GROUP)


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
