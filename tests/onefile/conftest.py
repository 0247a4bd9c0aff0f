"""The one file, built where it is not the latest; and an image that holds nothing else."""

import importlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.onefile.image import Image

ROOT = Path(__file__).parent.parent.parent
sys.path.append(str(ROOT / "onefile"))
frozen, recipe = importlib.import_module("frozen"), importlib.import_module("recipe")


@pytest.fixture(scope="session")
def onefile() -> Path:
    """dist/pydrop; or the file that PYDROP_UNDER_TEST names."""
    named = os.environ.get("PYDROP_UNDER_TEST")
    if named:
        return Path(named)
    subprocess.run([sys.executable, ROOT / "onefile/make.py"], check=True)
    return ROOT / "dist/pydrop"


@pytest.fixture(scope="session")
def dumped() -> Path:
    """dist/pydrop-dumped, whose interpreter is begun at build; or the file that PYDROP_DUMPED names."""
    named = os.environ.get("PYDROP_DUMPED")
    if named:
        return Path(named)
    subprocess.run([sys.executable, ROOT / "onefile/make.py", "--dumped", ROOT / "dist/pydrop-dumped"], check=True)
    return ROOT / "dist/pydrop-dumped"


@pytest.fixture
def dumped_image(dumped: Path, tmp_path: Path) -> Image:
    return Image(tmp_path, dumped)


@pytest.fixture
def image(onefile: Path, tmp_path: Path) -> Image:
    return Image(tmp_path, onefile)
