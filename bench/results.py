"""A case that was measured, and whether the design's targets for it are met."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from timing import Command


class Target(Protocol):
    """One target of the design."""

    @property
    def words(self) -> str: ...

    def figure(self, result: "Result") -> str: ...

    def met(self, result: "Result") -> bool: ...


@dataclass
class Result:
    """One case. Its first command is pydrop's.

    Where a case is about what a volume adds to a start, `base` is the index of the same start without it, and what
    pydrop takes is the difference. In a case about growth, `sizes` are the entries of the commands' volumes.
    """

    name: str
    title: str
    commands: list[Command]
    targets: Sequence[Target] = ()
    base: int | None = None
    sizes: Sequence[int] = ()

    def cost(self, number: int = 0) -> float:
        """Seconds: that command's median, less the bare start's."""
        bare = 0.0 if self.base is None else self.commands[self.base].median
        return self.commands[number].median - bare

    def ratio(self, peer: int) -> float:
        """How many times as long as that command's median is what pydrop takes."""
        return self.cost() / self.commands[peer].median

    def each(self, number: int) -> float:
        """Seconds an entry of that command's volume."""
        return self.cost(number) / self.sizes[number]

    @property
    def met(self) -> bool | None:
        """None where there is no target."""
        return all(target.met(self) for target in self.targets) if self.targets else None


@dataclass(frozen=True)
class Row:
    """What one command was seen to take, in words; `beside` is what pydrop takes of it."""

    shown: str
    figure: str
    beside: str = ""
    runs: int = 1


@dataclass(frozen=True)
class Verdict:
    """A target of the design, with the figure, and whether that meets it."""

    words: str
    figure: str
    met: bool


@dataclass
class Figures:
    """A case that is not about how long a command takes from its start to its end."""

    name: str
    title: str
    rows: list[Row]
    verdicts: list[Verdict]

    @property
    def met(self) -> bool:
        return all(verdict.met for verdict in self.verdicts)


@dataclass(frozen=True)
class AtMost:
    """How often pydrop may take what a peer takes; `peer` is its index among the case's commands."""

    peer: int
    most: float
    words: str

    def figure(self, result: Result) -> str:
        ratio = result.ratio(self.peer)
        return f"{1 / ratio:.2f} times faster" if 0 < ratio < 1 else f"{ratio:.2f} times as long"

    def met(self, result: Result) -> bool:
        return result.ratio(self.peer) <= self.most


@dataclass(frozen=True)
class OnTop:
    """How many seconds pydrop may take on top of the bare start."""

    most: float
    words: str

    def figure(self, result: Result) -> str:
        return f"{result.cost() * 1000:+.2f} ms"

    def met(self, result: Result) -> bool:
        return result.cost() <= self.most


@dataclass(frozen=True)
class Memory:
    """How many bytes the largest of pydrop's processes may hold."""

    most: float
    words: str

    def figure(self, result: Result) -> str:
        return f"{result.commands[0].memory / 1e6:.1f} MB"

    def met(self, result: Result) -> bool:
        return result.commands[0].memory <= self.most


@dataclass(frozen=True)
class Alone:
    """No process but pydrop's own is started."""

    words: str = "no worker is started"

    def figure(self, result: Result) -> str:
        return f"{result.commands[0].processes - 1} were"

    def met(self, result: Result) -> bool:
        return result.commands[0].processes == 1


@dataclass(frozen=True)
class Linear:
    """How often an entry of the volume of one command may take what an entry of another's takes."""

    large: int
    small: int
    most: float
    words: str

    def figure(self, result: Result) -> str:
        return f"{self._ratio(result):.2f} times"

    def met(self, result: Result) -> bool:
        return self._ratio(result) <= self.most

    def _ratio(self, result: Result) -> float:
        return result.each(self.large) / result.each(self.small)
