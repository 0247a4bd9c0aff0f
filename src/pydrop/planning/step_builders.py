"""The steps of a start as values: each a postcondition, with the words that name it everywhere."""

from pydrop import accounts, tmpfiles
from pydrop.capabilities import mask_of
from pydrop.model import AccountChange, Facts, Identity, Settings
from pydrop.steps import (
    AccountsStep,
    HooksStep,
    PrivilegesStep,
    Record,
    RecordStep,
    RunEntry,
    RuntimeStep,
    SecretsStep,
    Step,
    StreamsStep,
    VolumesStep,
)

OF_INIT_MODE = (
    *("stop-signal", "stop-timeout", "kill-grace", "rewrite", "signal-group", "exit-code", "pdeathsig"),
    *("ready", "ready-file", "keep-root"),
)
MIND_THEIR_NAME = "git, ssh, whoami, PostgreSQL's initdb and Python's getpass"
RUN_SPECIFIERS = {  # tmpfiles.d(5), for root; those that name a machine or a boot mean nothing in a container
    "%": "%",
    "t": "/run",
    "T": "/tmp",
    "V": "/var/tmp",
    "S": "/var/lib",
    "C": "/var/cache",
    "L": "/var/log",
    "h": "/root",
    "u": "root",
    "U": "0",
    "g": "root",
    "G": "0",
}


def account_step(facts: Facts, change: AccountChange) -> AccountsStep:
    account = change.account
    right = (
        not facts.stray_files
        and accounts.passwd_with(facts.passwd, change) == facts.passwd
        and accounts.group_with(facts.group, change) == facts.group
    )
    how = facts.account_files
    if how == "no":
        how = "wrapper" if facts.nss_wrapper else "environment"
    return AccountsStep(
        kind="accounts",
        words=f"account {account.name} is {account.uid}:{account.gid}",
        change=change,
        how="rename" if right else how,
        library=facts.nss_wrapper or "",
        done=right,
    )


def without_entry(uid: int, hindrance: str) -> str:
    """The warning where no account entry can be had, and what of the container's settings stands in the way."""
    return (
        f"user {uid} has no name here, since /etc/passwd cannot be written: {MIND_THEIR_NAME} may refuse to work; "
        f"install libnss-wrapper (Debian) or nss_wrapper (Alpine, Fedora) in the image, or leave out {hindrance}"
    )


def home_for(who: Identity, change: AccountChange, facts: Facts, settings: Settings) -> tuple[RunEntry, ...]:
    """An account that is made gets its home folder; on a read-only root its home is /tmp."""
    if change.former is not None or who.uid == 0:
        return ()
    if settings.home is None and not facts.root_folder_writable:
        who.home = change.account.home = "/tmp"
        return ()
    return (RunEntry(kind="d", path=who.home, mode=0o700, uid=who.uid, gid=who.gid),)


def runtime(
    settings: Settings, facts: Facts, who: Identity, change: AccountChange, home: tuple[RunEntry, ...]
) -> tuple[RuntimeStep, list[str]]:
    """/run as the image's packages declare it, and what of that cannot be understood."""
    declared, said = _declared(facts, change)
    source = settings.sources.get("run-dirs", "")
    asked = [
        RunEntry(kind="d", path=path, mode=0o755, uid=who.uid, gid=who.gid, source=source or "run-dirs", exact=True)
        for path in settings.run_dirs
    ]
    step = RuntimeStep(
        kind="runtime",
        words=", ".join(["/run", "/tmp", *settings.run_dirs]) + " are there and owned rightly",
        why=source,
        entries=tmpfiles.merged(asked, declared, tmpfiles.standard_entries(), home),
        done=facts.run_stands and not (declared or asked or home),
    )
    return step, said


def _declared(facts: Facts, change: AccountChange) -> tuple[list[RunEntry], list[str]]:
    """tmpfiles.d's entries, owned by the numbers that the accounts have once the account step is done."""
    if not facts.tmpfiles:
        return [], []
    users = {a.name: a.uid for a in reversed(accounts.accounts(accounts.passwd_with(facts.passwd, change)))}
    groups = {g.name: g.gid for g in reversed(accounts.groups(accounts.group_with(facts.group, change)))}
    return tmpfiles.entries(facts.tmpfiles, users, groups, RUN_SPECIFIERS)


