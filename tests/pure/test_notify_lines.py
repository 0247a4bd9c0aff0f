"""Which lines of sd_notify(3) go on to the container's own manager: what a program says of itself, and nothing else."""

import pytest

from pydrop.pid1.readiness import passed_on

OWN_WORDS = ["STATUS=up", "STATUS=", "ERRNO=2", "BUSERROR=org.x.Y", "VARLINKERROR=org.x.Y", "WATCHDOG=1", "STATUS=a=b"]
THE_MANAGERS = [
    *("READY=1", "READY=0", "STOPPING=1", "RELOADING=1", "MONOTONIC_USEC=5"),  # init's own to say
    *("MAINPID=1", "MAINPIDFDID=5", "MAINPIDFD=1", "PIDFD=1"),
    *("FDSTORE=1", "FDSTOREREMOVE=1", "FDNAME=x", "FDPOLL=0"),
    *("NOTIFYACCESS=all", "NOTIFYACCESS=none", "BARRIER=1"),
    *("WATCHDOG=trigger", "WATCHDOG=0", "WATCHDOG=1 ", "WATCHDOG_USEC=1", "RESTART_RESET=1", "EXIT_STATUS=0"),
    *(
        "X_SYSTEMD_UNIT_ACTIVE=x",
        "X_MINE=1",
        "MEMORY_PRESSURE_WATCH=/x",
        "CPU=1",
        "",
        "nonsense",
        "=",
        "STATUS",
        "status=up",
    ),
    *(" STATUS=up", "\tSTATUS=up", "ERRNO", "NEWLY_INVENTED=1", "\udcff=1"),
]


@pytest.mark.parametrize("is_ready", [False, True])
def test_what_a_program_says_of_itself_is_passed_on(is_ready: bool) -> None:
    assert passed_on([*THE_MANAGERS, *OWN_WORDS], is_ready) == OWN_WORDS


def test_more_time_may_be_asked_for_until_it_is_ready() -> None:
    """A database that recovers needs it; how long a stop may take is init's to say."""
    line = "EXTEND_TIMEOUT_USEC=30000000"
    assert (passed_on([line], False), passed_on([line], True)) == ([line], [])
