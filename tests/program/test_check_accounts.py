"""`pydropctl check` of the file that is in force says which accounts and groups the image does not have."""

import json
from pathlib import Path

import pytest

from tests.faults.throwaway import PYDROP, Throwaway

CTL = f"{PYDROP}ctl"
ENV = {"PATH": "/usr/bin:/bin"}


@pytest.fixture
def place(tmp_path: Path) -> Throwaway:
    return Throwaway(tmp_path)


def problems(place: Throwaway, text: str, *words: str, **env: str) -> "list[tuple[str, str, int]]":
    (place.folder / "etc/pydrop.toml").write_text(text)
    done = place.run(CTL, "check", "--json", *words, env=ENV | env)
    found = json.loads(done.stdout)["problems"]
    assert done.returncode == (1 if found else 0)
    return [(each["key"], f"{each['problem']}; {each['remedy']}", each["line"]) for each in found]


FAULTS = {  # file -> key, line, words
    'user = "wbe"': ("user", 1, "the image has no account 'wbe'"),
    '# one\nuser = "ap"': ("user", 2, "the image has no account 'ap'; did you mean app?"),
    'user = "app:stuff"': ("user", 1, "the image has no group 'stuff'"),
    'user = ":stuff"': ("user", 1, "the image has no group 'stuff'"),
    'groups = ["adm", "vidoe"]': ("groups", 1, "the image has no group 'vidoe'"),
    'user = "app"\ngroups = ["render"]': ("groups", 2, "the image has no group 'render'"),
    'user = "${RUN_AS:-wbe}"': ("user", 1, "the image has no account 'wbe'"),
}


@pytest.mark.parametrize("text", FAULTS)
def test_a_name_that_the_image_does_not_have(place: Throwaway, text: str) -> None:
    key, line, words = FAULTS[text]
    found = problems(place, text)
    assert [(each[0], each[2]) for each in found] == [(key, line)], found
    assert words.partition(";")[0] in found[0][1]
    assert words.rpartition(" ")[2].strip("?") in found[0][1]


GOOD = {
    'user = "app"': {},
    'user = "app:adm"\ngroups = ["staff", 4242]': {},
    'user = "4242"': {},
    'user = "new"\npuid = 1500': {},
    'user = "new"\nowner-of = "/data"': {},
    'user = "new"': {"PUID": "1500"},
    'chown = ["/data"]': {},
}


@pytest.mark.parametrize("text", GOOD)
def test_what_a_start_can_do_is_no_problem(place: Throwaway, text: str) -> None:
    assert problems(place, text, **GOOD[text]) == []


def test_a_file_elsewhere_may_be_of_another_image(place: Throwaway) -> None:
    (place.folder / "other.toml").write_text('user = "wbe"\n')
    assert problems(place, "", "/mnt/other.toml") == []
    assert len(problems(place, "", "/mnt/other.toml", PYDROP_CONFIG="/mnt/other.toml")) == 1
    assert problems(place, 'user = "wbe"\n', "--content-only") == []


@pytest.mark.parametrize("content", [b"", b"\xff\0:::\n", b"wbe:x:1:1"])
def test_account_files_of_any_form_are_no_crash(place: Throwaway, content: bytes) -> None:
    (place.folder / "etc/passwd").write_bytes(content)
    (place.folder / "etc/group").unlink()
    assert all(key in ("user", "groups") for key, _, _ in problems(place, 'user = "wbe"\ngroups = ["x"]'))
