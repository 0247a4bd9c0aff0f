"""The step that looks whether the program can write what is mounted and no setting names; and the words about it.

`orders` loads this module only where such a mount is there. doctor and verify word their findings by it too.
"""

from pydrop.model import Settings
from pydrop.planning.decision import Decision
from pydrop.steps import MountsStep, Step

Mounts = tuple[tuple[str, str], ...]

SHOWN = 4  # mounts that a message names
ONLY_READ = "what is only read can be mounted read-only (:ro)"
LONGEST = 200  # bytes of a path that a message shows
# What a chown never gives away (perform.ownership refuses it), so that no message asks for that.
SYSTEM = frozenset(
    "/bin /boot /etc /home /lib /lib32 /lib64 /libx32 /root /sbin /usr /usr/local /usr/bin /usr/sbin /usr/lib "
    "/usr/local/bin /usr/local/sbin /var".split()
)
# Filesystems without owners of their own: one is shown for all files, which only a mount option changes.
ONE_OWNER = ("cifs", "exfat", "msdos", "ntfs", "smb", "vboxsf", "vfat", "fuseblk")


def steps(decision: Decision) -> list[Step]:
    """The step, where a mount is left that no setting names; not for who may write everything."""
    who = decision.who
    left = unnamed(decision.facts.mounts, decision.settings, decision.facts.environment, who.home)
    if not left or who.uid == 0 or "dac_override" in decision.keep_caps:
        return []
    words = f"{who.name} can write {few([point for point, _ in left])}, or a warning says so"
    root = decision.facts.credentials.uids[1] == 0
    return [MountsStep(words=words, mounts=left, identity=who, root=root, listed=listed(decision.settings))]


def unnamed(mounts: Mounts, settings: Settings, environment: tuple[str, ...], home: str) -> Mounts:
    """The mounts that no setting names: neither themselves, nor something in them, nor a volume that includes them.

    In a mount that holds the program's `home` the home is what the program writes."""
    named = {_plain(path) for path in _named(settings, environment)}
    named |= {path[:end] for path in {*named, home} for end in range(len(path)) if path[end] == "/"}
    wide = [f"{v.path}/" for v in settings.volumes if v.across_mounts or v.policy == "never"]
    return tuple([m for m in mounts if m[0] not in named and not m[0].startswith(tuple(wide))])


def _named(settings: Settings, environment: tuple[str, ...]) -> list[str]:
    """Every path that a setting names, the settings file too: it and the hooks must stay root's."""
    paths = [volume.path for volume in settings.volumes]
    paths += [*settings.run_dirs, *settings.devices, *[secret.path for secret in settings.secrets]]
    paths += [settings.hooks, settings.user_hooks]
    paths += [path for path in (settings.home, settings.owner_of, settings.ready_file) if path]
    return [*paths, *[line[14:] for line in environment if line.startswith("PYDROP_CONFIG=")]]


def _plain(path: str) -> str:
    """The path without a slash at its end, and below /run where it goes through the link /var/run."""
    path = path.rstrip("/")
    return path[4:] if path.startswith("/var/run/") else path


def listed(settings: Settings) -> str:
    """PYDROP_CHOWN as it is now.

    A list from a stronger source replaces the weaker one as a whole; [[volume]] tables stay in force beside it."""
    volumes = [volume for volume in settings.volumes if "[[volume]]" not in volume.source]
    return ":".join([v.path if v.policy == settings.chown_policy else f"{v.path}:{v.policy}" for v in volumes])


def warning(step: MountsStep, refused: list[str], closed: list[str]) -> str:
    """The one warning about mounts that the user cannot write, and about those below a folder closed to that user."""
    who, types = step.identity, dict(step.mounts)
    problems: list[str] = []
    remedies: list[str] = []
    if refused:
        problems += [f"cannot write the mounted {few(refused)}, which no setting names"]
        remedies += _for_refused(step, refused, types)
    if closed:
        problems += [f"cannot enter a folder above the mounted {few(closed)}"]
        remedies += ["mount that elsewhere, or open the folder above it: RUN chmod a+x in the Dockerfile"]
    return f"{who.name} ({who.uid}:{who.gid}) {' and '.join(problems)}; {'; '.join(remedies)}"


def _for_refused(step: MountsStep, refused: list[str], types: dict[str, str]) -> list[str]:
    who = step.identity
    remedies: list[str] = []
    mapped = [path for path in refused if types[path].startswith("idmapped")]
    fixed = [path for path in refused if types[path].startswith(ONE_OWNER)]
    ownable = [path for path in refused if path not in mapped + fixed and path not in SYSTEM]
    if fixed:
        remedies += [f"mount {few(fixed)} with the options uid={who.uid},gid={who.gid}"]
    if mapped:
        remedies += [f"idmap {few(mapped)} so that it shows {who.uid}:{who.gid} as owner"]
    if ownable and step.root:
        remedies += [to_own(step.listed, ownable)]
    elif ownable:
        group = f" (Kubernetes: securityContext: {{fsGroup: {who.gid}}})" if who.gid else ""
        remedies += [f"on the host: chown {who.uid}:{who.gid} the folder{group}"]
    return [*remedies, ONLY_READ]


def to_own(before: str, paths: list[str]) -> str:
    """The line that has these paths chowned at the next start, for compose and for docker run."""
    if not all([fits_list(path) for path in paths]):
        return "name it in a [[volume]] table of /etc/pydrop.toml"
    added = ":".join(paths[:SHOWN])
    if len(before) > LONGEST * SHOWN:
        return f"to own it, add {added} to PYDROP_CHOWN"
    value = f"{before}:{added}" if before else added
    option = f"-e 'PYDROP_CHOWN={value}'" if " " in value else f"-e PYDROP_CHOWN={value}"
    return f'to own it, add environment: {{PYDROP_CHOWN: "{value}"}} in compose (docker run: {option})'


def fits_list(path: str) -> bool:
    """Whether PYDROP_CHOWN can hold the path: its items are divided by colons, and its message shows it whole."""
    odd = any([character in path for character in ":,;\"'$\\"]) or " /" in path or path != path.strip()
    return path.isprintable() and not odd and len(path) <= LONGEST


def few(paths: list[str]) -> str:
    """The first paths, each cut to what a message may show, and how many more there are."""
    more = f" and {len(paths) - SHOWN} more" if len(paths) > SHOWN else ""
    return f"{', '.join([path if len(path) <= LONGEST else path[:LONGEST] + '...' for path in paths[:SHOWN]])}{more}"
