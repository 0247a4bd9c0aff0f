"""The life of one command as a table: what is done about each event in each state."""

from itertools import product
from typing import Any

import pytest

from pydrop.lifecycle import AGAIN, MOST_KILLS, TABLE, Action, Lifecycle
from pydrop.process import Supervision

HUP, INT, QUIT, KILL, USR1, USR2, TERM, CHLD, CONT, STOP, TSTP, TTIN, TTOU, WINCH, RTMIN = (
    *(1, 2, 3, 9, 10, 12, 15, 17, 18, 19, 20, 21, 22, 28, 34),
)


def told(signal: int, group: bool = False) -> Action:
    return Action(do="pass", signal=signal, group=group)


def rest(signal: int) -> Action:
    return Action(do="send rest", signal=signal)


def waits(seconds: "float | None", or_sooner: bool = False) -> Action:
    return Action(do="wait", seconds=seconds, or_sooner=or_sooner)


def ends(code: int) -> list[Action]:
    return [Action(do="exit", code=code)]


RESUMED = [Action(do="foreground"), told(CONT, group=True)]


def life(*events: "tuple[str, int] | str", pid_1: bool = True, **asked: Any) -> Lifecycle:
    """A life in which these events have been."""
    made = Lifecycle(Supervision(**asked), pid_1)
    for event in events:
        made.on(*((event,) if isinstance(event, str) else event))
    return made


# -- signals ---------------------------------------------------------------------------------------

ORDINARY = [n for n in (*range(1, 32), *range(34, 65)) if n not in (TERM, CONT, TSTP, TTIN, TTOU, KILL, STOP)]


def test_every_signal_that_can_be_caught_is_passed_on_once() -> None:
    assert {number: life().on("signal", number) for number in ORDINARY} == {
        number: [told(number)] for number in ORDINARY
    }


@pytest.mark.parametrize("number", [USR1, WINCH, RTMIN])
def test_signal_group_passes_it_to_the_whole_group(number: int) -> None:
    assert life(group=True).on("signal", number) == [told(number, group=True)]


REWRITES = [
    # rewrite, what comes, what is done
    (((USR1, USR2),), USR1, [told(USR2)]),
    (((USR1, 0),), USR1, []),
    (((USR1, USR2),), USR2, [told(USR2)]),
    (((USR1, TSTP),), USR1, [told(TSTP, group=True)]),
    (((USR1, CONT),), USR1, RESUMED),
    (((TERM, 0),), TERM, []),
    (((TERM, QUIT),), TERM, [told(QUIT), waits(10.0)]),
    (((USR1, TERM),), USR1, [told(TERM)]),
]


@pytest.mark.parametrize(("rewrite", "number", "done"), REWRITES)
def test_a_signal_is_rewritten(rewrite: "tuple[tuple[int, int], ...]", number: int, done: list[Action]) -> None:
    """To another one, or to none. TERM asks for a stop whatever it becomes, but for 0; what becomes TERM does not."""
    assert life(rewrite=rewrite).on("signal", number) == done


@pytest.mark.parametrize("number", [TSTP, TTIN, TTOU])
def test_a_stop_signal_goes_to_the_group_and_cont_too(number: int) -> None:
    made = life()
    assert made.on("signal", number) == [told(number, group=True)]
    assert made.on("signal", CONT) == RESUMED


# -- stopping --------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [TERM, QUIT])
def test_a_stop_sends_the_stop_signal_and_sets_the_timeout(number: int) -> None:
    """TERM asks for a stop, and so does the stop signal itself, which an image's STOPSIGNAL makes the runtime send."""
    made = life(stop_signal=QUIT, stop_timeout=30.0)
    assert made.on("signal", number) == [told(QUIT), waits(30.0)]
    assert made.state == "stopping"


def test_a_second_stop_is_passed_on_and_gives_no_more_time() -> None:
    assert life(("signal", TERM)).on("signal", TERM) == [told(TERM)]


def test_a_stop_without_timeout_waits_for_ever() -> None:
    assert life(stop_timeout=None).on("signal", TERM) == [told(TERM), waits(None)]


