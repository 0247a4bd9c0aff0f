"""Performs UserHookStep: a child drops privileges as the program will, which is verified, and becomes the hook.

This process stays root meanwhile. What the hook adds to the program's environment it writes to a file of its own, which
is read through the descriptor by which it was made: its name, and what lies there by then, count for nothing.
"""

import _signal
import os
import time

from pydrop import handover, running
from pydrop.errors import FAILED, HookFailed, Interrupted, PydropError
from pydrop.hook_environment import LARGEST_FILE, own_folder, parsed
from pydrop.model import Identity, Outcome, Start
from pydrop.perform import privileges
from pydrop.record import PLACE
from pydrop.steps import UserHookStep
from pydrop.telling import NO_HOOK, Telling, Told

MOMENT = 0.001  # seconds between two looks at a child that ends at once
LONGEST_WORD = 4096  # bytes of a message from the child
OTHER_FOLDERS = ("/dev/shm", "/tmp")  # the file is made anew there, and read by its descriptor


def perform(step: UserHookStep, start: Start) -> Outcome:
    """Run the hook to its end. Raises HookFailed with its exit code, and as perform.hooks does."""
    who = step.drop.identity
    additions, telling = _Additions(who), Telling()
    own = (("PYDROP_ENV", additions.path), ("PYDROP_UID", str(who.uid)), ("PYDROP_GID", str(who.gid)))
    given = handover.environment(start.environment, (*own, ("PYDROP_USER", who.name), ("PYDROP_HOME", who.home)))
    pairs = [line.partition("=") for line in given]
    known = {name: value for name, _, value in pairs}
    try:
        telling.starting(Told(record=step.record, came=start.environment, changes=(), given=known))
        _run(step, handover.Handover((step.hook, *step.command), given, start), start, telling)
        added = parsed(additions.content(), f"the user hook {step.hook}")
    finally:
        telling.close()
        additions.close()
        running.reap_strangers()
    return Outcome(changed=1, words=f"ran {step.hook} as {who.name}", environment=tuple(added.items()))


def _run(step: UserHookStep, ready: handover.Handover, start: Start, telling: Telling) -> None:
    reading, writing = os.pipe()

    def begin(mask: set[int]) -> int:
        try:
            child = os.fork()
        except OSError as error:
            remedy = "allow more processes (docker: --pids-limit, --ulimit nproc=...)"
            raise HookFailed(f"unable to run the user hook {step.hook}: {error.strerror}", remedy) from error
        if child == 0:
            _become(step, ready, start, mask, writing)
        telling.runs(child)
        return child

    try:
        status = running.to_its_end(begin, start, lambda process, number: _send(step, start, process, number))
        telling.runs(NO_HOOK)
        os.set_blocking(reading, False)
        why = _read(reading)
    finally:
        os.close(reading)
        os.close(writing)
    if why:
        said = why.partition(": ")[2] if why.startswith("unable to run") else why
        raise HookFailed(f"unable to run the user hook {step.hook}: {said}")
    running.require_success(f"the user hook {step.hook}", status)


def _read(pipe: int) -> str:
    try:
        return os.fsdecode(os.read(pipe, LONGEST_WORD))
    except BlockingIOError:
        return ""


def _become(step: UserHookStep, ready: handover.Handover, start: Start, mask: set[int], writing: int) -> None:
    """In the child: drop, and become the hook. Never returns; where that fails, the pipe says why."""
    code = FAILED
    try:
        privileges.perform(step.drop, start)
        _signal.pthread_sigmask(_signal.SIG_SETMASK, mask)
        ready.run()
    except Interrupted as stop:
        code = 128 + stop.signum
    except PydropError as error:
        os.write(writing, os.fsencode(str(error))[:LONGEST_WORD])
    except BaseException as bug:
        os.write(writing, f"pydrop itself failed: {type(bug).__name__}; report it".encode())
    finally:
        os._exit(code)


def _send(step: UserHookStep, start: Start, process: int, number: int) -> None:
    """Send the hook a signal: where root lacks CAP_KILL, from a child that has become the same user."""
    try:
        os.kill(process, number)
        return
    except PermissionError:
        pass
    try:
        child = os.fork()
    except OSError:  # a full limit of processes: the hook gets no signal, and is waited for no longer than any
        return
    if child == 0:
        try:
            privileges.perform(step.drop, start)
            os.kill(process, number)
        finally:
            os._exit(0)
    end = time.monotonic() + running.PATIENCE  # the hook may stop this child, which is its own user's
    while not os.waitpid(child, os.WNOHANG)[0] and time.monotonic() < end:
        time.sleep(MOMENT)


class _Additions:
    """The file that $PYDROP_ENV names: the user's to write, in a folder where they cannot replace it, where there is
    one; else in memory."""

    def __init__(self, who: Identity) -> None:
        self.name = f"pydrop-env.{os.getpid()}"
        self.folder = -1
        self.file = -1
        self.path = ""
        if os.geteuid() == 0:
            self._make_for(who)
        if self.file < 0:
            self.file = os.memfd_create("pydrop-user-env")
            self.path = f"/proc/{os.readlink('/proc/self')}/fd/{self.file}"

    def _make_for(self, who: Identity) -> None:
        """Make the file in the first folder that has room for it."""
        for place in (PLACE, *OTHER_FOLDERS):
            folder = own_folder() if place == PLACE else _opened(place)
            if folder < 0:
                continue
            try:
                self.file = self._made(folder)
            except OSError:
                os.close(folder)
                continue
            self.folder, self.path = folder, f"{place}/{self.name}"
            try:
                os.fchown(self.file, who.uid, who.gid)
            except OSError:  # without CAP_CHOWN the hook cannot open it, and says so
                pass
            return

    def _made(self, folder: int) -> int:
        try:
            os.unlink(self.name, dir_fd=folder)  # a start that was killed left it
        except FileNotFoundError:
            pass
        return os.open(self.name, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600, dir_fd=folder)

    def content(self) -> bytes:
        return os.pread(self.file, LARGEST_FILE + 1, 0)

    def close(self) -> None:
        os.close(self.file)
        if self.folder >= 0:
            try:
                os.unlink(self.name, dir_fd=self.folder)
            except OSError:
                pass
            os.close(self.folder)


def _opened(folder: str) -> int:
    try:
        return os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError:
        return -1
