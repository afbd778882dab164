"""Thin wrapper: `python test.py --cfg CFG` is `python -m mGPT.test --cfg CFG`."""

from mGPT.test import main

if __name__ == "__main__":
    raise SystemExit(main())
