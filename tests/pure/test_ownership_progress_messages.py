"""What is told of a volume that takes its time: which words, and when."""

import pytest

from pydrop.model import Volume
from pydrop.perform.ownership.progress import Progress
from pydrop.perform.ownership.progress_messages import ProgressMessages, hint, waiting, working

DATA = Volume(path="/data")


def at(seconds, looked_at=1000, changed=10, part=0.0, waiting=False, volume=DATA):
    return Progress(
        volume=volume, looked_at=looked_at, changed=changed, part=part, waiting=waiting, seconds=float(seconds)
    )


def told(*progresses, dry=False):
    """What is shown for these, as (line, whether due), and what is noted."""
    shown: list[tuple[str, bool]] = []
    noted: list[str] = []
    telling = ProgressMessages(lambda line, due: shown.append((line, due)), noted.append, dry)
    for progress in progresses:
        telling(progress)
    return shown, noted


def tenths(end, start=1, **more):
    """The engine's rhythm: about ten times a second."""
    return [at(tenth / 10, **more) for tenth in range(start, round(end * 10) + 1)]


# -- the rhythm ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("seconds", "due"),
    [(0.5, []), (1.9, []), (2.0, [2]), (6.9, [2]), (7.0, [2, 7]), (12.0, [2, 7, 12]), (21, [2, 7, 12, 17])],
)
def test_a_line_is_due_after_two_seconds_and_then_every_five(seconds, due):
    telling = []
    shown = []
    speak = ProgressMessages(lambda _line, is_due: shown.append(is_due), lambda _text: None)
    for progress in tenths(seconds):
        shown.clear()
        speak(progress)
        telling += [progress.seconds] if True in shown else []
    assert telling == due


def test_between_them_every_tick_is_shown_to_who_has_a_live_line():
    shown, _ = told(*tenths(4))
    assert len(shown) == 21  # from 2.0 to 4.0
    assert [due for _, due in shown].count(True) == 1


def test_ticks_that_stay_out_are_not_made_up_for():
    """A walk that hangs in one call of the kernel for half a minute is one line behind it, not six."""
    shown, _ = told(at(2.5), at(33), at(33.1), at(36.9), at(37.2))
    assert [due for _, due in shown] == [True, True, False, False, True]


def test_the_hint_is_told_once():
    assert told(*tenths(30))[1] == ["/data takes a while; the policy on-root-mismatch would skip this next time"]


@pytest.mark.parametrize("policy", ["on-root-mismatch", "unless-writable", "top", "never"])
def test_no_hint_where_it_would_not_be_true(policy):
    assert told(*tenths(3, volume=Volume(path="/data", policy=policy)))[1] == []


def test_no_hint_for_the_home_of_an_account_that_got_other_numbers():
    """The next start does not walk it anyway."""
    assert told(*tenths(3, volume=Volume(path="/home/app", former=(999, 999))))[1] == []


def test_a_look_without_changes_does_not_hint_at_the_next_time():
    assert told(*tenths(3), dry=True)[1] == []


# -- waiting ---------------------------------------------------------------------------------------


def test_waiting_is_said_once():
    shown, noted = told(*tenths(30, waiting=True))
    assert [line for line, due in shown if due] == ["another container is working on /data; waiting for it"]
    assert {line for line, _ in shown} == {waiting(DATA)}
    assert noted == []


def test_waiting_for_less_than_two_seconds_is_not_worth_a_word():
    assert told(*tenths(1.9, waiting=True), *tenths(3.8, start=20)) == ([], [])


def test_after_waiting_the_rhythm_begins_anew_and_the_rate_is_that_of_the_work():
    """Else a second container that finds nothing to do would be told to be slow."""
    shown, _ = told(*tenths(10, waiting=True), *tenths(17, start=101, looked_at=600))
    due = [line for line, is_due in shown if is_due]
    assert due == [
        "another container is working on /data; waiting for it",
        "600 entries looked at, 10 changed, 300 a second in /data",
        "600 entries looked at, 10 changed, 86 a second in /data",
    ]


# -- the words -------------------------------------------------------------------------------------

WORDS = {
    "nothing known of the rest": (
        at(4, 312000, 2000),
        "312000 entries looked at, 2000 changed, 78000 a second in /data",
    ),
    "a part known": (
        at(4, 312000, 2000, 0.459),
        "312000 entries looked at, 2000 changed, 78000 a second; /data is done to about 45%",
    ),
    "one": (at(4, 1, 0), "1 entry looked at, 0 changed, 0 a second in /data"),
    "none": (at(2, 0, 0), "0 entries looked at, 0 changed, 0 a second in /data"),
    "all": (at(2, 8, 8, 1.0), "8 entries looked at, 8 changed, 4 a second; /data is done to about 100%"),
}


@pytest.mark.parametrize("case", WORDS)
def test_the_words(case):
    progress, words = WORDS[case]
    assert working(progress, progress.seconds) == words


def test_a_look_without_changes_says_so():
    assert ", 10 to change, " in working(at(2), 2.0, dry=True)
    assert told(at(2), dry=True)[0][0][0] == working(at(2), 2.0, dry=True)


def test_the_path_is_in_every_one():
    odd = Volume(path="/x\ny")
    assert all("/x\ny" in words for words in (hint(odd), waiting(odd), working(at(2, volume=odd), 2.0)))