def test_other_signals_are_passed_on_while_it_stops() -> None:
    assert life(("signal", TERM)).on("signal", USR1) == [told(USR1)]


def test_a_stopped_command_is_continued_to_hear_of_the_stop() -> None:
    assert life(("signal", TSTP), ("stopped", TSTP)).on("signal", TERM) == [told(TERM), *RESUMED, waits(10.0)]


@pytest.mark.parametrize("pid_1", [True, False])
def test_a_command_that_is_found_stopped_while_it_stops_is_continued(pid_1: bool) -> None:
    """The word that it was stopped may come behind the TERM that it does not see."""
    assert life(("signal", TSTP), ("signal", TERM), pid_1=pid_1).on("stopped", TSTP) == RESUMED


def test_when_the_stop_timeout_is_over_all_that_is_left_is_named_and_killed() -> None:
    made = life(("signal", TERM))
    named, again = made.on("timeout")
    assert (named.do, named.signal, named.late) == ("send rest", KILL, "the stop timeout is over")
    assert again == waits(AGAIN)
    assert made.on("ended", 137) == [rest(KILL), waits(AGAIN)]
    assert made.on("empty") == ends(137)


def test_what_cannot_be_killed_is_left_to_the_kernel() -> None:
    """A process stuck in the kernel must not keep pydrop for ever."""
    made = life(("signal", TERM), "timeout")
    for _ in range(MOST_KILLS - 1):
        assert made.on("timeout") == [rest(KILL), waits(AGAIN)]
    assert made.on("timeout") == ends(137)


# -- the end ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", [0, 1, 77, 125, 126, 127, 137, 143, 255])
def test_the_exit_code_is_the_commands(code: int) -> None:
    made = life()
    assert made.on("ended", code) == [rest(TERM), waits(3.0)]
    assert made.on("empty") == ends(code)
    assert made.state == "gone"


def test_an_exit_code_can_be_mapped() -> None:
    made = life(("ended", 143), exit_codes=((143, 0), (1, 2)))
    assert made.on("empty") == ends(0)


def test_what_is_left_behind_gets_term_a_grace_and_kill() -> None:
    made = life(("ended", 7), kill_grace=1.5)
    named, again = made.on("timeout")
    assert (named.signal, again) == (KILL, waits(AGAIN))
    assert "left this behind" in named.late
    assert made.on("timeout") == [rest(KILL), waits(AGAIN)]
    assert made.on("empty") == ends(7)


def test_the_grace_ends_with_the_stop_timeout_where_that_is_sooner() -> None:
    assert life(("signal", TERM)).on("ended", 0) == [rest(TERM), waits(3.0, or_sooner=True)]


def test_an_init_that_does_not_clear_ends_with_its_command() -> None:
    """By the names of tini and dumb-init, where it is not PID 1."""
    assert life(clears=False).on("ended", 3) == ends(3)
    assert life(("signal", TERM), clears=False, stop_timeout=None).on("ended", 143) == ends(143)


@pytest.mark.parametrize(
    ("rewrite", "sent"),
    [((), [told(TERM, group=True)]), (((TERM, QUIT),), [told(QUIT, group=True)]), (((TERM, 0),), [])],
)
def test_dumb_init_sends_the_commands_group_what_it_has_for_term(
    rewrite: "tuple[tuple[int, int], ...]", sent: list[Action]
) -> None:
    """And does not wait for it."""
    assert life(clears=False, ends_group=True, rewrite=rewrite).on("ended", 3) == [*sent, *ends(3)]


def test_what_is_cleared_needs_no_signal_to_the_group_besides() -> None:
    assert life(ends_group=True).on("ended", 3) == [rest(TERM), waits(3.0)]


@pytest.mark.parametrize("number", [TERM, USR1, TSTP, CONT])
def test_nobody_is_signalled_when_the_command_is_gone(number: int) -> None:
    assert life(("ended", 0)).on("signal", number) == []


def test_no_process_at_all_means_nothing_while_the_command_lives() -> None:
    """It cannot be; and if it were, the exit code would be lost."""
    assert life().on("empty") == []


# -- job control -----------------------------------------------------------------------------------


