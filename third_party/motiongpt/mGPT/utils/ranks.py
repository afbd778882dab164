"""Which process this is: Lightning starts the others of a distributed run as copies of the same command."""

from __future__ import annotations

import os

#: The time stamp of the run, handed by the first process to the copies it starts.
TIME_VARIABLE = "MGPT_RUN_TIME"


def is_main() -> bool:
    """True in the process that writes files: the first of the first node."""
    return all(int(os.environ.get(name) or 0) == 0 for name in ("LOCAL_RANK", "NODE_RANK", "GROUP_RANK"))


def shared_time(own: str) -> str:
    """The run's time stamp: the first process's own, and for its copies the one it handed down."""
    if is_main():
        os.environ[TIME_VARIABLE] = own
        return own
    return os.environ.get(TIME_VARIABLE, own)
