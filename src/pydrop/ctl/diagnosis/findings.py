"""The nouns of a diagnosis: facts in sections, and changes with the lines that make them."""

from pydrop.model import Value


class Fact(Value):
    """One line. `level`: "ok"; "note", worth knowing; "problem", which a change answers, or which ends a start."""

    name: str
    found: str
    level: str = "ok"


class Section(Value):
    title: str
    facts: tuple[Fact, ...]


class Change(Value):
    """What to change and why. `lines` are (where it is written, the line itself); `key` names what it is about: of two
    changes with the same key the first is told."""

    key: str
    why: str
    lines: tuple[tuple[str, str], ...]


COMPOSE, DOCKER, KUBERNETES, DOCKERFILE = "compose", "docker run", "Kubernetes", "Dockerfile"


def add_capabilities(why: str, names: list[str]) -> Change:
    return Change(
        key="capabilities",
        why=why,
        lines=(
            (COMPOSE, f"cap_add: [{', '.join(names)}]"),
            (DOCKER, " ".join([f"--cap-add {name}" for name in names])),
            (KUBERNETES, f"securityContext: {{capabilities: {{add: [{', '.join(names)}]}}}}"),
        ),
    )


def set_variable(key: str, why: str, name: str, value: str) -> Change:
    return Change(
        key=key,
        why=why,
        lines=(
            (COMPOSE, f'environment: {{{name}: "{value}"}}'),
            (DOCKER, f"-e {name}={value}"),
            (KUBERNETES, f'env: [{{name: {name}, value: "{value}"}}]'),
        ),
    )


def add_tmpfs(path: str, why: str, options: str = "") -> Change:
    """Kubernetes knows no options of a tmpfs."""
    name = path.strip("/").replace("/", "-")
    shown = f"{path}:{options}" if options else path
    return Change(
        key=f"tmpfs {path}",
        why=why,
        lines=(
            (COMPOSE, f'tmpfs: ["{shown}"]'),
            (DOCKER, f"--tmpfs {shown}"),
            (KUBERNETES, f"volumes: [{{name: {name}, emptyDir: {{medium: Memory}}}}]"),
            (KUBERNETES, f"volumeMounts: [{{name: {name}, mountPath: {path}}}]"),
        ),
    )


def start_as_root(why: str) -> Change:
    return Change(
        key="root",
        why=why,
        lines=(
            (COMPOSE, "take `user:` out of the service"),
            (DOCKER, "leave out --user"),
            (KUBERNETES, "securityContext: {runAsUser: 0, runAsNonRoot: false}"),
            (DOCKERFILE, "take out the last USER line"),
        ),
    )


def advice(key: str, why: str, remedy: str) -> Change:
    """A remedy that says itself where it is written."""
    return Change(key=key, why=why, lines=(("", remedy),))
