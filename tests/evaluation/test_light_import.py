"""Importing the package costs nothing that the command line's help would have to wait for."""
from __future__ import annotations

import subprocess
import sys


def test_no_heavy_package_is_imported():
    heavy = {"torch", "sklearn", "scipy", "pandas", "rich"}
    code = f"import sys, agir_plugin.evaluation; print(*{heavy} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
