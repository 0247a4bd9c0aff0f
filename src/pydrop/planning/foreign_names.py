"""Variables by which other images take the user's numbers. pydrop does not obey them, and says so."""

from pydrop.model import Facts, Identity, Settings

TRIMMED = " \t\r\n\"'"  # what env files leave around a number
LONGEST = 10  # digits of an id
MOST_NAMED = 20
OWNERS = (
    *(
        "ABC",
        "APACHE",
        "APP",
        "APPLICATION",
        "CONTAINER",
        "CURRENT",
        "CUSTOM",
        "DEV",
        "DOCKER",
        "HOST",
        "LOCAL",
        "MY",
        "NB",
    ),
    *(
        "NEW",
        "NGINX",
        "OWNER",
        "PHP",
        "PLEX",
        "PROC",
        "PROCESS",
        "RUN",
        "RUNAS",
        "RUN_AS",
        "RUNTIME",
        "SERVICE",
        "SYSTEM",
    ),
    *("TARGET", "UNAME", "USER", "USERMAP", "WEB", "WWW", "WWW_DATA"),
)
USERS = frozenset([
    *("UID", "USER_ID", "USERID", "LOCAL_USER_ID", "HOST_USER_ID", "CONTAINER_USER_ID", "NB_USER_ID"),
    *("DOCKER_USER_ID", "RUN_AS_USER", "RUNASUSER", "WWWUSER", "USER_PUID", "UNIX_UID", "LINUX_UID", "APP_USER_ID"),
    *("PUIDS", "PIUD", "PUI", "P_UID", "PUID_"), *[f"{owner}_UID" for owner in OWNERS],
])  # fmt: skip
GROUPS = frozenset([
    *("GID", "GUID", "GROUP_ID", "GROUPID", "LOCAL_GROUP_ID", "HOST_GROUP_ID", "CONTAINER_GROUP_ID", "NB_GROUP_ID"),
    *("DOCKER_GROUP_ID", "RUN_AS_GROUP", "RUNASGROUP", "WWWGROUP", "USER_PGID", "UNIX_GID", "LINUX_GID"),
    *("APP_GROUP_ID", "PGIDS", "PIGD", "PGUID", "P_GID", "PGID_"), *[f"{owner}_GID" for owner in OWNERS],
])  # fmt: skip


def warnings(settings: Settings, facts: Facts, who: Identity) -> list[str]:
    """One warning about all of them that ask for another number than the program gets; none where there are none.

    Where PUID (or a number in `user`) is given, nobody waits for another name to be obeyed; for groups likewise."""
    user = settings.user
    wants_uid = settings.puid is None and (user is None or user.uid is None)
    wants_gid = settings.pgid is None and (user is None or (user.gid is None and user.group is None))
    if not wants_uid and not wants_gid:
        return []
    found: dict[str, str] = {}
    meant: dict[str, str] = {}
    for line in facts.environment:
        name, _, value = line.partition("=")
        ours = "PUID" if _is_like(name, "PUID", USERS) else "PGID" if _is_like(name, "PGID", GROUPS) else ""
        number = value.strip(TRIMMED)
        if not ours or name in found or not (number.isascii() and number.isdigit() and len(number) <= LONGEST):
            continue
        wanted, has = (wants_uid, who.uid) if ours == "PUID" else (wants_gid, who.gid)
        if wanted and int(number) != has:
            found[name] = number
            meant.setdefault(ours, number)
    if not found:
        return []
    names = ", ".join([f"{name}={number}" for name, number in list(found.items())[:MOST_NAMED]])
    instead = " and ".join([f"{name}={number}" for name, number in meant.items()])
    this = "this name" if len(found) == 1 else "these names"
    return [f"{names}: pydrop does not obey {this} of other images; set {instead} instead"]


def _is_like(name: str, ours: str, others: frozenset[str]) -> bool:
    upper = name.upper()
    return name != ours and (upper == ours or upper in others)
