"""Performs AccountsStep where /etc/passwd and /etc/group themselves can be written.

The new texts come from pydrop.accounts. The system's lock is held, so that no other program's change is lost. The
group is written before the account, so that a kill between them leaves no account whose group has no entry. Each file
is replaced as a whole; a file that is a mount point is rewritten in place.
"""

import errno
import posix as os

from pydrop import accounts
from pydrop.errors import PydropError
from pydrop.model import AccountChange, Outcome, Start
from pydrop.perform.accountfiles.account_file import read, replace, strays_removed
from pydrop.perform.accountfiles.system_lock import locked
from pydrop.steps import AccountsStep

ETC = "/etc"
LOCK_SECONDS = 5.0  # lckpwdf(3) waits 15, but nobody watches a container start that long
NOT_WRITABLE = (errno.EROFS, errno.EACCES, errno.EPERM, errno.EBUSY)


def perform(step: AccountsStep, start: Start) -> Outcome:  # noqa: ARG001 # every step is performed with both
    """Change the files by step.how: "rename", "in place" or, without root, "append".

    Files that cannot be written are a warning, since the program runs by its numbers all the same. Raises PydropError
    where a file is no file of root's, another process holds the lock, or the disk is full.
    """
    folder = os.open(ETC, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        if step.how == "append":
            return _append(folder, step.change)
        return _rewrite(folder, step)
    except OSError as error:
        if error.errno in NOT_WRITABLE:
            return Outcome(warnings=(_no_name_warning(step.change, error),))
        raise PydropError(
            f"unable to change the account files in {ETC}: {error.strerror}", "free space on the disk, or mend it"
        ) from error
    finally:
        os.close(folder)


def _rewrite(folder: int, step: AccountsStep) -> Outcome:
    with locked(folder, LOCK_SECONDS, needed=step.how == "rename"):
        strays = strays_removed(folder)
        changed = [_change(folder, name, step) for name in ("group", "passwd")]
        if strays or any(changed):
            os.fsync(folder)
    account, former = step.change.account, step.change.former
    if not any(changed):
        return Outcome(changed=strays, words="removed what a killed start left in /etc" if strays else "")
    numbers = f"{account.uid}:{account.gid}"
    if former is None:
        return Outcome(changed=sum(changed), words=f"made account {account.name} {numbers}")
    was = f"{former.uid}:{former.gid}"
    now = f"gave account {account.name} {numbers} instead of {was}" if was != numbers else "mended the account files"
    return Outcome(changed=sum(changed), words=now)


def _change(folder: int, name: str, step: AccountsStep) -> bool:
    """Write one file unless its text is right; returns whether that was necessary."""
    old = read(folder, name)
    text = (accounts.group_with if name == "group" else accounts.passwd_with)(old.text, step.change)
    if text == old.text:
        return False
    if step.how == "rename" or old.status is None:
        try:
            replace(folder, name, text, old.status)
            return True
        except OSError as error:
            if error.errno != errno.EBUSY:  # EBUSY: the file is a mount point, rename(2)
                raise
    from pydrop.perform.accountfiles.in_place_write import overwrite

    overwrite(folder, name, old.text, text)
    return True


def _append(folder: int, change: AccountChange) -> Outcome:
    """Append the user's line to a passwd file that this process's group may write: OpenShift's old pattern.

    The line is one write(2), so that two starts at the same time both have their whole line.
    """
    account = change.account
    with locked(folder, LOCK_SECONDS, needed=False):
        text = read(folder, "passwd").text
        if any(known.uid == account.uid for known in accounts.accounts(text)):
            return Outcome()
        line = ("" if text == "" or text.endswith("\n") else "\n") + accounts.passwd_line(account) + "\n"
        file = os.open("passwd", os.O_WRONLY | os.O_APPEND | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=folder)
        try:
            os.write(file, line.encode("utf-8", "surrogateescape"))
        finally:
            os.close(file)
    return Outcome(changed=1, words=f"user {account.uid} is called {account.name} in the group-writable /etc/passwd")


def _no_name_warning(change: AccountChange, error: OSError) -> str:
    account = change.account
    return (
        f"unable to write the account files in /etc: {error.strerror}; the program runs as "
        f"{account.uid}:{account.gid} without a name for it, which git, ssh, whoami and initdb mind: "
        "mount /etc/passwd and /etc/group writable, or leave those mounts and read_only out"
    )
