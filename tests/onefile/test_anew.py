"""A start of the dumped file takes nothing of its surroundings for what they were at build."""

import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.onefile.conftest import ROOT
from tests.onefile.image import Image

HERE = Path(__file__).parent


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGINT, signal.SIGTERM, signal.SIGUSR1])
@pytest.mark.parametrize("options", [(), ("--init",)])
def test_a_signal_that_comes_ignored_is_handed_over_so(
    number: signal.Signals, options: "tuple[str, ...]", dumped_image: Image
) -> None:
    """Python keeps a table of them, which would be the build's."""
    words = dumped_image.inside(
        "/bin/pydrop", *options, "told", "ignored", env={"PYDROP_LOG_LEVEL": "error"}, pid_1=False
    )
    before = signal.signal(number, signal.SIG_IGN)
    try:
        done = subprocess.run(words, capture_output=True, text=True, check=False)
    finally:
        signal.signal(number, before)
    ignored = int(done.stdout.split()[1], 16)
    assert (done.stderr, bool(ignored & 1 << (number - 1))) == ("", True)


class Told:
    """Two files, begun at build and begun at each start, that tell what they see, from a folder of their own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        tree = folder / "tree"
        for name in ("src", "onefile", "launcher"):
            shutil.copytree(ROOT / name, tree / name)
        shutil.copy(HERE / "asked_inside.py", tree / "src/pydrop/ctl")  # whose modules the dumped file has not imported
        with (tree / "src/pydrop/onefile.py").open("a") as module:
            module.write(
                "\n\ndef launched():\n    from pydrop.ctl import asked_inside\n\n    asked_inside.launched()\n"
            )
        for name in ("plain", "dumped"):
            subprocess.run([sys.executable, tree / "onefile/make.py", f"--{name}", folder / name], check=True)

    def by(self, name: str, *words: str, **how: Any) -> dict[str, Any]:
        (self.folder / "same").unlink(missing_ok=True)
        os.link(self.folder / name, self.folder / "same")
        done = subprocess.run([self.folder / "same", *words], check=True, capture_output=True, **how)
        seen: dict[str, Any] = json.loads(done.stdout)
        return seen


@pytest.fixture(scope="session")
def told(tmp_path_factory: pytest.TempPathFactory) -> Told:
    return Told(tmp_path_factory.mktemp("told"))


def odd() -> None:
    os.umask(0o137)
    os.setgroups([4, 7])
    os.setgid(65534)
    resource.setrlimit(resource.RLIMIT_NOFILE, (77, 99))
    resource.setrlimit(resource.RLIMIT_STACK, (1 << 20, 1 << 21))
    for number in (signal.SIGHUP, signal.SIGUSR2, signal.SIGXFSZ, 34, 64):
        signal.signal(number, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM, signal.SIGQUIT])


@pytest.mark.soak
@pytest.mark.parametrize("odd_start", [None, odd])
def test_it_sees_what_the_file_sees_that_is_not_dumped(odd_start: Any, told: Told, tmp_path: Path) -> None:
    how = {"env": {"TZ": "Asia/Tokyo", "LANG": "tr_TR", "PYTHONHASHSEED": "5", "ODD\udcff": "\udcfe"}, "cwd": tmp_path}
    seen = [told.by(name, "a", "\udcff", preexec_fn=odd_start, **how) for name in ("plain", "dumped")]
    apart = [{"random": one.pop("random"), "clocks": one.pop("clocks")} for one in seen]
    assert seen[0] == seen[1]
    assert seen[1]["executable"] == [str(told.folder / "same")] * 2
    assert seen[1]["folder"] == str(tmp_path)
    assert (seen[1]["umask"] == 0o137) is (odd_start is not None)
    assert apart[0]["random"] != apart[1]["random"]
    assert all(abs(one["clocks"][0] - time.time()) < 20 for one in apart)
    assert all(0 <= time.monotonic() - one["clocks"][2] < 20 for one in apart)


@pytest.mark.soak
def test_no_two_starts_draw_the_same_number(told: Told) -> None:
    drawn = [told.by("dumped", env={})["random"] for _ in range(5)]
    assert len({row[0] for row in drawn}) == len({row[1] for row in drawn}) == 5
