"""The words of tini and dumb-init: what they ask of the process that stays. Text in, values out."""

import pytest

from pydrop.compat import COMPATIBILITY_NAMES, INITS, dumb_init, tini
from pydrop.compat.init_tools import Answer, InitRequest
from pydrop.compat.options import Options, variable
from pydrop.errors import BadSetting
from pydrop.process import InitProcess, Start, Supervision

DEFAULT = Supervision(stop_timeout=None, as_came=True, clears=True)


def start(*words: str, environment: "tuple[str, ...]" = (), pid: int = 1) -> Start:
    init = InitProcess(pid=pid, ask=-1, answer=-1)
    return Start(name="x", arguments=words, environment=environment, ignored=(), blocked=(), init=init)


def changed(wanted: "InitRequest | Answer") -> "dict[str, object]":
    """What differs from what these tools do without an option."""
    assert isinstance(wanted, InitRequest)
    asked = wanted.supervision
    return {name: getattr(asked, name) for name in asked.fields if getattr(asked, name) != getattr(DEFAULT, name)}


# -- options as getopt(3) reads them ---------------------------------------------------------------

LETTERS = {"a": False, "b": False, "v": True}
INIT_NAMES = {"all": "a", "almost": "b", "value": "v"}
READ = {  # words -> the options, what is behind them
    (): ([], ()),
    ("x", "-a"): ([], ("x", "-a")),
    ("-a", "x"): ([("a", "")], ("x",)),
    ("-ab", "-a"): ([("a", ""), ("b", ""), ("a", "")], ()),
    ("-v", "1", "x"): ([("v", "1")], ("x",)),
    ("-v1", "x"): ([("v", "1")], ("x",)),
    ("-av1b", "x"): ([("a", ""), ("v", "1b")], ("x",)),
    ("-av", "-b", "x"): ([("a", ""), ("v", "-b")], ("x",)),
    ("-v", "--", "x"): ([("v", "--")], ("x",)),
    ("-v", "", "x"): ([("v", "")], ("x",)),
    ("-a", "--", "-b"): ([("a", "")], ("-b",)),
    ("--", "--"): ([], ("--",)),
    ("-", "-a"): ([], ("-", "-a")),
    ("", "-a"): ([], ("", "-a")),
    ("--all", "x"): ([("a", "")], ("x",)),
    ("--val", "1", "x"): ([("v", "1")], ("x",)),
    ("--value=1", "x"): ([("v", "1")], ("x",)),
    ("--value=", "x"): ([("v", "")], ("x",)),
    ("--value==", "x"): ([("v", "=")], ("x",)),
}
WRONG: dict[tuple[str, ...], str] = {
    ("-x",): "-x is no option",
    ("-ax",): "-x is no option",
    ("--nosuch",): "--nosuch is no option",
    ("--al",): "--al is no option",
    ("--all=1",): "--all takes no value",
    ("-v",): "-v is the last word",
    ("--value",): "--value is the last word",
    ("-\udcff",): "is no option",
}


@pytest.mark.parametrize("words", READ)
def test_options_end_where_the_program_begins(words: "tuple[str, ...]") -> None:
    options = Options(words, LETTERS, INIT_NAMES)
    assert (list(options), options.rest) == READ[words]


@pytest.mark.parametrize("words", WRONG)
def test_a_wrong_option_is_told_with_those_there_are(words: "tuple[str, ...]") -> None:
    with pytest.raises(BadSetting) as caught:
        list(Options(words, LETTERS, INIT_NAMES))
    assert WRONG[words] in str(caught.value)
    assert (caught.value.code, bool(caught.value.remedy)) == (1, True)


def test_without_long_names_a_second_dash_is_no_letter() -> None:
    with pytest.raises(BadSetting, match="-- is no option"):
        list(Options(("--all",), LETTERS))


def test_the_first_of_two_variables_counts() -> None:
    lines = ("AB=0", "A=1", "A=2", "B")
    assert [variable(lines, name) for name in ("A", "AB", "B", "C")] == ["1", "0", None, None]


