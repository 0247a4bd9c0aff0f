"""The record that an entrypoint leaves for a second `pydrop` in the same container, as text.

Fields in a fixed order, each ended by NUL, which no field can hold; then the lines for the
environment. A text that is not exactly that is no record.
"""

from pydrop.model import Identity, Record

FORM = "pydrop record 1"
PLACE = "/run/pydrop"  # root's folder; what hooks add to is here too
NAME = "record"
TIMELINE = f"{PLACE}/timeline"  # beside it: where the start spent its time (perform/timing.py)
TIMELINE_FORM = "pydrop timeline 1"


def encode(record: Record) -> str:
    who = record.identity
    fields = [
        FORM,
        record.instance,
        who.name,
        str(who.uid),
        str(who.gid),
        who.group,
        " ".join([str(gid) for gid in who.groups]),
        who.home,
        who.shell,
        who.why,
        "" if record.umask is None else f"{record.umask:o}",
        " ".join(record.keep_caps),
        "1" if record.no_new_privs else "0",
        *record.environment,
    ]
    return "".join([field + "\0" for field in fields])


def decode(text: str) -> Record | None:
    """The record in `text`, or None where it is none of this version's."""
    fields = text.split("\0")
    if len(fields) < 14 or fields[0] != FORM or fields[-1]:
        return None
    _, instance, name, uid, gid, group, groups, home, shell, why, umask, caps, privs, *environment = fields[:-1]
    try:
        identity = Identity(
            name=name,
            uid=int(uid),
            gid=int(gid),
            group=group,
            groups=tuple([int(number) for number in groups.split()]),
            home=home,
            shell=shell,
            why=why,
        )
        return Record(
            instance=instance,
            identity=identity,
            umask=int(umask, 8) if umask else None,
            keep_caps=tuple(caps.split()),
            no_new_privs=privs == "1",
            environment=tuple(environment),
        )
    except ValueError:
        return None
