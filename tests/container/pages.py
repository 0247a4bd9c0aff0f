"""The pages and compose files as what they ask for, so that the tests run what a reader runs."""

import re
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import yaml

EXAMPLES = Path(__file__).resolve().parent.parent.parent / "examples"
FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
WITH_VALUE = {"-e", "-v", "-p", "-w", "--name", "--user", "--tmpfs", "--security-opt", "--sysctl", "--device"}
WITH_VALUE |= {"--group-add", "--stop-timeout", "--cap-add", "--cap-drop", "--entrypoint"}
ALONE = {"-d", "--rm", "--read-only", "-it"}


class Run:
    """One `docker run`: pairs of an option and its value ("" where it has none), the image, the command."""

    def __init__(self, words: list[str]) -> None:
        self.options: list[tuple[str, str]] = []
        while words[0].startswith("-"):
            option = words.pop(0)
            assert option in WITH_VALUE | ALONE, f"{option}: teach the tests what it is"
            self.options.append((option, words.pop(0) if option in WITH_VALUE else ""))
        self.image, *self.command = words

    def values(self, option: str) -> list[str]:
        return [value for name, value in self.options if name == option]

    @property
    def environment(self) -> dict[str, str]:
        return dict(value.split("=", 1) for value in self.values("-e"))

    @property
    def user(self) -> tuple[int, int]:
        """Who its program is to be."""
        given = self.values("--user")
        uid, gid = given[0].split(":") if given else (self.environment["PUID"], self.environment["PGID"])
        return int(uid), int(gid)

    def said_alike(self) -> tuple[list[tuple[str, str]], str, list[str]]:
        """What a compose file says too: not the container's name, nor whether it stays in the foreground."""
        kept = sorted(pair for pair in self.options if pair[0] not in ("-d", "--rm", "--name"))
        return kept, self.image, self.command


class Block:
    """What a page has somebody type, and what pydrop then says, by the page."""

    def __init__(self, page: Path, shell: str, text: str) -> None:
        self.page, self.shell = page, shell
        lines = shell.replace("\\\n", " ").splitlines()
        self.runs = [Run(shlex.split(line)[2:]) for line in lines if line.startswith("docker run ")]
        self.says = [level(line) for line in text.splitlines() if line.startswith("pydrop: ")]

    @property
    def way(self) -> str:
        """How it starts its containers."""
        last = self.runs[-1]
        ways = {"--user": "user", "--read-only": "read-only", "--security-opt": "no-new-privileges"}
        return next(
            (way for option, way in ways.items() if last.values(option) or (option, "") in last.options), "root"
        )


def level(line: str) -> str:
    """Without what is another number each time."""
    return re.sub(r"\b\d+ ms\b", "N ms", line)


def blocks(folder: Path) -> list[Block]:
    """Each block of a page that starts containers; the block behind it shows what pydrop says."""
    fences = FENCE.findall((folder / "README.md").read_text())
    pairs = zip(fences, [*fences[1:], ("", "")], strict=True)
    return [
        Block(folder / "README.md", shell, after if kind == "text" else "")
        for (language, shell), (kind, after) in pairs
        if language == "sh" and re.search(r"^docker run ", shell, re.MULTILINE)
    ]


def printed(folder: Path) -> str:
    """What a page says that its program prints."""
    (text,) = [text for language, text in FENCE.findall((folder / "README.md").read_text()) if language == "console"]
    return str(text)


Service = dict[str, Any]  # as YAML has it


def services(folder: Path) -> dict[str, Service]:
    found: dict[str, Service] = yaml.safe_load((folder / "compose.yaml").read_text())["services"]
    return found


OPTIONS = {  # a key of a compose service -> the option of `docker run`
    "ports": "-p",
    "volumes": "-v",
    "tmpfs": "--tmpfs",
    "devices": "--device",
    "security_opt": "--security-opt",
    "cap_add": "--cap-add",
    "cap_drop": "--cap-drop",
    "user": "--user",
    "working_dir": "-w",
}


def run_of(service: Service) -> Run:
    """A compose service as the `docker run` that says the same. A key that is not known here fails."""
    words: list[str] = []
    for key, value in service.items():
        if key == "environment":
            words += [word for name, text in value.items() for word in ("-e", f"{name}={text}")]
        elif key == "read_only" and value:
            words.append("--read-only")
        elif key in OPTIONS:
            words += [w for item in ([value] if isinstance(value, str) else value) for w in (OPTIONS[key], str(item))]
        else:
            assert key in ("image", "build", "command", "depends_on", "restart"), f"{key}: teach the tests what it is"
    return Run([*words, service["image"], *service.get("command", [])])


# -- a page that is read from its top to its end --------------------------------------------------

NAMED = re.compile(r"`([^`\n]+)`:\n+$")  # what the words before a block end with, where it is a file


class Step:
    """A block of a page: a file's text (`file` is its name), or commands, and what is shown of them behind it."""

    def __init__(self, language: str, text: str, file: str) -> None:
        self.language, self.text, self.file = language, text, file
        self.shows: str | None = None

    @property
    def commands(self) -> list[str]:
        return self.text.replace("\\\n", " ").splitlines()


def steps(text: str) -> list[Step]:
    """The blocks of a page in their order. One of `text` is what the block before it shows."""
    found: list[Step] = []
    matches = list(FENCE.finditer(text))
    assert 2 * len(matches) == text.count("```"), "a block that is not closed, or has no language, is run by nobody"
    for match in matches:
        language, block = match.groups()
        if language == "text":
            assert found and found[-1].shows is None and not found[-1].file, f"shown by no command: {block}"
            found[-1].shows = block
        else:
            named = NAMED.search(text[: match.start()])
            found.append(Step(language, block, named[1] if named else ""))
    return found


Test = TypeVar("Test", bound=Callable[..., object])


class Table:
    """The table of a page whose head begins with this cell. Each row is held by a test that names its first cell."""

    def __init__(self, page: Path, head: str) -> None:
        found = re.findall(rf"^\| ?{re.escape(head)} \|(.*)\|\n\|[-|]+\|\n((?:\|.*\n)+)", page.read_text(), re.M)
        ((heads, lines),) = found
        self.columns = [cell.strip() for cell in heads.split("|")]
        rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines.splitlines()]
        assert all(len(cells) == len(self.columns) for _, *cells in rows)
        self.rows: dict[str, list[str]] = {first: cells for first, *cells in rows}
        assert len(self.rows) == len(rows), "two rows begin alike"
        self.held: set[str] = set()

    def held_by(self, *firsts: str) -> Callable[[Test], Test]:
        """Says of a test which rows it holds. A row that is not there (any more) fails."""
        assert set(firsts) <= set(self.rows), f"no row begins {set(firsts) - set(self.rows)}"
        self.held |= set(firsts)
        return lambda test: test

    def cell(self, row: str, column: str) -> str:
        return self.rows[row][self.columns.index(column)]
