"""A file rewritten where it is, killed at every write and at every page of every write."""

import random

import pytest

from pydrop.accounts import accounts, passwd_with
from pydrop.accounts.in_place_journal import BEGIN, END, settled, writes
from pydrop.model import Account, AccountChange, Group

pytestmark = pytest.mark.python  # bytes that are no UTF-8

PAGE = 16  # so small that every write is torn in many places
MANY = "".join([f"user{n}:x:{n}:{n}:Number {n}:/home/user{n}:/bin/sh\n" for n in range(1, 12)])


def wanted(uid: int = 1500, name: str = "app") -> AccountChange:
    return AccountChange(
        account=Account(name=name, uid=uid, gid=uid, home="/home/app", shell="/bin/sh"),
        group=Group(name=name, gid=uid),
    )


TEXTS = {
    "made at the end": ("root:x:0:0::/:/bin/sh\n", wanted()),
    "made at the end of many": (MANY, wanted()),
    "made after a missing newline": (MANY.rstrip("\n"), wanted()),
    "made before one of the same number": (MANY, wanted(5)),
    "made in an empty file": ("", wanted()),
    "longer number": ("app:x:9:9::/:/bin/sh\n" + MANY, wanted()),
    "longer number, last, no newline": (MANY + "app:x:9:9::/:/bin/sh", wanted()),
    "shorter number": ("app:x:99999:99999::/:/bin/sh\n" + MANY, wanted(7_000)),
    "shorter number, last, no newline": (MANY + "app:x:99999:99999::/:/bin/sh", wanted(7_000)),
    "moved up": (MANY + "app:x:9:9::/:/bin/sh\n", wanted(3)),
    "odd lines": ("# a comment\n\n\r\nodd\n" + MANY + "\n# b\napp:x:9:9::/:/bin/sh\r\n\udcff\udcfe\n\n", wanted(2)),
}


def state(text: str) -> bytearray:
    return bytearray(text.encode("utf-8", "surrogateescape"))


def apply(file: bytearray, offset: int, data: bytes) -> None:
    if len(file) < offset + len(data):
        file.extend(b"\0" * (offset + len(data) - len(file)))
    file[offset : offset + len(data)] = data


def torn(offset: int, data: bytes) -> list[bytes]:
    """The beginnings of a write that end where a page does, and the whole."""
    ends = [page - offset for page in range(offset - offset % PAGE + PAGE, offset + len(data), PAGE)]
    return [data[:end] for end in [*ends, len(data)]]


def killed(old: str, new: str) -> list[str]:
    """The file's text after every kill that can happen, the last one only just before it is cut."""
    whole = settled(old)
    old = whole if old.startswith(whole) else old  # cut, which is one call
    file = state(old)
    texts = [old]
    prepare, change = writes(old, new, PAGE)
    for offset, data in prepare + change:
        for part in torn(offset, data):
            trial = bytearray(file)
            apply(trial, offset, part)
            texts.append(trial.decode("utf-8", "surrogateescape"))
        apply(file, offset, data)
    assert file[: len(state(new))] == state(new)
    return texts


@pytest.mark.parametrize("case", TEXTS)
def test_after_any_kill_every_line_is_whole_and_every_account_is_there(case: str) -> None:
    old, change = TEXTS[case]
    new = passwd_with(old, change)
    whole = set(old.split("\n")) | set(new.split("\n"))
    others = [account for account in accounts(old) if account.name != change.account.name]
    for text in killed(old, new):
        assert "\0" not in text
        for line in text.split("\n"):
            assert line in whole or not line.strip() or line.startswith("#"), (case, line)
        assert [account for account in others if account not in accounts(text)] == []
        assert any(account.name == "app" for account in accounts(text)) or "app" not in old


@pytest.mark.parametrize("case", TEXTS)
def test_after_any_kill_the_next_start_makes_it_what_it_was_to_be(case: str) -> None:
    old, change = TEXTS[case]
    new = passwd_with(old, change)
    for text in killed(old, new):
        after = passwd_with(text, change)
        assert after.rstrip("\n") == new.rstrip("\n"), text
        assert BEGIN not in after
        assert END not in after


@pytest.mark.parametrize("case", TEXTS)
def test_a_start_that_is_killed_while_it_mends_is_mended_by_the_next(case: str) -> None:
    old, change = TEXTS[case]
    new = passwd_with(old, change)
    dice = random.Random(case)
    for text in dice.sample(killed(old, new), k=min(5, len(killed(old, new)))):
        second = passwd_with(text, change)
        for again in killed(text, second) if text != second else []:
            assert passwd_with(again, change).rstrip("\n") == new.rstrip("\n")


def any_two(seed: int) -> tuple[str, str]:
    """Two texts of account files, made of the same lines."""
    dice = random.Random(seed)
    lines = [f"l{n}:x:{dice.randrange(10 ** dice.randrange(1, 9))}:::/{'y' * dice.randrange(99)}:" for n in range(9)]
    old = "\n".join(dice.choices(["", "# c", *lines], k=dice.randrange(9))) + dice.choice(["", "\n"])
    new = "\n".join(dice.choices(["", "# c", *lines], k=dice.randrange(9))) + dice.choice(["", "\n"])
    return old, new


def test_any_text_can_become_any_other() -> None:
    """Also where lines are lost or shortened, which no change of an account does."""
    for seed in range(200):
        old, new = any_two(seed)
        for text in killed(old, new):
            whole = settled(text).rstrip("\n")
            assert whole in (old.rstrip("\n"), new.rstrip("\n")), f"{old!r} to {new!r}, killed at {text!r}"


def test_one_line_more_within_a_page_is_one_write() -> None:
    old = "root:x:0:0::/:/bin/sh\n"
    assert writes(old, old + "app:x:1:1::/:\n") == ([], [(len(old), b"app:x:1:1::/:\n")])


def test_a_text_that_only_loses_its_end_is_only_cut() -> None:
    assert writes("a\nb\n", "a\n") == ([], [])


@pytest.mark.parametrize(
    "text",
    [
        "",
        "root:x:0:0::/:/bin/sh\n",
        f"a:x:1:1:{BEGIN}:/:\n",
        f"# not at the {BEGIN}1 of 2 until\n",
        f"{END}\na\n",
    ],
)
def test_a_text_without_a_rewriting_is_settled_as_it_is(text: str) -> None:
    assert settled(text) is text


@pytest.mark.parametrize("words", ["x of y", "0 of 99999999 until", "1", "", "2 of 1 until", "99999999999 of 1 until"])
def test_a_begin_that_pydrop_did_not_write_is_taken_out_alone(words: str) -> None:
    """Where others may write the file, they must not hold up root's start with it."""
    assert settled(f"a\n{BEGIN}{words}\nb\n") == "a\nb\n"


def test_only_so_many_forged_begins_are_looked_at() -> None:
    assert settled(f"a\n{BEGIN}\n" * 10_000).count(BEGIN) == 10_000 - 20
