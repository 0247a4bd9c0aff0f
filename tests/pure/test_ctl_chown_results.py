"""What `pydropctl chown` says of a volume, for reports that are hard to come by."""

from errno import EACCES, EPERM

import pytest

from pydrop.ctl.chown_results import Result, duration
from pydrop.model import Volume
from pydrop.perform.ownership import VolumeReport


def result(volume=None, dry=False, refused=(), linked=(), **fields):
    report = VolumeReport()
    for name, value in {"looked_at": 9, "seconds": 0.25, **fields}.items():
        setattr(report, name, value)
    for errno, name in refused:
        report.refuse(errno, name)
    for name in linked:
        report.linked.add(name)
    return Result(volume or Volume(path="/data"), "1500:1500", report, dry)


LINES = {
    "nothing": (result(), "/data: nothing to change for 1500:1500, 9 entries looked at in 250 ms by 1 process"),
    "one": (result(looked_at=1), "/data: nothing to change for 1500:1500, 1 entry looked at in 250 ms by 1 process"),
    "given": (result(given=3, changed=3), "/data: 3 of 9 entries given to 1500:1500 in 250 ms by 1 process"),
    "modes alone": (result(changed=3), "/data: mode of 3 set, 9 entries looked at in 250 ms by 1 process"),
    "made": (result(created=True), "/data: made, 9 entries looked at in 250 ms by 1 process"),
    "several": (
        result(given=9, changed=9, processes=4),
        "/data: 9 of 9 entries given to 1500:1500 in 250 ms by 4 processes",
    ),
    "waited": (
        result(waited=2.5, seconds=2.75),
        "/data: nothing to change for 1500:1500, 9 entries looked at in 250 ms by 1 process,"
        " after 2.5 s of waiting for another container",
    ),
    "never": (result(Volume(path="/data", policy="never")), "/data: left alone, as the policy never says"),
}  # fmt: skip


@pytest.mark.parametrize("case", LINES)
def test_one_line_where_all_went_well(case):
    """And that is no failure."""
    one, line = LINES[case]
    assert (one.lines(), one.failed) == ([line], False)


def test_another_container_that_does_not_come_to_its_end_is_a_failure():
    one = result(busy=True, waited=600.0, seconds=600.0, looked_at=1)
    assert one.failed and one.as_object()["busy"] is True
    assert "may not all belong to 1500:1500 yet" in one.lines()[1]


def test_each_reason_has_its_own_line_and_remedy():
    """However many there are: none takes another one's."""
    one = result(refused=[(EPERM, "a"), (EACCES, "b")], busy=True, linked=["c"])
    told = one.lines()[1:]
    assert ["Operation not permitted" in told[0], "Permission denied" in told[1]] == [True, True]
    assert "another container" in told[2]
    assert told[3].endswith("(c); if all of those may be chowned, add --hard-links")
    assert [refusal["reason"] for refusal in one.as_object()["refused"]] == ["EPERM", "EACCES"]


@pytest.mark.parametrize("fields", [{"missing": True}, {"created": True}])
def test_what_a_dry_run_would_make_is_no_failure(fields):
    one = result(Volume(path="/data", create=True), dry=True, looked_at=0, **fields)
    assert not one.failed
    assert one.lines()[0].startswith("/data: would be made")


@pytest.mark.parametrize(
    ("seconds", "words"), [(0, "0 ms"), (0.0004, "0 ms"), (0.9994, "999 ms"), (1, "1.0 s"), (75, "75.0 s")]
)
def test_durations(seconds, words):
    assert duration(seconds) == words
