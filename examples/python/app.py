"""Counts its visits in /data, and says who it is."""

import fcntl
import getpass
from pathlib import Path


def app(environ, start_response):
    with Path("/data/visits").open("a+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.write(".\n")
        visits = file.tell() // 2
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [f"visit {visits}, counted by {getpass.getuser()}\n".encode()]
