"""The package is light to import: its heavy libraries wait for the first walk."""
from __future__ import annotations

import subprocess
import sys


def test_importing_the_package_loads_no_heavy_library() -> None:
    code = "import sys, agir_plugin.gait; print([m for m in ('scipy', 'yaml', 'torch', 'pandas') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
