"""Whether init mode is asked for, told before anything is loaded: yes where people write it so, and never wrongly."""

import os
import posix
from pathlib import Path

import pytest

from pydrop import init_asked, settings
from pydrop.settings import toml_text

pytestmark = pytest.mark.quick

PLAIN = {  # a settings file's text -> whether it says so plainly
    "init = true\n": True,
    "init=true": True,
    "  init\t=\ttrue # so be it\r\n": True,
    'user = "app"\n# init = false\ninit = true\n[[volume]]\npath = "/data"\n': True,
    "": False,
    "init = false\n": False,
    "# init = true\n": False,
    "initial = true\n": False,
    "init = trueish\n": False,
    'init = "true"\n': False,
    '"init" = true\n': False,
    'hooks = """\ninit = true\n"""\n': False,
    "hooks = '''\ninit = true\n'''\n": False,
    'user = "a" # """\ninit = true\n': False,
    "[x]\ninit = true\n": False,
    "[[volume]]\ninit = true\n": False,
    'chown = [\n"/a",\n]\ninit = true\n': True,
    "init.x = true\n": False,
}


@pytest.mark.parametrize("text", PLAIN)
def test_a_file_says_so_plainly_or_it_is_left_to_the_settings(text: str) -> None:
    assert init_asked.says_so_plainly(text.encode()) is PLAIN[text]


@pytest.mark.parametrize("text", [text for text, plain in PLAIN.items() if plain])
def test_what_says_so_plainly_is_what_toml_says(text: str) -> None:
    assert toml_text.table_of(text.encode(), "x")["init"] is True


ASKED = [  # words, environment, the file's text, whether PID 1 -> surely
    (("--init", "x"), (), "", True, True),
    (("--init", "x"), (), "", False, True),
    (("--user", "app", "--init", "x"), ("PYDROP_INIT=0",), "", True, True),
    (("--init=0", "x"), ("PYDROP_INIT=1",), "init = true\n", True, False),
    (("--init", "--init=no", "x"), (), "", True, False),
    (("--init=perhaps", "x"), (), "", True, False),
    (("--init", "--help"), (), "", True, False),
    (("--init", "--user"), (), "", True, False),
    (("--init", "-c", "x"), (), "", True, True),  # for a default-command; without one it is refused in any case
    (("-c", "--init"), (), "", True, False),
    (("x", "--init"), (), "", True, False),
    (("x",), ("PYDROP_INIT=Yes",), "", True, True),
    (("x",), ("PYDROP_INIT=Yes",), "", False, False),  # this may be a second pydrop
    (("x",), ("PYDROP_INIT=perhaps",), "init = true\n", True, False),
    (("x",), ("PYDROP_INIT=off", "PYDROP_INIT=on"), "init = true\n", True, False),
    (("x",), ("PYDROP_INIT=",), "init = true\n", True, True),
    (("x",), (), "init = true\n", True, True),
    (("x",), (), "init = true\n", False, False),
    (("x",), (), "init = false\n", True, False),
]


@pytest.mark.parametrize(("words", "lines", "text", "first", "surely"), ASKED)
def test_what_is_told_is_what_the_settings_say(words, lines, text, first, surely, tmp_path, monkeypatch) -> None:
    """The option before the variable before the file; and the settings come to the same, unless they refuse."""
    file = tmp_path / "pydrop.toml"
    file.write_text(text)
    lines = (*lines, f"PYDROP_CONFIG={file}")
    monkeypatch.setattr(posix, "getpid", lambda: 1 if first else 7)
    assert init_asked.surely(words, lines) is surely
    if surely and "-c" not in words:
        assert settings.read(words, lines, toml_text.table_of(text.encode(), str(file)), str(file)).init


@pytest.mark.parametrize("kind", ["nothing", "a folder", "a pipe", "a device", "a relative path", "a NUL"])
def test_what_is_no_regular_file_is_not_opened(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """To open a device may set something off, and a pipe would be waited for."""
    path = str(tmp_path / "it")
    if kind == "a folder":
        os.mkdir(path)
    elif kind == "a pipe":
        os.mkfifo(path)
    elif kind == "a device":
        path = "/dev/zero"
    elif kind == "a relative path":
        monkeypatch.chdir(tmp_path)
        (tmp_path / "it").write_text("init = true\n")
        path = "it"
    elif kind == "a NUL":
        path = "/etc/\0"
    monkeypatch.setattr(posix, "getpid", lambda: 1)
    monkeypatch.setattr(posix, "open", lambda *_: pytest.fail("it was opened"))
    assert init_asked.surely(("x",), (f"PYDROP_CONFIG={path}",)) is False
