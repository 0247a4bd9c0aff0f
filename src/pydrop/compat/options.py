"""Command-line options as getopt_long(3) with ``+`` reads them: up to the first word that is no option, the program.

tini and dumb-init use it; `settings` reads pydrop's own options.
"""

from pydrop.errors import BadSetting

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

USAGE_ERROR = 1  # exit code of a usage error


class Options:
    """An iterator over (letter, value) of each option; the value is "" for an option that takes none.

    `letters` says which options take a value. `names` gives long options their letters. `rest` holds the words behind
    the options. A usage error raises BadSetting only when the iteration comes to it: earlier options have been seen."""

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
        """The options of one word of letters: ``-gv``, ``-e3``, ``-e 3``."""
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
        """The option of a long name: ``--rewrite 1:2``, ``--rewrite=1:2``, or the beginning of only one name."""
        prefix, equals, value = word[2:].partition("=")
        matches = [name for name in self.names if name.startswith(prefix)]
        if prefix in matches:
            matches = [prefix]
        if len(matches) != 1:
            raise self._unknown(f"--{prefix}")
        letter = self.names[matches[0]]
        if not self.letters[letter]:
            if equals:
                raise BadSetting(f"--{matches[0]} takes no value", f"write --{matches[0]} alone", USAGE_ERROR)
            yield letter, ""
        else:
            yield letter, value if equals else self._value(f"--{matches[0]}")

    def _value(self, option: str) -> str:
        if not self.rest:
            raise BadSetting(f"{option} is the last word, and takes a value", f"write it behind {option}", USAGE_ERROR)
        return self._take()

    def _unknown(self, option: str) -> BadSetting:
        known = [f"-{letter}" for letter in self.letters] + [f"--{name}" for name in self.names]
        return BadSetting(
            f"{option} is no option here", f"there are {' '.join(known)}, and -- before a program", USAGE_ERROR
        )


def variable(environment: tuple[str, ...], name: str) -> str | None:
    """The value of a variable, None where it is unset. Of a doubled name the first counts, as for getenv(3)."""
    return next((line[len(name) + 1 :] for line in environment if line.startswith(f"{name}=")), None)
