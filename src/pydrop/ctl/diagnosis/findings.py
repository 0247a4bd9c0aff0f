"""The values of a diagnosis: facts in sections, and changes with the lines to paste."""

from pydrop.model import Value


class Fact(Value):
    """One line of a section. `level`: "ok"; "note" is worth knowing; "problem" has a change, or it ends a start."""

    name: str
    found: str
    level: str = "ok"


class Section(Value):
    title: str
    facts: tuple[Fact, ...]


class Change(Value):
    """A recommended change and its reason `why`. `lines` are (the place to write it, the line itself).

    `key` names the subject of the change: of two changes with the same key only the first is shown."""

    key: str
    why: str
    lines: tuple[tuple[str, str], ...]


COMPOSE, DOCKER, KUBERNETES = "compose", "docker run", "Kubernetes"


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
    """Mount a tmpfs. The lines for Kubernetes have no options, since an emptyDir takes no mount options."""
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


def advice(key: str, why: str, remedy: str) -> Change:
    """A change whose remedy itself says where it is written."""
    return Change(key=key, why=why, lines=(("", remedy),))