# -- tini ------------------------------------------------------------------------------------------

TINI = {  # words -> what is asked besides, the program
    ("true",): ({}, ("true",)),
    ("--", "true"): ({}, ("true",)),
    ("-s", "true", "-s"): ({}, ("true", "-s")),
    ("-g", "true"): ({"group": True}, ("true",)),
    ("-w", "true"): ({"names_reaped": True}, ("true",)),
    ("-p", "SIGKILL", "true"): ({"pdeathsig": 9}, ("true",)),
    ("-p", "SIGHUP", "-pSIGTERM", "true"): ({"pdeathsig": 15}, ("true",)),
    ("-e", "143", "true"): ({"exit_codes": ((143, 0),)}, ("true",)),
    ("-e1", "-e", " 002\n", "true"): ({"exit_codes": ((1, 0), (2, 0))}, ("true",)),
    ("-sgwe", "0", "true"): ({"group": True, "names_reaped": True, "exit_codes": ((0, 0),)}, ("true",)),
    ("sh", "-c", "-x"): ({}, ("sh", "-c", "-x")),
    ("sh", "--", "-c"): ({}, ("sh", "-c")),
    ("sh", "--", "--"): ({}, ("sh", "--")),
    ("sh", "x", "--", "-c"): ({}, ("sh", "x", "--", "-c")),
    ("--", "sh", "--", "x"): ({}, ("sh", "x")),
    ("--", ""): ({}, ("",)),
}


@pytest.mark.parametrize("words", TINI)
def test_tini_takes_these_words(words: "tuple[str, ...]") -> None:
    wanted = tini.parse(start(*words))
    assert isinstance(wanted, InitRequest)
    assert (changed(wanted), wanted.command) == TINI[words]


TINI_WRONG = [
    "-e x",
    "-e -1",
    "-e 256",
    "-e 0x1",
    "-e 1_0",
    "-e \u0663",
    "-p TERM",
    "-p 15",
    "-p SIG",
    "-p SIGNONE",
    "-R A",
]


@pytest.mark.parametrize(
    "words", [*[line.split(" ") for line in TINI_WRONG], ["-e", ""], ["-p", ""], ["-p", "sigterm"]]
)
def test_tini_refuses_what_is_no_code_and_no_signal(words: list[str]) -> None:
    with pytest.raises(BadSetting) as caught:
        tini.parse(start(*words, "true"))
    assert caught.value.code == 1 and caught.value.remedy


TINI_SAYS = {  # words -> stream, exit code
    ("--version",): (1, 0),
    ("-h",): (1, 0),
    ("-sl", "-x"): (1, 0),
    (): (2, 1),
    ("-s",): (2, 1),
    ("-g", "--"): (2, 1),
}


@pytest.mark.parametrize("words", TINI_SAYS)
def test_tini_answers_on_its_stream(words: "tuple[str, ...]") -> None:
    said = tini.parse(start(*words))
    assert isinstance(said, Answer) and (said.stream, said.code) == TINI_SAYS[words]


VERBOSITY = {  # TINI_VERBOSITY, how many -v -> the level of the log
    (None, 0): "warn",
    (None, 1): "debug",
    (None, 5): "debug",
    ("0", 0): "error",
    ("0", 1): "warn",
    ("0", 2): "debug",
    ("", 0): "error",
    ("loud", 0): "error",
    ("1", 0): "warn",
    (" 2 ", 0): "debug",
    ("3x", 0): "debug",
    ("-1", 0): "error",
    ("9" * 5000, 0): "debug",
}


@pytest.mark.parametrize(("value", "more"), VERBOSITY)
def test_tinis_verbosity(value: "str | None", more: int) -> None:
    environment = () if value is None else (f"TINI_VERBOSITY={value}",)
    wanted = tini.parse(start(*["-v"] * more, "true", environment=environment))
    assert isinstance(wanted, InitRequest) and wanted.level == VERBOSITY[value, more]


