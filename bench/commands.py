"""What pydrop and its peers are called with."""

import os
from collections.abc import Sequence

from programs import PATH, found
from rooms import WANTED, Room
from timing import Command

PLAIN = {"PATH": PATH, "HOME": "/root", "LANG": "C.UTF-8"}  # what the image of Docker's python gives
ASKED = {"PUID": str(WANTED), "PGID": str(WANTED)}
IDS = f"{WANTED}:{WANTED}"
WRONG = ("(", "!", "-user", str(WANTED), "-o", "!", "-group", str(WANTED), ")")


def pydrop(room: Room, volumes: Sequence[str] = (), policy: str = "", **settings: str) -> Command:
    """A start that asks for the account's numbers and for these volumes, all under one policy."""
    asked, said = ASKED | settings, ASKED | settings
    if volumes:
        asked["PYDROP_CHOWN"] = ":".join(path + policy for path in volumes)
        said["PYDROP_CHOWN"] = ":".join(name + policy for name in _names(volumes))
    shown = " ".join([*[f"{name}={value}" for name, value in said.items()], "pydrop", "true"])
    return Command(shown, [room.pydrop, "true"], PLAIN | asked, room.forget)


def setpriv() -> Command:
    return _peer("setpriv", "--reuid", str(WANTED), "--regid", str(WANTED), "--clear-groups", "true")


def gosu() -> Command:
    return _peer("gosu", IDS, "true")


def true() -> Command:
    return _peer("true")


def python(room: Room) -> Command:
    """What every program in Python takes at least."""
    return Command("python3 -I -S -c pass", [room.python, "-I", "-S", "-c", "pass"], PLAIN)


def recursive(*volumes: str, box: tuple[str, ...] = ()) -> Command:
    """chown -R; `box` is ("busybox",) where busybox's is meant."""
    words = [*box, "chown", "-R", IDS]
    return _peer(*words, *volumes, shown=" ".join([*words, *_names(volumes)]))


def picky(volume: str, box: tuple[str, ...] = ()) -> Command:
    """find, which lets chown change only what is wrong."""
    test = [*WRONG, "-exec", *box, "chown", "-h", IDS, "{}", "+"]
    return _peer(*box, "find", volume, *test, shown=" ".join([*box, "find", *_names([volume]), *test]))


def _peer(*words: str, shown: str = "") -> Command:
    return Command(shown or " ".join(words), [found(words[0]), *words[1:]], PLAIN)


def _names(volumes: Sequence[str]) -> list[str]:
    """What the table calls them: by the last of their path, and of many the first."""
    names = [os.path.basename(path) for path in volumes]
    return names if len(names) < 4 else [*names[:2], f"… ({len(names)} in all)"]
