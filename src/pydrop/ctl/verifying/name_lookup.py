"""Asks the C library for the names of this user and group, in a child process that has the program's environment.

pydropctl itself runs with every variable renamed (see launcher.c). So LD_PRELOAD does not load nss_wrapper into
pydropctl, but it does load it into the program.
"""

import subprocess
import sys

from pydrop.ctl import bundle_python
from pydrop.distribution import ONE_FILE
from pydrop.encoding import decoded
from pydrop.model import Value

PASSED_ON = ("LD_PRELOAD", "NSS_WRAPPER_PASSWD", "NSS_WRAPPER_GROUP")
LOOKUP_TIMEOUT = 10.0  # seconds that a directory service may take
ASK = """
import grp, os, pwd, sys
uid, gid = map(int, sys.argv[1:])
try:
    user = pwd.getpwuid(uid)
    answer = [user.pw_name, user.pw_dir]
except KeyError:
    answer = ["", ""]
try:
    answer.append(grp.getgrgid(gid).gr_name)
except KeyError:
    answer.append("")
sys.stdout.buffer.write(b"\\0".join(map(os.fsencode, answer)))
"""


class Names(Value):
    """The names of a user and of a group, and the user's home; "" for an id that has no entry."""

    user: str
    home: str
    group: str


def looked_up(uid: int, gid: int, environment: dict[str, str]) -> Names:
    """The answers that the program gets from getpwuid(3) and getgrgid(3).

    As root the child gets no LD_PRELOAD, since it is not known who set the variable. The one file has no child that
    could ask another C library: there the answers are those of the account files that the library would read."""
    if ONE_FILE:
        return _from_files(uid, gid, {} if uid == 0 else environment)
    passed_on = {} if uid == 0 else {name: environment[name] for name in PASSED_ON if name in environment}
    command = [sys.executable, "-I", "-S", "-B", "-c", ASK, str(uid), str(gid)]
    try:
        done = subprocess.run(
            command,
            env=passed_on | bundle_python.environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=LOOKUP_TIMEOUT,
            check=False,
        )
    except (OSError, ValueError, subprocess.TimeoutExpired):
        return Names(user="", home="", group="")
    user, home, group = [*decoded(done.stdout).split("\0"), "", "", ""][:3]
    return Names(user=user, home=home, group=group)


def _from_files(uid: int, gid: int, environment: dict[str, str]) -> Names:
    """From nss_wrapper's files where it is loaded and names them, else from those of /etc."""
    wrapped = "nss_wrapper" in environment.get("LD_PRELOAD", "")
    found = []
    for path, variable, number in (
        ("/etc/passwd", "NSS_WRAPPER_PASSWD", uid),
        ("/etc/group", "NSS_WRAPPER_GROUP", gid),
    ):
        found.append(_fields(environment.get(variable, path) if wrapped else path, number))
    return Names(user=found[0][0], home=found[0][5], group=found[1][0])


def _fields(path: str, number: int) -> list[str]:
    """The fields of the first line that has the number in its third field; empty ones where there is none."""
    try:
        with open(path, "rb") as file:
            lines = [decoded(line).split(":") for line in file.read().splitlines()]
    except OSError:
        lines = []
    return [*next((fields for fields in lines if fields[2:3] == [str(number)]), []), *[""] * 7]
