"""The wheel beside Debian's own python3-prctl, python3-click and python3-psutil: no compiler, no index."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from pydrop import __version__
from tests.container.engine import ROOT, Result, image, podman, run_words

# Debian's own Python, and a venv that sees its packages.
WAYS = {
    "/usr/local": "pip install --break-system-packages",
    "/opt/pydrop": "python3 -m venv --without-pip --system-site-packages $venv; pip --python $venv install",
}
WHERE = [("3.11", "/usr/local"), ("3.14", "/usr/local"), ("3.14", "/opt/pydrop")]
INSTALL = """set -e; venv=/opt/pydrop
{ %s --no-cache-dir --no-index --root-user-action=ignore /wheels/*.whl; } >/dev/null
PATH=%s/bin:$PATH
exec "$@"
"""


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of one wheel, for every Python."""
    folder: Path = tmp_path_factory.mktemp("wheels")
    words = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "-q",
        "--no-deps",
        "--no-build-isolation",
        "-w",
        str(folder),
        str(ROOT),
    ]
    subprocess.run(words, check=True)
    return folder


@pytest.fixture
def started(idfile: Callable[[], str], wheels: Path) -> Callable[..., Result]:
    """Installs the wheel with what is there, and executes these words."""

    def started(python: str, prefix: str, *words: str, **env: str) -> Result:
        command = ["sh", "-c", INSTALL % (WAYS[prefix], prefix), "sh", *words]
        options = ("--rm", idfile(), "--network=none", f"--volume={wheels}:/wheels:ro")
        return podman(*run_words(image(f"pydrop-debian-packages-{python}"), command, options, env))

    return started


# From 3.14 on a venv's Python has another sys.prefix where it runs without site, as pydrop's does.
@pytest.mark.parametrize(
    ("python", "prefix"), [("3.11", "/usr/local"), ("3.14", "/usr/local"), ("3.14", "/opt/pydrop")]
)
def test_it_is_installed_and_all_of_it_starts_with_no_compiler(python: str, prefix: str, started) -> None:
    """click and psutil are Debian's too."""
    program = "id -u; id -un; grep NoNewPrivs /proc/self/status"
    before = "pydropctl plan -- sh >/dev/null; pydropctl doctor >/dev/null; pydropctl --version"
    done = started(python, prefix, "sh", "-ec", f'{before}; exec pydrop --init sh -c "$1"', "sh", program, PUID="1500")
    assert (done.code, done.stdout.split()) == (
        0,
        ["pydropctl", __version__, "1500", "app", "NoNewPrivs:", "1"],
    ), str(done)
    assert done.stderr.startswith("pydrop: app ") and "1500:1500" in done.stderr
