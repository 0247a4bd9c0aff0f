"""Inspects the places that settings name as volumes: for the words of a plan, nothing that root goes by.

`inspection` loads this module only where there are volumes.
"""

import posix as os
from errno import ENOENT, ENOTDIR

from pydrop import idmapped, mountinfo
from pydrop.model import Settings

Places = tuple[tuple[str, str], ...]
Shown = tuple[tuple[str, int, int], ...]


def look(settings: Settings, table: mountinfo.Rows) -> tuple[Places, Shown, tuple[str, ...]]:
    """(path, the path behind all links) of each volume: "" where nothing is there, the path itself where this process
    cannot tell; (path, uid, gid) of each that is on an idmapped mount; and the path of each that is root's and has the
    policy idmap."""
    mapped = idmapped.ids(table)
    places, shown, roots = [], [], []
    for volume in settings.volumes:
        path = volume.path
        try:
            held = os.open(path, os.O_PATH)
        except OSError as error:
            places.append((path, "" if error.errno in (ENOENT, ENOTDIR) else path))
            continue
        try:
            places.append((path, os.readlink(f"/proc/self/fd/{held}")))
            status = os.fstat(held)
            if volume.policy == "idmap" and status.st_uid == os.geteuid() == 0:
                roots.append(path)
            if idmapped.is_on(held, mapped):
                shown.append((path, status.st_uid, status.st_gid))
        except OSError:
            places.append((path, path))
        finally:
            os.close(held)
    return tuple(places), tuple(shown), tuple(roots)
