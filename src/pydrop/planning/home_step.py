"""The step for the home folder of an account whose uid or gid changes: the account's files there get the new numbers.

The step is needed too where /etc/passwd cannot be rewritten, and only nss_wrapper or the environment names the user:
the image's files have the old numbers all the same. Each start then finds the old numbers in /etc/passwd, and looks
again. `step_builders` loads this module only where numbers change, which is rare.
"""

from pydrop.model import Account, AccountChange, Identity, Settings, Volume
from pydrop.steps import HomeStep, Step

TYPE_CHECKING = False
if TYPE_CHECKING:
    Places = tuple[tuple[str, str], ...]

# Distributions name these as home of accounts that have none. The volume engine refuses the system's folders anyhow,
# with a message; but nobody has asked for this step, so no message is due.
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


def steps(settings: Settings, who: Identity, change: AccountChange, places: "Places" = ()) -> list[Step]:
    """The step; `places` are those of Facts.

    None where the account was root or becomes it, its home is no real one, or a setting rules the home.
    These settings rule the home: chown-policy `never`, a volume with policy `never` that holds the home, and any volume
    of the very same path. Another volume may hold the home. Then both are walked, since each may skip files that the
    other changes (other mounts, exclude, only-from); to look twice costs little. One that lies in the home is left out
    of the home's walk: its own policy holds.
    """
    former, account = change.former, change.account
    if former is None or former.uid == 0 or account.uid == 0 or settings.chown_policy == "never":
        return []
    path, numbers = _plain(account.home), _changed(former, account)
    if numbers == (None, None) or not _is_home(account.home) or any([_rules(v, path) for v in settings.volumes]):
        return []
    words = f"home {path}: what belonged to {former.uid}:{former.gid} belongs to {account.uid}:{account.gid}"
    return [
        HomeStep(
            words=", ".join([words, *[f"without {inner}" for inner in _left_out(path, settings, places)]]),
            why=who.why,
            name=account.name,
            volume=Volume(
                path=path,
                # a mount with a map would be gone at the next start, whose account has the numbers already
                policy="mismatch" if settings.chown_policy == "idmap" else settings.chown_policy,
                hard_links=settings.chown_hard_links,
                former=numbers,
                source="the account's home",
            ),
            uid=account.uid,
            gid=account.gid,
            groups=who.groups,
            errors=settings.chown_errors,
            hooks_folder=settings.hooks,
            others=tuple([volume.path for volume in settings.volumes]),
        )
    ]


def _left_out(home: str, settings: Settings, places: "Places") -> list[str]:
    if not settings.volumes:
        return []
    from pydrop.planning.volumes_step import below

    return below(home, settings, places)


def _changed(former: Account, account: Account) -> tuple[int | None, int | None]:
    """The former (uid, gid), None for a number that stays. Gid 0 is root's, lent to the account: its files keep it."""
    return (
        former.uid if former.uid != account.uid else None,
        former.gid if former.gid not in (0, account.gid) else None,
    )


def _rules(volume: Volume, home: str) -> bool:
    """Whether the setting of a volume rules the home too, see `steps`."""
    path = _plain(volume.path)
    return path == home or (volume.policy == "never" and home.startswith(f"{path}/"))


def _is_home(path: str) -> bool:
    """Whether the path can be a real home: absolute, without `..`, and no folder of the system's."""
    plain = _plain(path)
    return (
        path.startswith("/")
        and ".." not in path.split("/")
        and not (plain in NO_HOMES or plain.startswith(NO_HOMES_BELOW))
    )


def _plain(path: str) -> str:
    """The path without doubled slashes and `.` components."""
    return "/" + "/".join([name for name in path.split("/") if name not in ("", ".")])
