"""Checks the identity of this process: its ids, its groups, and their names."""

from pydrop.ctl.verifying.check_result import Check, fail, ok, skip, warn
from pydrop.ctl.verifying.subject import Subject
from pydrop.planning.step_builders import MIND_THEIR_NAME

BEHIND = (
    "run it behind the entrypoint: docker run --rm IMAGE pydropctl verify, where ENTRYPOINT is pydrop; "
    "in a container that runs: docker exec CONTAINER pydrop pydropctl verify"
)
AS_ROOT = "this is root, not the program's user"
KINDS = ("real", "effective", "saved", "filesystem")


def checks(subject: Subject) -> list[Check]:
    return [
        _not_root(subject),
        _roots_group(subject),
        _identity(subject),
        _groups(subject),
        _name(subject),
        _group_name(subject),
        _user(subject),
    ]


def _shown(ids: tuple[int, ...]) -> str:
    """``1500``, or each id with its kind where they differ."""
    if len(set(ids)) == 1:
        return f"{ids[0]}"
    return ", ".join([f"{kind} {number}" for kind, number in zip(KINDS, ids, strict=True)])


def _not_root(subject: Subject) -> Check:
    uids = subject.held.uids
    if not subject.is_root:
        return ok("not root", f"uid {_shown(uids)}")
    if subject.root_was_asked_for and subject.wanted:
        return warn("not root", f"uid {_shown(uids)}, because {subject.wanted.why} asks for it", "leave that out")
    return fail("not root", f"uid {_shown(uids)}: {AS_ROOT}", BEHIND)


def _roots_group(subject: Subject) -> Check:
    name = "not in root's group"
    if 0 not in subject.groups:
        return ok(name, f"gid {_shown(subject.held.gids)}")
    where = f"gid {_shown(subject.held.gids)}"
    if 0 not in subject.held.gids:
        where = "gid 0 is one of the supplementary groups"
    source = _asks_for_group_0(subject)
    if source:
        return warn(name, f"{where}, because {source} asks for it", "leave that out where the program can do without")
    if subject.is_root:
        return skip(name, "root was asked for" if subject.root_was_asked_for else AS_ROOT)
    return fail(
        name,
        f"{where}, and nobody asked for it: it opens what root's group may read and write",
        "start it as another group (docker: --user 1500:1500), or set PGID=0 to say that it must be (OpenShift)",
    )


def _asks_for_group_0(subject: Subject) -> str:
    """The source of the setting that asks for gid 0 explicitly, or ""."""
    settings, user = subject.settings, subject.settings.user
    if settings.pgid is not None:
        return settings.pgid.source if settings.pgid.number == 0 else ""
    if user is not None and (user.gid == 0 or user.group == "root"):
        return user.source
    return subject.asked("groups") if {0, "root"} & set(settings.groups) else ""


def _identity(subject: Subject) -> Check:
    """Each id that a setting names must be the id that this process holds."""
    name, held, wanted = "ids as asked", subject.held, subject.wanted
    shown = f"{_shown(held.uids)}:{_shown(held.gids)}"
    if subject.is_root and not subject.root_was_asked_for:
        return skip(name, AS_ROOT)
    if wanted is None:
        return warn(name, f"whom to become cannot be found out by this user: {subject.undecided}", "set PUID and PGID")
    uid, gid = _named(subject)
    if (uid and held.uids != (wanted.uid,) * 4) or (gid and held.gids != (wanted.gid,) * 4):
        right = f"{wanted.uid if uid else held.uids[1]}:{wanted.gid}"
        return fail(
            name,
            f"{shown}, but {wanted.why} means {right}",
            f"what started it did not obey: {BEHIND}, and leave out user: in compose (--user, runAsUser)",
        )
    return ok(name, f"{shown} ({wanted.why})" if uid or gid else f"{shown}; nobody asked for numbers")


def _named(subject: Subject) -> tuple[bool, bool]:
    """Whether settings name the uid, and the gid. Settings that name the user name its gid too."""
    settings, user = subject.settings, subject.settings.user
    uid = settings.puid is not None or settings.owner_of is not None
    gid = settings.pgid is not None
    if user is not None:
        uid = uid or user.uid is not None or user.name is not None
        gid = gid or user.gid is not None or user.group is not None
    return uid, uid or gid


def _groups(subject: Subject) -> Check:
    """All groups that were asked for are held, and none that only root's own membership explains."""
    name, held = "groups", subject.groups
    if subject.is_root:
        return skip(name, "this is root, whose groups are its own")
    if subject.wanted is None:
        return skip(name, f"not known which are right: {subject.undecided}")
    same = subject.held.uids[1] == subject.wanted.uid
    # the groups that the account, the settings, the devices and the runtime explain
    right = set(subject.wanted.groups) if same else held
    missing, surplus = right - held, held - right - {subject.held.gids[1], 0}  # gid 0 has its own check
    if missing:
        return fail(
            name,
            f"not in {_listed(missing)}, which {_why(subject)} asked for",
            "start the container as root, so that pydrop can join them; or grant them: --group-add",
        )
    if surplus:
        return fail(
            name,
            f"in {_listed(surplus)}, which are root's own by the image's /etc/group and nobody asked for",
            "whatever dropped root kept root's groups: let pydrop do it, or name them in PYDROP_GROUPS",
        )
    return ok(name, _listed(held) if held else "none")


def _why(subject: Subject) -> str:
    asked = [subject.asked(name) for name in ("groups", "devices") if subject.asked(name)]
    return ", ".join(asked) or "the account's entry in /etc/group"


def _listed(gids: set[int]) -> str:
    return ", ".join([str(gid) for gid in sorted(gids)])


def _name(subject: Subject) -> Check:
    uid = subject.held.uids[1]
    if subject.names.user:
        return ok("own name", f"uid {uid} is {subject.names.user}")
    return fail(
        "own name",
        f"uid {uid} has no name: {MIND_THEIR_NAME} may refuse to work",
        "install libnss-wrapper (Debian) or nss_wrapper (Alpine, Fedora) in the image, or leave out read_only and "
        "user:, and pydrop makes an account",
    )


def _group_name(subject: Subject) -> Check:
    gid = subject.held.gids[1]
    if subject.names.group:
        return ok("group's name", f"gid {gid} is {subject.names.group}")
    return warn("group's name", f"gid {gid} has no name: `id` and `ls -l` show a number", "see own name")


def _user(subject: Subject) -> Check:
    """USER and LOGNAME must hold the name that the name service gives this user."""
    name, real = "USER and LOGNAME", subject.names.user
    values = {variable: subject.environment.get(variable, "") for variable in ("USER", "LOGNAME")}
    unset = [variable for variable, value in values.items() if not value]
    wrong = [f"{variable}={value}" for variable, value in values.items() if value and real and value != real]
    if wrong:
        return fail(
            name,
            f"{', '.join(wrong)}, but this user is {real}",
            "take them out of the container's environment, and pydrop sets them",
        )
    if unset:
        return warn(name, f"{' and '.join(unset)} not set: some programs go by them", BEHIND)
    return ok(name, ", ".join([f"{variable}={value}" for variable, value in values.items()]))
