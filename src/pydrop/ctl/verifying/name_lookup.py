"""What the C library calls this user: asked by a process that has the program's environment.

pydropctl itself runs with every variable renamed (see launcher.c), so nss_wrapper, which LD_PRELOAD brings in, does not
answer here; for the program it does.
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
    """ "" stands for what has no name."""

    user: str
    home: str
    group: str


def looked_up(uid: int, gid: int, environment: dict[str, str]) -> Names:
    """What getpwuid(3) and getgrgid(3) tell the program. Root obeys no LD_PRELOAD here: who set it is not known."""
    passed_on = {} if uid == 0 else {name: environment[name] for name in PASSED_ON if name in environment}
    command = [sys.executable, "-I", "-S", "-c", ASK, str(uid), str(gid)]
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
