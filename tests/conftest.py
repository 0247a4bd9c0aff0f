"""What all tests share: the sources first on the path, so that pure and kernel tests see the working tree."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "src"))
