"""Builders of steps: each function builds one kind of step, with the words that name it in plan, log and timeline.

A function returns no step where no setting and no fact asks for one. `orders` says in which order they are called.
The steps that only a start without root has are in `own_steps`.
"""

from pydrop import accounts as account_texts
from pydrop import tmpfiles
from pydrop.capabilities import mask_of
from pydrop.model import Facts, Identity, Settings
from pydrop.planning.decision import Decision, record_of
from pydrop.steps import (
    AccountsStep,
    PrivilegesStep,
    RecordStep,
    RunEntry,
    RuntimeStep,
    SecretsStep,
    Step,
    StreamsStep,
)

OF_INIT_MODE = (  # settings that have no effect without init mode
    *("stop-signal", "stop-timeout", "kill-grace", "rewrite", "signal-group", "exit-code", "pdeathsig"),
    *("ready", "ready-file", "keep-root"),
)
MIND_THEIR_NAME = "git, ssh, whoami, PostgreSQL's initdb and Python's getpass"  # they fail for a uid without a name
RUN_SPECIFIERS = {  # tmpfiles.d(5), for root; without those of a machine or a boot, which a container does not have
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


def accounts(decision: Decision) -> list[Step]:
    facts, change = decision.facts, decision.change
    assert change is not None
    account = change.account
    unchanged = (
        not facts.stray_files
        and account_texts.passwd_with(facts.passwd, change) == facts.passwd
        and account_texts.group_with(facts.group, change) == facts.group
    )
    how = "rename" if unchanged else facts.account_files
    if how == "no":
        how = "wrapper" if facts.nss_wrapper else "environment"
    if how == "environment":
        decision.warnings.append(without_entry(decision.who.uid, "read_only"))
    return [
        AccountsStep(
            words=f"account {account.name} is {account.uid}:{account.gid}",
            change=change,
            how=how,
            library=facts.nss_wrapper or "",
            done=unchanged,
        )
    ]


def without_entry(uid: int, hindrance: str) -> str:
    """The warning where no account entry is possible. `hindrance` is the container's setting that prevents it."""
    return (
        f"user {uid} has no name here, since /etc/passwd cannot be written: {MIND_THEIR_NAME} may refuse to work; "
        f"install libnss-wrapper (Debian) or nss_wrapper (Alpine, Fedora) in the image, or leave out {hindrance}"
    )


def without_bit(path: str) -> str:
    """The warning about a program in a folder of hooks that nobody may execute."""
    return (
        f"the hook {path} is not run: it has no execute bit; chmod a+x it in the image (COPY --chmod=0755), "
        "or take it away"
    )


def runtime(decision: Decision) -> list[Step]:
    """The entries of /run that the image's packages declare, the standard ones, run-dirs, and a new account's home.

    A declaration that cannot be read becomes a warning."""
    settings, facts, who = decision.settings, decision.facts, decision.who
    declared, warnings = _declared(decision)
    decision.warnings += warnings
    home = (RunEntry(kind="d", path=who.home, mode=0o700, uid=who.uid, gid=who.gid),) if decision.makes_home else ()
    source = settings.sources.get("run-dirs", "")
    asked = [
        RunEntry(kind="d", path=path, mode=0o755, uid=who.uid, gid=who.gid, source=source or "run-dirs", exact=True)
        for path in settings.run_dirs
    ]
    return [
        RuntimeStep(
            words=", ".join(["/run", "/tmp", *settings.run_dirs]) + " are there and owned rightly",
            why=source,
            entries=tmpfiles.merged(asked, declared, tmpfiles.standard_entries(), home),
            done=facts.run_stands and not (declared or asked or home),
            hooks_folder=settings.hooks,
        )
    ]


def _declared(decision: Decision) -> tuple[list[RunEntry], list[str]]:
    """The entries of tmpfiles.d, and a warning for each line that cannot be read.

    Their owners have the numbers that the account files will hold after the accounts step."""
    facts, change = decision.facts, decision.change
    if not facts.tmpfiles or change is None:
        return [], []
    passwd = account_texts.passwd_with(facts.passwd, change)
    group = account_texts.group_with(facts.group, change)
    users = {account.name: account.uid for account in reversed(account_texts.accounts(passwd))}
    groups = {each.name: each.gid for each in reversed(account_texts.groups(group))}
    from pydrop.tmpfiles import lines

    return lines.entries(facts.tmpfiles, users, groups, RUN_SPECIFIERS)


def home(decision: Decision) -> list[Step]:
    """The home step. Nearly no start has one, so its module is loaded only where the account's numbers change."""
    if not decision.changes_numbers or decision.change is None:
        return []
    from pydrop.planning import home_step

    return home_step.steps(decision.settings, decision.who, decision.change, decision.facts.places)


def streams(decision: Decision) -> list[Step]:
    who = decision.who
    if who.uid == 0:
        return []
    return [StreamsStep(words="the user can open /dev/stdin, /dev/stdout and /dev/stderr", uid=who.uid)]


def volumes(decision: Decision) -> list[Step]:
    if not decision.settings.volumes:
        return []
    from pydrop.planning import volumes_step

    return volumes_step.steps(decision)


def secrets(decision: Decision) -> list[Step]:
    settings = decision.settings
    if not settings.secrets:
        return []
    words = ", ".join([f"{secret.name} from {secret.path}" for secret in settings.secrets])
    why = ", ".join([secret.pointer for secret in settings.secrets])
    return [SecretsStep(words=words, why=why, secrets=settings.secrets)]


def oom(decision: Decision) -> list[Step]:
    settings = decision.settings
    if settings.oom_score_adj is None:
        return []
    from pydrop.steps import OomStep

    words = f"the kernel's out-of-memory killer counts the program by {settings.oom_score_adj} more"
    return [OomStep(words=words, why=settings.sources["oom-score-adj"], score_adj=settings.oom_score_adj)]


def init(decision: Decision) -> list[Step]:
    settings = decision.settings
    if not settings.init:
        return []
    from pydrop.planning import init_step

    return [init_step.step(decision)]


def without_init(settings: Settings) -> list[str]:
    """A warning where a setting was given that only init mode uses."""
    named = [] if settings.init else [settings.sources[name] for name in settings.sources if name in OF_INIT_MODE]
    if not named:
        return []
    return [f"{', '.join(named)} means nothing without init mode; add PYDROP_INIT=1 (or --init), or leave it out"]


def without_user_hooks(facts: Facts) -> list[str]:
    return [facts.without_user_hooks] if facts.without_user_hooks else []


def privileges(decision: Decision) -> list[Step]:
    return [drop_of(decision)]


def drop_of(wanted: Decision) -> PrivilegesStep:
    """The drop; its words name all that the program keeps."""
    who, umask = wanted.who, wanted.umask
    groups = " ".join([str(gid) for gid in who.groups]) or "none"
    if wanted.facts.hooks:
        groups += " and those that a hook adds"
    kept = f"keeps {', '.join(wanted.keep_caps)}" if wanted.keep_caps else "no capability"
    words = [f"{who.uid}:{who.gid}", f"groups {groups}", kept]
    if who.uid == 0:
        words = [f"stays root (0:{who.gid})", f"groups {groups}"]
    words += ["no_new_privs"] if wanted.no_new_privs else []
    words += ["empty bounding set"] if wanted.empties_bounding_set else []
    if umask is not None:
        words.append(f"umask {umask:03o}")
    return PrivilegesStep(
        words=", ".join(words),
        why=who.why,
        identity=who,
        keep_caps=mask_of(wanted.keep_caps),
        no_new_privs=wanted.no_new_privs,
        umask=umask,
        keep_root=who.uid == 0,
        empty_bounding=wanted.empties_bounding_set,
    )


def environment(who: Identity, facts: Facts) -> tuple[tuple[str, str], ...]:
    """HOME, USER and LOGNAME of the program. Only a HOME of root's, a runtime's default, is replaced."""
    came = home_that_came(facts)
    lines = [line for line in facts.passwd.split("\n") if ":0:" in line]
    roots = [account.home for account in account_texts.accounts("\n".join(lines)) if account.uid == 0]
    names = (("USER", who.name), ("LOGNAME", who.name))
    return names if came not in ("", "/", "/root", *roots) else (("HOME", who.home), *names)


def home_that_came(facts: Facts) -> str:
    """The HOME that this process was started with; "" where it had none."""
    return next((line[5:] for line in facts.environment if line.startswith("HOME=")), "")


def record(decision: Decision) -> list[Step]:
    return [RecordStep(words="/run/pydrop/record tells a later `exec` who the program is", record=record_of(decision))]