def test_a_terminals_stop_stops_pydrop_too_where_a_shell_is_above() -> None:
    made = life(pid_1=False)
    assert made.on("stopped", TSTP) == [Action(do="pause", signal=TSTP)]
    assert made.on("signal", CONT) == RESUMED


def test_where_no_shell_is_above_the_command_goes_on() -> None:
    assert life(("stopped", TSTP), pid_1=False).on("unpausable") == RESUMED


def test_pid_1_continues_what_a_terminal_stopped_since_nobody_else_could() -> None:
    assert life().on("stopped", TSTP) == RESUMED


def test_pid_1_leaves_stopped_what_it_was_asked_to_stop() -> None:
    """`docker kill -s TSTP`: the tree stops, and goes on with CONT."""
    made = life(("signal", TSTP))
    assert made.on("stopped", TSTP) == []
    assert made.on("signal", CONT) == RESUMED


@pytest.mark.parametrize(("pid_1", "number"), [(True, STOP), (False, STOP), (True, TTIN)])
def test_other_stops_are_left_to_who_sent_them(pid_1: bool, number: int) -> None:
    """A debugger's, say. A background read that PID 1 continued would stop at once again, for ever."""
    assert life(pid_1=pid_1).on("stopped", number) == []


@pytest.mark.parametrize("number", [TSTP, TTIN, TTOU])
def test_a_session_of_its_own_is_stopped_by_what_the_kernel_never_ignores(number: int) -> None:
    """Nobody could continue an orphaned group that a job's signal had stopped, so the kernel ignores that there."""
    made = life(session=True, group=True, pid_1=False)
    assert made.on("signal", number) == [told(STOP, group=True)]
    assert made.on("stopped", STOP) == [Action(do="pause", signal=STOP)]
    assert made.on("signal", CONT) == RESUMED


def test_pid_1_leaves_a_session_stopped_until_cont() -> None:
    made = life(("signal", TSTP), session=True, group=True)
    assert made.on("stopped", STOP) == []
    assert made.on("signal", CONT) == RESUMED


def test_what_stands_in_for_a_stop_stops_nothing() -> None:
    """`dumb-init --rewrite 20:3`: the command gets QUIT, and pydrop goes on."""
    made = life(session=True, group=True, rewrite=((TSTP, QUIT), (TTIN, 0)), pid_1=False)
    assert made.on("signal", TSTP) == [told(QUIT, group=True)]
    assert made.on("signal", TTIN) == []
    assert made.on("stopped", STOP) == []


# -- readiness -------------------------------------------------------------------------------------

READY, STOPPING = Action(do="ready"), Action(do="stopping")


def test_ready_is_told_once() -> None:
    made = life()
    assert made.on("ready") == [READY]
    assert made.on("ready") == []


def test_that_it_stops_is_told_before_the_command_is() -> None:
    assert life("ready").on("signal", TERM) == [STOPPING, told(TERM), waits(10.0)]
    assert life("ready").on("ended", 0) == [STOPPING, rest(TERM), waits(3.0)]


def test_that_it_stops_is_told_once_and_only_of_what_was_ready() -> None:
    assert life("ready", ("signal", TERM)).on("ended", 0)[0] == rest(TERM)
    assert life(("signal", TERM)).on("ready") == []
    assert life().on("ended", 0)[0] == rest(TERM)


# -- the table as a whole --------------------------------------------------------------------------

EVENTS = ("signal", "stopped", "unpausable", "ready", "ended", "empty", "timeout")


def test_every_event_in_every_state_leads_to_a_state() -> None:
    for state, event, pid_1 in product(TABLE, EVENTS, (True, False)):
        made = Lifecycle(Supervision(), pid_1)
        made.state = state
        actions = made.on(event, TERM)
        what = f"{event} in {state}, PID 1: {pid_1}: {made.state}, {actions}"
        assert made.state in TABLE, what
        assert all(isinstance(action, Action) for action in actions), what
        assert (made.state == "gone") == (state == "gone" or actions[-1:] == ends(made.code)), what


def test_the_table_knows_no_other_event() -> None:
    assert {event for row in TABLE.values() for event in row} == set(EVENTS)
