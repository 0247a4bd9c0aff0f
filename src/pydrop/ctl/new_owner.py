"""Who gets the volumes of `pydropctl chown`: whom --user names, else whom a start here would make the program."""

import os

from pydrop import accounts, inspection
from pydrop.accounts.lookup import account_numbered
from pydrop.errors import BadSetting, NotPermitted
from pydrop.model import Identity, Settings, Start
from pydrop.planning import limits
from pydrop.settings import account_names
from pydrop.settings.raw_setting import RawSetting

WHO = ("user", "puid", "pgid", "owner-of")  # settings that name a new owner


def receiver(user: str | None, dry: bool) -> Identity:
    """The identity that gets the volumes: decided, looked up and mapped as a start does it for its program."""
    if os.geteuid() != 0 and not dry:
        raise NotPermitted(
            f"user {os.geteuid()} cannot give files to others, only root can",
            "run it as root (docker: --user 0, Kubernetes: securityContext: {runAsUser: 0}), or look with --dry-run",
        )
    lines = tuple([f"{name}={value}" for name, value in os.environ.items()])
    start = Start(name="pydrop", arguments=("true",), environment=lines, ignored=(), blocked=())
    settings = _from_option(user) if user is not None else _from_settings(start)
    facts = inspection.look(settings, start)
    if user is not None:
        _complete(settings, facts.passwd)
    groups = limits.granted_groups(facts)
    try:
        identity = accounts.identity(settings, facts.passwd, facts.group, facts.owner, groups, ())[0]
    except BadSetting as error:
        if user is None:
            raise
        raise BadSetting(error.problem, "correct it, or write numbers, as --user 1000:1000") from error
    limits.require_mapped(facts.uid_map, facts.gid_map, identity)
    return identity


def _from_option(word: str) -> Settings:
    given = RawSetting(name="user", source="--user", value=word)
    asked = account_names.user(given)
    if asked.name is None and asked.uid is None:
        raise given.refuse("names no user, only a group", f"write both, as --user 1000{word.strip()}")
    return Settings(user=asked, hooks="", sources={"user": "--user"})


def _complete(settings: Settings, passwd: str) -> None:
    """A number without a group means the group of the account that has the number, else the same number; no other
    account of the image is meant."""
    asked = settings.user
    if asked is None or asked.uid is None or asked.group is not None or asked.gid is not None:
        return
    account = account_numbered(accounts.accounts(passwd), asked.uid)
    asked.gid = account.gid if account else asked.uid


def _from_settings(start: Start) -> Settings:
    """The settings of the user, as a start with this environment and settings file has them."""
    settings = inspection.read_settings(start)
    sources = {name: source for name, source in settings.sources.items() if name in (*WHO, "groups")}
    if not any([name in sources for name in WHO]):
        raise BadSetting("nobody is named who gets it", "add --user 1000:1000, or set PUID and PGID")
    return Settings(
        user=settings.user,
        puid=settings.puid,
        pgid=settings.pgid,
        owner_of=settings.owner_of,
        groups=settings.groups,
        hooks="",
        sources=sources,
    )
