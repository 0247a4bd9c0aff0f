"""Options as getopt_long(3) reads them with a ``+``: up to the first word that is none, which is the program."""

from pydrop.errors import BadSetting

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

WRONG_WORDS = 1


class Options:
    """Goes through (letter, value) of each option in turn, "" where it takes none; `rest` is what is behind them.

    `letters` says which take a value; `names` gives long options their letters. Raises BadSetting when it comes to a
    word that is wrong: an option before it has then been seen."""

    def __init__(self, words: tuple[str, ...], letters: dict[str, bool], names: "dict[str, str] | None" = None) -> None:
        self.rest = words
        self.letters = letters
        self.names = names or {}

    def __iter__(self) -> "Iterator[tuple[str, str]]":
        while self.rest and self.rest[0].startswith("-") and self.rest[0] != "-":
            word = self._take()
            if word == "--":
                return
            yield from self._named(word) if word.startswith("--") and self.names else self._lettered(word[1:])

    def _take(self) -> str:
        word, self.rest = self.rest[0], self.rest[1:]
        return word

    def _lettered(self, letters: str) -> "Iterator[tuple[str, str]]":
        """``-gv``, ``-e3``, ``-e 3``."""
        while letters:
            letter, letters = letters[0], letters[1:]
            if letter not in self.letters:
                raise self._unknown(f"-{letter}")
            if not self.letters[letter]:
                yield letter, ""
                continue
            yield letter, letters or self._value(f"-{letter}")
            return

    def _named(self, word: str) -> "Iterator[tuple[str, str]]":
        """``--rewrite 1:2``, ``--rewrite=1:2``, and what begins one name alone."""
        begun, equals, value = word[2:].partition("=")
        found = [name for name in self.names if name.startswith(begun)]
        if begun in found:
            found = [begun]
        if len(found) != 1:
            raise self._unknown(f"--{begun}")
        letter = self.names[found[0]]
        if not self.letters[letter]:
            if equals:
                raise BadSetting(f"--{found[0]} takes no value", f"write --{found[0]} alone", WRONG_WORDS)
            yield letter, ""
        else:
            yield letter, value if equals else self._value(f"--{found[0]}")

    def _value(self, option: str) -> str:
        if not self.rest:
            raise BadSetting(f"{option} is the last word, and takes a value", f"write it behind {option}", WRONG_WORDS)
        return self._take()

    def _unknown(self, option: str) -> BadSetting:
        there = [f"-{letter}" for letter in self.letters] + [f"--{name}" for name in self.names]
        return BadSetting(
            f"{option} is no option here", f"there are {' '.join(there)}, and -- before a program", WRONG_WORDS
        )


def variable(environment: tuple[str, ...], name: str) -> str | None:
    """The value of a variable: the first that has the name, as for getenv(3). None where there is none."""
    return next((line[len(name) + 1 :] for line in environment if line.startswith(f"{name}=")), None)
