"""Patterns that go along with a walk exclude exactly what they exclude as patterns on whole paths."""

import fnmatch
import random
import re

import pytest

from pydrop.perform.ownership import patterns
from pydrop.perform.ownership.patterns import Patterns


class Folder:
    """What Patterns knows of a folder on the way of a walk."""

    def __init__(self, name: str = "", above: "Folder | None" = None) -> None:
        self.name = name
        self.above = above
        self.place: int | None = None


def excluded(found: Patterns, path: str) -> bool:
    *folders, name = path.split("/")
    folder = Folder()
    for each in folders:
        folder = Folder(each, folder)
    inside = found.inside(folder)
    return bool(inside and inside(name))


PATHS = [  # pattern, path, whether it is excluded
    ("*/lost+found", "lost+found", True),
    ("*/lost+found", "a/b/c/lost+found", True),
    ("*/lost+found", "a/lost+foundation", False),
    ("/cache", "cache", True),
    ("cache", "a/cache", False),
    ("./a/b/", "a/b", True),
    ("a/*", "a/b", True),
    ("a/*z", "a/b/c/xyz", True),
    ("a*b", "ab", True),
    ("a*b", "a/x/b", True),
    ("a?c", "a/c", True),
    ("[a-c]/[!x]", "b/y", True),
    ("[a-c]/[!x]", "b/x", False),
    ("[]]/a", "]/a", True),
    ("[a/b", "[a/b", True),
    ("**/a", "x/y/a", True),
    ("\n*", "\n/x", True),
    ("\udcff?", "\udcffx", True),
]


@pytest.mark.parametrize(("pattern", "path", "expected"), PATHS)
def test_a_pattern_means_the_path_in_the_volume(pattern, path, expected):
    assert excluded(Patterns((pattern,)), path) is expected


def test_the_folders_of_a_path_may_be_asked_for_in_any_order():
    """A worker may be given a folder of which nothing was listed before."""
    folder = Folder("b", Folder("a", Folder()))
    inside = Patterns(("a/b/c",)).inside(folder)
    assert inside
    assert inside("c")


def by_whole_paths(words):
    """What the patterns exclude by the definition: fnmatch(3) on the whole path."""
    trimmed = [word.removeprefix("./").strip("/") for word in words]
    trimmed += [word[2:] for word in trimmed if word.startswith("*/")]
    return [re.compile(fnmatch.translate(word)) for word in trimmed]


def test_whatever_the_patterns_and_paths_are():
    chance, hits = random.Random(6), 0
    for _ in range(4000):
        lengths = [chance.randint(1, 7) for _ in range(chance.randint(1, 3))]
        words = tuple("".join(chance.choices("ab/*?[]!-.", k=length)) for length in lengths)
        try:
            whole = by_whole_paths(words)
        except re.error:  # [b-a]
            continue
        path = "/".join("".join(chance.choices("ab.[]", k=chance.randint(1, 3))) for _ in range(chance.randint(1, 5)))
        expected = any(each.match(path) for each in whole)
        hits += expected
        assert excluded(Patterns(words), path) is expected, (words, path)
    assert hits > 100


def test_what_is_kept_is_bounded_whatever_folders_are_called(monkeypatch):
    """Each folder here leaves something else of the pattern."""
    found, chance = Patterns(("*a???????????",)), random.Random(6)
    for _ in range(3 * patterns.MOST_KEPT):
        folder = Folder("".join(chance.choices("ab", k=12)), Folder())
        inside = found.inside(folder)
        assert inside
        assert inside("a___________")
        assert len(found._compiled) <= patterns.MOST_KEPT