@pytest.mark.parametrize("value", ["", "0", "1"])
def test_tinis_variables_count_by_being_there(value: str) -> None:
    assert changed(tini.parse(start("true", environment=(f"TINI_KILL_PROCESS_GROUP={value}",)))) == {"group": True}
    assert changed(tini.parse(start("true", environment=(f"TINI_SUBREAPER={value}",)))) == {}


# -- dumb-init -------------------------------------------------------------------------------------

WHOLE = {"group": True, "session": True, "ends_group": True}
DUMB = {  # words -> what is asked besides, the program
    ("true",): (WHOLE, ("true",)),
    ("--", "true"): (WHOLE, ("true",)),
    ("true", "--", "-c"): (WHOLE, ("true", "--", "-c")),
    ("-c", "true"): ({}, ("true",)),
    ("--single-child", "true"): ({}, ("true",)),
    ("-cr", "15:3", "true"): ({"rewrite": ((15, 3),)}, ("true",)),
    ("--rewrite=15:0", "-r", " 1:31", "true"): ({**WHOLE, "rewrite": ((15, 0), (1, 31))}, ("true",)),
    ("-r", "15:3", "-r", "15:2", "true"): ({**WHOLE, "rewrite": ((15, 3), (15, 2))}, ("true",)),
}


@pytest.mark.parametrize("words", DUMB)
def test_dumb_init_takes_these_words(words: "tuple[str, ...]") -> None:
    wanted = dumb_init.parse(start(*words))
    assert isinstance(wanted, InitRequest)
    assert (changed(wanted), wanted.command) == DUMB[words]


NO_PAIRS = [
    "",
    ":",
    "15",
    "15:",
    ":15",
    "0:1",
    "32:1",
    "1:32",
    "-1:1",
    "1:-1",
    "+1:1",
    "1:2:3",
    "1:2x",
    "1 :2",
    "TERM:QUIT",
]


@pytest.mark.parametrize("word", [*NO_PAIRS, "0x1:2", "\u0661:2", "²:1", "1" * 5000 + ":1"])
def test_dumb_init_refuses_what_is_no_pair(word: str) -> None:
    with pytest.raises(BadSetting, match="is not S:R") as caught:
        dumb_init.parse(start("-r", word, "true"))
    assert caught.value.code == 1


DUMB_SAYS = {("-h",): 0, ("--help", "-x"): 0, ("-V",): 0, ("-cV",): 0, (): 1, ("-c",): 1, ("--",): 1}


@pytest.mark.parametrize("words", DUMB_SAYS)
def test_dumb_init_answers_on_standard_error(words: "tuple[str, ...]") -> None:
    """All of it, help too."""
    said = dumb_init.parse(start(*words))
    assert isinstance(said, Answer) and (said.stream, said.code) == (2, DUMB_SAYS[words])


@pytest.mark.parametrize(("value", "level"), [("1", "debug"), ("0", "warn"), ("", "warn"), ("true", "warn")])
def test_dumb_inits_debug_variable_is_1_or_nothing(value: str, level: str) -> None:
    wanted = dumb_init.parse(start("true", environment=(f"DUMB_INIT_DEBUG={value}",)))
    assert isinstance(wanted, InitRequest) and wanted.level == level


@pytest.mark.parametrize(("value", "asked"), [("0", {}), ("1", WHOLE), ("", WHOLE), ("no", WHOLE)])
def test_dumb_inits_setsid_variable_is_0_or_nothing(value: str, asked: "dict[str, object]") -> None:
    assert changed(dumb_init.parse(start("true", environment=(f"DUMB_INIT_SETSID={value}",)))) == asked


# -- both ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("module", [tini, dumb_init], ids=["tini", "dumb-init"])
def test_only_pid_1_ends_what_is_left(module) -> None:
    """There the kernel would kill it at once. Elsewhere it lives on, as behind the tools."""
    assert [module.parse(start("true", pid=pid)).supervision.clears for pid in (1, 2)] == [True, False]


def test_those_that_stay_as_init_are_among_the_names() -> None:
    assert {name: module for name, module in COMPATIBILITY_NAMES.items() if name in INITS} == {
        "tini": tini.__name__,
        "dumb-init": dumb_init.__name__,
    }
