"""The tops of the volumes that settings name beside the one that is walked: what lies below one is its own policy's.

A top is known by what it is (device and inode), not by its name. A walk may come upon it by another way than the one
that was named, a link of root's or a bind mount, and a user who owns the folder above may rename it meanwhile.
"""

import posix as os

from pydrop.errors import BadSetting, Untrusted

from .volume_path import Surroundings, opened


def tops(around: Surroundings, path: str, top: os.stat_result) -> frozenset[tuple[int, int]]:
    """(device, inode) of all of them that a walk of the volume at `path` leaves out; not that of `top`, its own.

    They are held open for the rest of the start, so that nothing else gets their inodes. One that was not there before
    is looked for again: it may have been created since. What cannot be opened by its own path (a link of the user's,
    say) is nothing that a walk could be kept from."""
    for other in around.others:
        if other != path and other not in around.held:
            _hold(around, other)
    found = [(held.st_dev, held.st_ino) for other, (_, held) in around.held.items() if other != path]
    return frozenset(found) - {(top.st_dev, top.st_ino)}


def _hold(around: Surroundings, path: str) -> None:
    try:
        place = opened(path, create=False)
    except (OSError, BadSetting, Untrusted):
        return
    around.held[path] = (place.fd, place.seen)
    place.fd = -1  # `around` closes it
    place.close()
