"""The home folder of an account whose numbers change: what was the account's in there stays the account's.

Also where /etc/passwd cannot be rewritten, and nss_wrapper or the environment alone name the user: the files of the
image have the old numbers all the same. Then every start finds the old numbers in /etc/passwd, and looks again.
"""

from pydrop.model import Account, AccountChange, Identity, Settings, Volume
from pydrop.steps import HomeStep, Step

# What distributions give to accounts that live nowhere. The engine refuses the system's own folders anyhow, but nobody
# has asked for this one, so there is nothing to say
NO_HOMES = frozenset(
    (
        *("/", "/bin", "/boot", "/dev", "/etc", "/home", "/lib", "/lib32", "/lib64", "/libx32", "/nonexistent"),
        *("/proc", "/root", "/run", "/sbin", "/sys", "/tmp", "/usr", "/usr/bin", "/usr/games", "/usr/lib"),
        *("/usr/local", "/usr/local/bin", "/usr/local/sbin", "/usr/sbin", "/usr/share", "/usr/src", "/var"),
        *("/var/cache", "/var/empty", "/var/lib", "/var/lock", "/var/log", "/var/mail", "/var/run", "/var/spool"),
        *("/var/tmp", "/etc/passwd", "/etc/group", "/etc/shadow", "/etc/gshadow"),
    )
)
NO_HOMES_BELOW = ("/bin/", "/boot/", "/dev/", "/lib/", "/lib32/", "/lib64/", "/libx32/", "/proc/", "/sbin/", "/sys/")


def steps(settings: Settings, who: Identity, change: AccountChange) -> list[Step]:
    """The step; none where the account was root, its home is none, or the settings have a rule for it.

    Such a rule is `never` as chown-policy, or for a volume that holds the home; or any for a volume of the very same
    path. Else, where home and volume lie in each other, both are walked: each changes what the other may leave (other
    mounts, exclude, only-from), and to look twice costs little.
    """
    former, account = change.former, change.account
    if former is None or former.uid == 0 or account.uid == 0 or settings.chown_policy == "never":
        return []
    path, numbers = _plain(account.home), _changed(former, account)
    if numbers == (None, None) or not _is_home(account.home) or any([_rules(v, path) for v in settings.volumes]):
        return []
    return [
        HomeStep(
            words=f"home {path}: what belonged to {former.uid}:{former.gid} belongs to {account.uid}:{account.gid}",
            why=who.why,
            name=account.name,
            volume=Volume(path=path, policy=settings.chown_policy, former=numbers, source="the account's home"),
            uid=account.uid,
            gid=account.gid,
            groups=who.groups,
            errors=settings.chown_errors,
        )
    ]


def _changed(former: Account, account: Account) -> tuple[int | None, int | None]:
    """The numbers that become others. Gid 0 is root's and was only lent to the account: it stays where it is."""
    return (
        former.uid if former.uid != account.uid else None,
        former.gid if former.gid not in (0, account.gid) else None,
    )


def _rules(volume: Volume, home: str) -> bool:
    path = _plain(volume.path)
    return path == home or (volume.policy == "never" and home.startswith(f"{path}/"))


def _is_home(path: str) -> bool:
    """Whether somebody lives there: an absolute path, without `..`, that is none of the system's."""
    plain = _plain(path)
    return (
        path.startswith("/")
        and ".." not in path.split("/")
        and not (plain in NO_HOMES or plain.startswith(NO_HOMES_BELOW))
    )


def _plain(path: str) -> str:
    """The path without doubled slashes and dots."""
    return "/" + "/".join([name for name in path.split("/") if name not in ("", ".")])
