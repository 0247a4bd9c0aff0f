"""The entries that must exist in /run: those of every container, and those of the image's tmpfiles.d(5) files.

Text in, values out. Inspection reads the files, planning merges the entries into RuntimeStep. The module `lines`
parses the files; it is loaded only where an image has some.
"""

from pydrop.steps import RunEntry

FOLDERS = ("/etc/tmpfiles.d", "/run/tmpfiles.d", "/usr/local/lib/tmpfiles.d", "/usr/lib/tmpfiles.d")  # first wins


def standard_entries() -> tuple[RunEntry, ...]:
    """The entries that programs take for granted, whatever the image and the mounts left of them. `source` is ""."""
    return (
        RunEntry(kind="d", path="/run", mode=0o755, uid=0, gid=0, exact=True),
        RunEntry(kind="d", path="/run/lock", mode=0o1777, uid=0, gid=0, exact=True),
        RunEntry(kind="L", path="/var/run", mode=None, uid=0, gid=0, content="/run"),
        RunEntry(kind="d", path="/tmp", mode=0o1777, uid=0, gid=0, exact=True),
        RunEntry(kind="d", path="/var/tmp", mode=0o1777, uid=0, gid=0, exact=True),
    )


def merged(*lists: tuple[RunEntry, ...] | list[RunEntry]) -> tuple[RunEntry, ...]:
    """All entries of `lists`, parents first; of several entries for one path only the first."""
    first: dict[str, RunEntry] = {}
    for entries_of_one in lists:
        for entry in entries_of_one:
            first.setdefault(entry.path, entry)
    return tuple(sorted(first.values(), key=lambda entry: entry.path.count("/")))


def winners(listing: dict[str, list[str]]) -> list[str]:
    """The paths of the files that count, in byte order of the files' names. `listing`: folder -> names in it.

    A name that several folders have counts only in the first of them, in the order of FOLDERS."""
    chosen: dict[str, str] = {}
    for folder in FOLDERS:
        for name in listing.get(folder, []):
            if name.endswith(".conf"):
                chosen.setdefault(name, f"{folder}/{name}")
    return [chosen[name] for name in sorted(chosen, key=lambda name: name.encode("utf-8", "surrogateescape"))]
