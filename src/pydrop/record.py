"""The record that an entrypoint leaves for a second `pydrop` in the same container: Record -> text, and back.

The text holds fields in a fixed order, each ended by NUL, which no field can hold. The lines for the environment
follow, first those that root decided, of which a field has the number. Any other text is no record. perform/record_file
writes the file, `inspection` reads it.
"""

from pydrop.model import Identity, Record

FORM = "pydrop record 3"
PLACE = "/run/pydrop"  # a folder of root's alone; the files through which hooks hand on variables are here too
PLACES = (PLACE, "/dev/pydrop")  # the second is for what the first cannot have (state_folder)
NAME = "record"
MEMORY = "pydrop-start"  # the name of the file in memory that a start holds while hooks run (telling)
LOCK = "lock"  # held by the start while it is at work (start_lock)
TIMELINE = "timeline"  # where the start spent its time (perform/timeline_writer)
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
        record.bounding_set,
        str(len(record.environment)),
        *record.environment,
        *record.users,
    ]
    return "".join([field + "\0" for field in fields])


def decode(text: str) -> Record | None:
    """The record in `text`; None where the text is no record, or one of another version's form."""
    fields = text.split("\0")
    if len(fields) < 16 or fields[0] != FORM or fields[-1]:
        return None
    _, instance, name, uid, gid, group, groups, home, shell, why, umask, caps, privs, bounding, roots, *lines = fields[
        :-1
    ]
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
            bounding_set=bounding,
            environment=_first(lines, int(roots)),
            users=tuple(lines[int(roots) :]),
        )
    except ValueError:
        return None


def _first(lines: list[str], count: int) -> tuple[str, ...]:
    """So many lines. ValueError where there are not so many: the text was cut short."""
    if not 0 <= count <= len(lines):
        raise ValueError(count)
    return tuple(lines[:count])
