"""The step for the volumes that settings name. `step_builders` loads this module only where there are some."""

from pydrop.model import Facts, Identity, Settings, Volume
from pydrop.planning.decision import Decision
from pydrop.steps import Step, VolumesStep

MOUNT_IT = "mount it (volumes: [./data:{}]), or go on without it"
WALKED = ("mismatch", "on-root-mismatch", "unless-writable")  # policies that look below the top


def steps(decision: Decision) -> list[Step]:
    settings, who = decision.settings, decision.who
    return [
        VolumesStep(
            words=_words(settings, decision.facts, who),
            why=settings.sources.get("chown", ""),
            volumes=settings.volumes,
            uid=who.uid,
            gid=who.gid,
            groups=who.groups,
            errors=settings.chown_errors,
            hooks_folder=settings.hooks,
        )
    ]


def _words(settings: Settings, facts: Facts, who: Identity) -> str:
    """What becomes of the volumes: those of which the same is true are named together."""
    absent, shown = frozenset(missing(settings, facts)), shown_otherwise(settings, facts, who)
    inside = all_below(
        tuple([volume.path for volume in settings.volumes if volume.policy in WALKED]), settings, facts.places
    )
    found: dict[str, list[str]] = {}
    for volume in settings.volumes:
        outcome = f"owned by {who.uid}:{who.gid}"
        if volume.path in absent:
            outcome = "does not exist"
        elif volume.policy == "never":
            outcome = "left alone"
        elif volume.path in shown:
            outcome = "left alone, an idmapped mount that shows {}:{}".format(*shown[volume.path])
        elif _is_roots(volume.path, facts, who):
            outcome = "left alone, root's on the disk"
        found.setdefault(outcome, []).append(f"{volume.path} ({_policy(volume, facts, inside.get(volume.path, []))})")
    return "; ".join([f"{', '.join(volumes)}: {outcome}" for outcome, volumes in found.items()])


def _policy(volume: Volume, facts: Facts, left_out: list[str]) -> str:
    """The policy of a volume, and the volumes that its walk leaves out."""
    words = [volume.policy]
    if volume.policy == "idmap" and volume.path not in facts.roots:
        words += ["a mount that shows the owner of its top as this one"]
    return ", ".join([*words, *[f"without {path}" for path in left_out]])


def missing(settings: Settings, facts: Facts) -> tuple[str, ...]:
    """The paths of volumes that do not exist, and that no setting has made."""
    places = dict(facts.places)
    asked = [volume for volume in settings.volumes if volume.policy != "never" and not volume.create]
    return tuple([volume.path for volume in asked if places.get(volume.path) == ""])


def shown_otherwise(settings: Settings, facts: Facts, who: Identity) -> dict[str, tuple[int, int]]:
    """Path -> the owner that it shows, of each volume to chown on an idmapped mount that shows another than `who`."""
    asked = {volume.path for volume in settings.volumes if volume.policy != "never"}
    shown = {path: (uid, gid) for path, uid, gid in facts.idmapped}
    wrong = {path: owner for path, owner in shown.items() if path in asked and owner != (who.uid, who.gid)}
    return {path: owner for path, owner in wrong.items() if path not in facts.writable}


def notes(settings: Settings, facts: Facts, who: Identity) -> list[str]:
    """What the step will warn of when it is performed, as far as it is known: for who reads the plan."""
    from pydrop.planning import idmapped_words

    owner = f"{who.uid}:{who.gid}"
    told = [f"the volume {path} does not exist; {MOUNT_IT.format(path)}" for path in missing(settings, facts)]
    shown = shown_otherwise(settings, facts, who).items()
    roots = [path for path in facts.roots if _is_roots(path, facts, who) and path not in dict(shown)]
    told += [
        f"{idmapped_words.problem(path, found, owner)}; {idmapped_words.remedy(path, owner)}" for path, found in shown
    ]
    return told + [f"{idmapped_words.roots(path, owner)}; {idmapped_words.not_roots(path)}" for path in roots]


def _is_roots(path: str, facts: Facts, who: Identity) -> bool:
    """Whether a volume with the policy idmap is root's, which is shown as nobody else's."""
    return path in facts.roots and who.uid != 0


def below(path: str, settings: Settings, known: tuple[tuple[str, str], ...]) -> list[str]:
    """The other volumes that lie below `path`, by their own names or behind links: a walk of `path` leaves them out.

    `known` are Facts.places."""
    return all_below((path,), settings, known)[path]


def all_below(paths: tuple[str, ...], settings: Settings, known: tuple[tuple[str, str], ...]) -> dict[str, list[str]]:
    """The same of many paths at once."""
    places = dict(known)
    found: dict[str, list[str]] = {path: [] for path in paths}
    tops: dict[str, list[str]] = {}  # a name or a place -> the paths that have it
    for path in found:
        for name in {path, places.get(path) or path}:
            tops.setdefault(name, []).append(path)
    for volume in settings.volumes:
        names = {volume.path, places.get(volume.path) or volume.path}
        above = {name[:end] for name in names for end in range(1, len(name)) if name[end] == "/"}
        for path in {path for name in above & tops.keys() for path in tops[name]}:
            found[path].append(volume.path)
    return found
