"""Thin wrapper: `python scripts/get_motion_code.py --cfg CFG` is `python -m mGPT.get_motion_code --cfg CFG`."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from mGPT.get_motion_code import main  # noqa: E402

if __name__ == "__main__":
    raise SystemExit(main())
