"""Asks the C library for the names of this user and group, in a child process that has the program's environment.

pydropctl itself runs with every variable renamed (see launcher.c). So LD_PRELOAD does not load nss_wrapper into
pydropctl, but it does load it into the program.
"""

import subprocess
import sys

from pydrop.ctl import bundle_python
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

    As root the child gets no LD_PRELOAD, since it is not known who set the variable."""
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
