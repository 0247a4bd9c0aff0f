"""The record that an entrypoint leaves: what goes in comes out, and what is no record is none."""

from typing import Any

import pytest

from pydrop.model import Identity, Record
from pydrop.record import FORM, decode, encode

pytestmark = pytest.mark.python  # bytes that are no UTF-8


def identity(**changes: Any) -> Identity:
    fields: dict[str, Any] = {"name": "app", "uid": 1500, "gid": 1600, "group": "app", "groups": (44, 1600)}
    fields |= {"home": "/home/app", "shell": "/bin/sh", "why": "PUID, PGID"}
    return Identity(**fields | changes)


def record(**changes: Any) -> Record:
    fields: dict[str, Any] = {"instance": "mnt:[4026531841] 12", "identity": identity(), "umask": 0o27}
    fields |= {"keep_caps": ("net_bind_service",), "no_new_privs": True, "bounding_set": "keep"}
    fields |= {"environment": ("HOME=/home/app", "A=1")}
    return Record(**fields | changes)


RECORDS = {
    "whole": record(),
    "nothing that can be left out": record(umask=None, keep_caps=(), environment=(), identity=identity(groups=())),
    "umask 0 is a umask": record(umask=0),
    "without no_new_privs": record(no_new_privs=False),
    "an empty bounding set": record(bounding_set="empty"),
    "what user hooks added": record(users=("PATH=/data", "GONE")),
    "that alone": record(environment=(), users=("A=1",)),
    "several capabilities": record(keep_caps=("net_bind_service", "net_raw")),
    "root": record(identity=identity(name="root", uid=0, gid=0, groups=(0,))),
    "the last id": record(identity=identity(uid=4294967294, gid=4294967294, groups=(4294967294,))),
    "newlines and equals signs in a value": record(environment=("A=x\ny=z", "B=", "C==")),
    "bytes that are no UTF-8": record(environment=("A=\udcff",), identity=identity(home="/h\udc80", why="user\udcff")),
    "a variable that a hook unset": record(environment=("GONE", "A=1")),
    "empty names": record(identity=identity(shell="", why="", home="")),
    "blanks in a name": record(identity=identity(why="user in /etc/pydrop.toml", home="/home/my app")),
}


@pytest.mark.parametrize("case", RECORDS)
def test_what_goes_in_comes_out(case: str) -> None:
    """Every field, byte for byte."""
    assert decode(encode(RECORDS[case])) == RECORDS[case]


TEXT = encode(record())


def test_a_part_of_a_record_is_none() -> None:
    """A write that was cut short at any byte is no record, or one whose environment ends earlier."""
    for cut in range(1, len(TEXT)):
        found = decode(TEXT[:cut])
        if found is not None:
            assert found.identity == identity(), TEXT[:cut]
            assert found.environment in ((), ("HOME=/home/app",)), TEXT[:cut]


NONE = {
    "empty": "",
    "another form": TEXT.replace(FORM, "pydrop record 1"),
    "something before it": " " + TEXT,
    "something behind it": TEXT + "more",
    "an id that is a name": TEXT.replace("1500", "app"),
    "an id that is missing": TEXT.replace("1500", ""),
    "a group that is none": TEXT.replace("44 1600", "44 x"),
    "a umask that is not octal": TEXT.replace("\x0027\0", "\x00899\0"),
    "other ends of fields": TEXT.replace("\0", "\n"),
    "only the form": FORM + "\0",
}


@pytest.mark.parametrize("case", NONE)
def test_what_is_no_record_is_none(case: str) -> None:
    """Not an error, and not half an identity: the start sets up anew."""
    assert decode(NONE[case]) is None
