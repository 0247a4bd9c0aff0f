"""Counts its visits in a file of its own in /data, where replicas may meet, and says who it is."""

import getpass
import os
import signal
import socket
import socketserver
import sys
from http.server import BaseHTTPRequestHandler
from pathlib import Path


class Counter(BaseHTTPRequestHandler):
    def do_GET(self):
        with Path("/data", os.uname().nodename).open("a+") as file:
            file.write(".\n")
            visits = file.tell() // 2
        self.send_response(200)
        self.end_headers()
        self.wfile.write(f"visit {visits}, counted by {getpass.getuser()}\n".encode())


class Server(socketserver.TCPServer):
    allow_reuse_address = True


def ready():
    """Tells pydrop, which makes the file that the probe looks for: sd_notify(3)."""
    if place := os.environ.get("NOTIFY_SOCKET"):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as outer:
            outer.sendto(b"READY=1", place.replace("@", "\0", 1))


signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
with Server(("", 8080), Counter) as server:
    ready()
    server.serve_forever()