def streams(who: Identity) -> list[Step]:
    if who.uid == 0:
        return []
    return [StreamsStep(kind="streams", words="the user can open /dev/stdin, /dev/stdout and /dev/stderr", uid=who.uid)]


def volumes(settings: Settings, who: Identity) -> list[Step]:
    if not settings.volumes:
        return []
    named = ", ".join([f"{volume.path} ({volume.policy})" for volume in settings.volumes])
    return [
        VolumesStep(
            kind="volumes",
            words=f"{named}: owned by {who.uid}:{who.gid}",
            why=settings.sources.get("chown", ""),
            volumes=settings.volumes,
            uid=who.uid,
            gid=who.gid,
            groups=who.groups,
            errors=settings.chown_errors,
        )
    ]


def secrets(settings: Settings) -> list[Step]:
    if not settings.secrets:
        return []
    words = ", ".join([f"{secret.name} from {secret.path}" for secret in settings.secrets])
    why = ", ".join([secret.pointer for secret in settings.secrets])
    return [SecretsStep(kind="secrets", words=words, why=why, secrets=settings.secrets)]


def hooks(settings: Settings, facts: Facts) -> list[Step]:
    if not facts.hooks:
        return []
    words = "run as root: " + ", ".join(facts.hooks)
    why = settings.sources.get("hooks", "")
    return [HooksStep(kind="hooks", words=words, why=why, hooks=facts.hooks, command=settings.command)]


def record(settings: Settings, facts: Facts, who: Identity) -> RecordStep:
    kept = Record(
        instance=facts.instance,
        identity=who,
        umask=settings.umask,
        keep_caps=settings.keep_caps,
        no_new_privs=settings.no_new_privs,
        environment=(),
    )
    return RecordStep(kind="record", words="/run/pydrop/record tells a later `exec` who the program is", record=kept)


def oom(settings: Settings) -> list[Step]:
    if settings.oom_score_adj is None:
        return []
    from pydrop.steps import OomStep

    words = f"the kernel's out-of-memory killer counts the program by {settings.oom_score_adj} more"
    return [OomStep(kind="oom", words=words, why=settings.sources["oom-score-adj"], score_adj=settings.oom_score_adj)]


def init(settings: Settings, facts: Facts, who: Identity, no_new_privs: bool) -> list[Step]:
    if not settings.init:
        return []
    from pydrop.planning import init_step

    return [init_step.step(settings, facts, who, no_new_privs)]


def without_init(settings: Settings) -> list[str]:
    """A warning where something is set that only init mode heeds."""
    named = [] if settings.init else [settings.sources[name] for name in settings.sources if name in OF_INIT_MODE]
    if not named:
        return []
    return [f"{', '.join(named)} means nothing without init mode; add PYDROP_INIT=1 (or --init), or leave it out"]


def privileges(who: Identity, keep_caps: tuple[str, ...], umask: int | None, no_new_privs: bool) -> PrivilegesStep:
    """The drop, in words that say all of it."""
    groups = " ".join([str(gid) for gid in who.groups]) or "none"
    kept = f"keeps {', '.join(keep_caps)}" if keep_caps else "no capability"
    words = [f"{who.uid}:{who.gid}", f"groups {groups}", kept]
    if who.uid == 0:
        words = [f"stays root (0:{who.gid})", f"groups {groups}"]
    if no_new_privs:
        words.append("no_new_privs")
    if umask is not None:
        words.append(f"umask {umask:03o}")
    return PrivilegesStep(
        kind="privileges",
        words=", ".join(words),
        why=who.why,
        identity=who,
        keep_caps=mask_of(keep_caps),
        no_new_privs=no_new_privs,
        umask=umask,
        keep_root=who.uid == 0,
    )


def environment(who: Identity, facts: Facts) -> tuple[tuple[str, str], ...]:
    """HOME, USER and LOGNAME. A HOME that somebody set on purpose stays: the runtime's is root's own."""
    came = home_that_came(facts)
    lines = [line for line in facts.passwd.split("\n") if ":0:" in line]
    roots = [account.home for account in accounts.accounts("\n".join(lines)) if account.uid == 0]
    names = (("USER", who.name), ("LOGNAME", who.name))
    return names if came not in ("", "/", "/root", *roots) else (("HOME", who.home), *names)


def home_that_came(facts: Facts) -> str:
    """The HOME that this process was started with, "" where there was none."""
    return next((line[5:] for line in facts.environment if line.startswith("HOME=")), "")
