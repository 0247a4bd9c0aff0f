"""People who rearrange a volume while root walks through it.

Each is a process that really has its uid and its groups, and exchanges names as fast as it can. It is given the folders
as descriptors, which lend it no right: the kernel asks at every exchange whether this user may do it.
"""

import ctypes
import mmap
import os
import random
import signal
import stat

OLD, NEW = (999, 999), (1500, 1600)  # owners of a volume before and after a walk
MEMBER = 2000  # a user of neither number who is in both groups
EXCHANGE = 2  # renameat2's flag
LIBC = ctypes.CDLL(None)


class Zone:
    """Folders of one mode, and the names in them that somebody will exchange: (folder, name, folder, name)."""

    def __init__(self, name, mode, opens=False):
        """`opens`: its owner lets everybody write there for a moment, again and again."""
        self.name, self.mode, self.opens = name, mode, opens
        self.swaps = []

    def folders(self, volume, count):
        """Make `count` folders, the old owner's; yields each with a descriptor of it."""
        for number in range(count):
            folder = volume / self.name / str(number)
            folder.mkdir(parents=True)
            folder.chmod(self.mode)
            yield folder, os.open(folder, os.O_RDONLY | os.O_DIRECTORY)


ZONES = {
    "owner": Zone("owner", 0o755),
    "opening": Zone("opening", 0o755, opens=True),
    "group": Zone("group", 0o775),
    "world": Zone("world", 0o777),
    "sticky": Zone("sticky", 0o1777),
}


def attackers(*names):
    """The old owner, the new one, and a member of both groups, in these zones; each with what is worth its while."""
    zones = [ZONES[name] for name in names]
    theirs = [zone for zone in zones if zone.name in ("owner", "opening", "sticky")]
    his = [zone for zone in zones if zone.name in ("group", "world", "opening")]
    people = [Attacker(*OLD, (), theirs), Attacker(*NEW, (), theirs), Attacker(MEMBER, MEMBER, (OLD[1], NEW[1]), his)]
    return [person for person in people if person.zones]


class Attacker:
    """A context: the process runs within it. `done` tells how many exchanges succeeded, by zone."""

    def __init__(self, uid, gid, groups, zones):
        self.uid, self.gid, self.groups, self.zones = uid, gid, groups, zones
        self.counters = mmap.mmap(-1, 4096)

    def done(self):
        counts = memoryview(self.counters).cast("Q")
        return {zone.name: counts[number] for number, zone in enumerate(self.zones)}

    def __enter__(self):
        self.pid = os.fork()
        if self.pid == 0:
            try:
                os.setgroups(self.groups)
                os.setresgid(self.gid, self.gid, self.gid)
                os.setresuid(self.uid, self.uid, self.uid)
                assert int(open("/proc/self/status").read().split("CapEff:")[1].split()[0], 16) == 0
                self._attack()
            finally:
                os._exit(1)
        return self

    def __exit__(self, *_):
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)

    def _attack(self):
        counts = memoryview(self.counters).cast("Q")
        for zone in self.zones:
            random.shuffle(zone.swaps)
        while True:
            for number, zone in enumerate(self.zones):
                way = self._exchange if not zone.opens else self._hunt if self.uid == MEMBER else self._open
                counts[number] += way(zone)

    def _exchange(self, zone):
        """Every pair of names, once; how many could be exchanged."""
        renameat2 = LIBC.renameat2
        return sum([not renameat2(*swap, EXCHANGE) for swap in zone.swaps])

    def _open(self, zone):
        """Let everybody write in the folders, and nobody again, faster than it can be looked at."""
        fchmod, folders = LIBC.fchmod, {swap[0] for swap in zone.swaps}
        return sum([not fchmod(folder, mode) for _ in range(50) for mode in (0o777, 0o755) for folder in folders])

    def _hunt(self, zone):
        """Exchange names in a folder that others than its owner may write in, for as long as it is so."""
        renameat2, done = LIBC.renameat2, 0
        for folder in {swap[0] for swap in zone.swaps}:
            swaps = [swap for swap in zone.swaps if swap[0] == folder]
            while os.fstat(folder).st_mode & 0o002:
                done += sum([not renameat2(*swap, EXCHANGE) for swap in swaps])
        return done


def fingerprint(top):
    """Owner and mode of everything in a folder, and of itself."""
    paths = [top, *[os.path.join(path, name) for path, folders, files in os.walk(top) for name in folders + files]]
    infos = [(path, os.lstat(path)) for path in paths]
    return {str(path): (info.st_uid, info.st_gid, stat.S_IMODE(info.st_mode)) for path, info in infos}
