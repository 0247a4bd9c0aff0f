"""Which words are the subcommand's, which pydrop's, and which the command's."""

import pytest

from pydrop.ctl.pydrop_arguments import split

OWN = {"--json", "--strict", "--help", "-h"}
SPLITS = {
    "nothing": ([], [], []),
    "its own": (["--json"], ["--json"], []),
    "pydrop's with a value": (["--umask", "022", "--json"], ["--json"], ["--umask", "022"]),
    "a value that looks like its own": (["--umask", "--json"], [], ["--umask", "--json"]),
    "pydrop's with an equals sign": (["--umask=022", "--json"], ["--json"], ["--umask=022"]),
    "a flag of pydrop's takes nothing": (["--no-new-privs", "--json", "ls"], ["--json"], ["--no-new-privs", "ls"]),
    "behind the command": (["ls", "--json", "-h"], [], ["ls", "--json", "-h"]),
    "behind the dashes": (["--json", "--", "--json"], ["--json"], ["--", "--json"]),
    "a dash is a command": (["-", "--json"], [], ["-", "--json"]),
    "unknown": (["--jsn", "--json"], ["--json"], ["--jsn"]),
}


@pytest.mark.parametrize("case", SPLITS)
def test_words_are_split(case):
    words, own, rest = SPLITS[case]
    assert split(words, OWN) == (own, rest)
