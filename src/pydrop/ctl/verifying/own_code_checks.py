"""Checks that the program cannot change the files that root reads or runs at the next start.

The last check is about secrets: each has arrived, and no variable points at the file of a secret any more.
"""

import os
import stat
import sys

import click

from pydrop import kernel
from pydrop.ctl.install import own_file
from pydrop.ctl.verifying.check_result import Check, fail, ok, skip, warn
from pydrop.ctl.verifying.identity_checks import BEHIND
from pydrop.ctl.verifying.subject import Subject
from pydrop.distribution import ONE_FILE
from pydrop.errors import PydropError, Untrusted
from pydrop.ground.own_code import started_by
from pydrop.inspection import named_paths
from pydrop.settings import config_path
from pydrop.settings.secret_names import PREFIX, SUFFIX
from pydrop.trust import is_plainly_trusted, open_trusted

MOST_FILES = 20_000  # files of pydrop's own code that are looked at


def checks(subject: Subject) -> list[Check]:
    return [
        _settings_file(subject),
        _hooks(subject),
        _own_code(),
        _account_files(subject),
        _secrets(subject),
    ]


def untrusted(path: str) -> Untrusted | None:
    """The reason why root should not obey a path: somebody else can write or replace it.

    None where nobody else can, or where nothing has the path."""
    try:
        if not is_plainly_trusted(path):
            os.close(open_trusted(path, os.O_PATH))
    except Untrusted as error:
        return error
    except OSError:
        pass
    return None


def _settings_file(subject: Subject) -> Check:
    path, _ = config_path(tuple([f"{name}={value}" for name, value in subject.environment.items()]))
    error = untrusted(path)
    if error and subject.file.verdict != "fail":
        return fail(subject.file.name, error.problem, error.remedy)
    return subject.file


def _hooks(subject: Subject) -> Check:
    """Root runs the hooks at the next start, so they must be root's alone."""
    folder = subject.settings.hooks
    if not os.path.lexists(folder):
        return ok("hooks", f"there is no {folder}")
    error: PydropError | None = untrusted(folder)
    if error is None:
        try:
            found, idle = named_paths.hooks(subject.settings, root=True)
        except PydropError as fault:
            if isinstance(fault.__cause__, PermissionError):
                return ok("hooks", f"{folder} is root's and closed to this user")
            error = fault
    if error:
        return fail("hooks", error.problem, error.remedy)
    if idle:
        return fail("hooks", f"{idle[0]} has no execute bit, and is not run", "chmod a+x it in the image, or remove it")
    return ok("hooks", f"{len(found)} in {folder}, root's alone" if found else f"none in {folder}, which is root's")


def _own_code() -> Check:
    """A user who can write pydrop's files can be root at the next start."""
    name = "pydrop's own code"
    looked_at = 0
    try:
        files = _own_files()
    except PydropError as error:
        return fail(name, error.problem, error.remedy)
    for path in files:
        looked_at += 1
        fault = untrusted(path)
        if fault:
            remedy = (
                "install it as root into a folder of its own, as /opt/pydrop, that no chown -R of the image touches"
            )
            return fail(name, fault.problem, remedy)
        if looked_at == MOST_FILES:
            break
    return ok(name, f"{looked_at} files are root's alone")


def _own_files() -> "list[str]":
    """The one file; or the interpreter, the launcher, and every file of their packages. And the link in PATH that an
    ENTRYPOINT finds."""
    link = started_by("pydrop", (f"PATH={os.environ.get('PATH', '')}",))
    if ONE_FILE:
        return [sys.executable, *([link] if link else [])]
    # The launcher is not looked for below sys.prefix: in a venv that is the base's prefix, since the launcher starts
    # Python without site.
    launcher = own_file()
    found = [sys.executable, launcher, f"{launcher}ctl", *([link] if link else [])]
    found += [str(sys.modules["_prctl"].__file__)]
    tops = [os.path.dirname(str(module.__file__)) for module in (kernel, click)]  # pydrop/kernel.py, click/__init__.py
    for top in tops:
        for folder, _, files in os.walk(top):
            found += [folder, *[f"{folder}/{file}" for file in files]]
    return found


def _account_files(subject: Subject) -> Check:
    """OpenShift's old pattern: a user who can write passwd becomes root for every program that reads it."""
    name = "account files"
    if subject.is_root:
        return skip(name, "this is root, which may write them")
    writable = [path for path in ("/etc/passwd", "/etc/group", "/etc") if os.access(path, os.W_OK)]
    if not writable:
        return ok(name, "/etc/passwd and /etc/group cannot be written by this user")
    mode = stat.S_IMODE(os.stat(writable[0]).st_mode)
    return warn(
        name,
        f"{', '.join(writable)} can be written by this user (mode {mode:04o}): an entry with uid 0 makes it root for "
        "su and the like (CVE-2020-10695)",
        "RUN chmod 644 /etc/passwd /etc/group, and install libnss-wrapper, with which pydrop names the user instead",
    )


def _secrets(subject: Subject) -> Check:
    """No variable may point at a secret any more, since the start has read those. One that nobody gave is nothing."""
    environment = subject.environment
    pointers = [name for name, value in environment.items() if name.startswith(PREFIX) and value]
    pointers += [f"{name}{SUFFIX}" for name in subject.secrets if environment.get(f"{name}{SUFFIX}")]
    closed = [] if subject.is_root else [name for name in pointers if not os.access(environment[name], os.R_OK)]
    if closed:
        remedy = "let this user read it (Kubernetes: fsGroup, defaultMode), or start the container as root"
        return fail("secrets", f"{', '.join(closed)} names a file that this user cannot read", remedy)
    if pointers:
        return fail(
            "secrets",
            f"{', '.join(pointers)} still in the environment: nobody has read what it points at",
            BEHIND,
        )
    arrived = [name for name in subject.secrets if environment.get(name)]
    words = [f"{', '.join(arrived)} arrived"] if arrived else []
    words += [f"nobody has set {name}" for name in subject.secrets if name not in arrived]
    return ok("secrets", ", ".join([*words, "no pointer left"]))
