"""A container as the inspection would have found it, and settings as read: only what differs is said."""

from typing import Any

from pydrop.capabilities import mask_of
from pydrop.model import Credentials, Facts, Identity, IdRange, NumberAsked, Record, Settings, UserAsked, Value, Volume
from pydrop.steps import Plan, PrivilegesStep

PASSWD = "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534::/nonexistent:/usr/sbin/nologin\n"
GROUP = "root:x:0:\nadm:x:4:root\nvideo:x:44:\nnogroup:x:65534:\n"
APP = "app:x:1000:1000::/srv/app:/bin/bash\n"
APP_GROUP = "app:x:1000:\n"
DOCKERS = mask_of(  # what docker gives to root where nobody says anything
    tuple(
        "chown dac_override fowner fsetid kill setgid setuid setpcap net_bind_service net_raw sys_chroot mknod "
        "audit_write setfcap".split()
    )
)
EVERY_ID = (IdRange(inside=0, outside=0, count=2**32 - 1),)


def credentials(uid: int = 0, gid: int = 0, capabilities: "int | None" = None, **changes: Any) -> Credentials:
    """Root as docker starts it; or somebody else, who has nothing but the bounding set."""
    held = (DOCKERS if uid == 0 else 0) if capabilities is None else capabilities
    fields: dict[str, Any] = {"uids": (uid,) * 4, "gids": (gid,) * 4, "groups": (gid,), "inheritable": 0}
    fields |= {"permitted": held, "effective": held, "bounding": DOCKERS if capabilities is None else held}
    fields |= {"ambient": 0, "no_new_privs": False, "umask": 0o022}
    return Credentials(**fields | changes)


def facts(**changes: Any) -> Facts:
    """A fresh container of a Debian image, with root in it as PID 1."""
    fields: dict[str, Any] = {"credentials": credentials(), "pid": 1, "uid_map": EVERY_ID, "gid_map": EVERY_ID}
    fields |= {"setgroups_allowed": True, "passwd": PASSWD, "group": GROUP, "account_files": "rename"}
    fields |= {"instance": "mnt:[1] 2", "environment": ("PATH=/usr/bin:/bin", "HOME=/root")}
    return Facts(**fields | changes)


SOURCES = {
    "user": "PYDROP_USER",
    "puid": "PUID",
    "pgid": "PGID",
    "owner_of": "PYDROP_OWNER_OF",
    "home": "PYDROP_HOME",
    "groups": "PYDROP_GROUPS",
    "umask": "PYDROP_UMASK",
    "volumes": "PYDROP_CHOWN",
    "run_dirs": "PYDROP_RUN_DIRS",
    "secrets": "PYDROP_SECRETS",
    "hooks": "PYDROP_HOOKS",
    "keep_caps": "PYDROP_KEEP_CAPS",
    "no_new_privs": "PYDROP_NO_NEW_PRIVS",
    "bounding_set": "PYDROP_BOUNDING_SET",
}
NAMES = {"volumes": "chown"}  # the setting's name where the field has another


def settings(**given: Any) -> Settings:
    """What was given, each with its variable as the source; PUID and PGID as plain numbers."""
    sources = {NAMES.get(field, field).replace("_", "-"): SOURCES[field] for field in given if field in SOURCES}
    for field in ("puid", "pgid"):
        if field in given:
            given[field] = NumberAsked(number=given[field], source=SOURCES[field])
    return Settings(**{"command": ("program", "--flag"), "sources": sources, **given})


def user(source: str = "PYDROP_USER", **fields: Any) -> UserAsked:
    return UserAsked(source=source, **fields)


def volume(path: str, **fields: Any) -> Volume:
    return Volume(path=path, **fields)


def identity(**changes: Any) -> Identity:
    fields: dict[str, Any] = {"name": "app", "uid": 1500, "gid": 1600, "group": "app", "groups": (1600,)}
    fields |= {"home": "/home/app", "shell": "/bin/sh", "why": "PUID, PGID"}
    return Identity(**fields | changes)


def record(**changes: Any) -> Record:
    fields: dict[str, Any] = {"instance": "mnt:[1] 2", "identity": identity(), "umask": None, "keep_caps": ()}
    return Record(**fields | {"no_new_privs": True, "bounding_set": "keep", "environment": ()} | changes)


def drop_of(made: Plan) -> PrivilegesStep:
    """The drop, which is the last step."""
    last = made.steps[-1]
    assert isinstance(last, PrivilegesStep)
    return last


def kinds(steps: "tuple[Any, ...]") -> list[str]:
    return [step.kind for step in steps]


def only(steps: "tuple[Value, ...]", kind: str) -> Any:
    """The one step of this kind."""
    (found,) = [step for step in steps if step.kind == kind]  # type: ignore[attr-defined]
    return found
