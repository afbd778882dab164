"""Thin wrapper: `python train.py --cfg CFG` is `python -m mGPT.train --cfg CFG`."""

from mGPT.train import main

if __name__ == "__main__":
    raise SystemExit(main())
