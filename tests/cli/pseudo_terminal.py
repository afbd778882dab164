"""A command on a pseudo-terminal: (text to wait for, keys to send) pairs in, all that it printed and its exit code out."""
from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence

#: Longest wait for one text, seconds.
PATIENCE_S = 60.0
#: Ctrl-C is pressed again after so long: Python loses one that comes while its line editor starts.
AGAIN_S = 2.0
CTRL_C = "\x03"


def on_terminal(
    words: Sequence[object], script: Sequence[tuple[str, str]], env: Mapping[str, str] | None = None
) -> tuple[int, str]:
    """Run `agir` with a terminal as stdin, stdout and stderr; AssertionError when an awaited text does not come."""
    import fcntl
    import pty
    import struct
    import termios

    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 60, 160, 0, 0))
    settings = {name: os.environ[name] for name in ("PATH", "HOME", "PYTHONPATH") if name in os.environ}
    settings |= {"COLUMNS": "160", "TERM": "dumb", "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "agir_plugin", *map(str, words)]
    process = subprocess.Popen(
        command, stdin=theirs, stdout=theirs, stderr=theirs, env=settings | dict(env or {}), close_fds=True, start_new_session=True,
        preexec_fn=_take_terminal,
    )
    os.close(theirs)
    printed = ""
    try:
        for awaited, keys in script:
            printed += _until(ours, awaited)
            os.write(ours, keys.encode("utf8"))
        printed += _until(ours, None, again=CTRL_C if script and script[-1][1] == CTRL_C else "")
        return process.wait(PATIENCE_S), printed
    finally:
        process.kill()
        process.wait()
        os.close(ours)


def _take_terminal() -> None:
    """Make the terminal that of the new process, and let Ctrl-C reach it, also where the tests run in the background."""
    import fcntl
    import termios

    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def _until(ours: int, awaited: str | None, again: str = "") -> str:
    """What is printed up to a text; up to the end of the process where that is None. Keys `again` are pressed in silence."""
    seen, deadline_s = "", time.monotonic() + PATIENCE_S
    while awaited is None or awaited not in seen:
        left_s = max(0.0, deadline_s - time.monotonic())
        ready, _, _ = select.select([ours], [], [], min(left_s, AGAIN_S) if again else left_s)
        if again and not ready and left_s:
            os.write(ours, again.encode("utf8"))
            continue
        assert ready, f"waited for {awaited!r} in vain after {seen[-2000:]!r}"
        try:
            more = os.read(ours, 65536)
        except OSError:  # Linux: the other end was closed
            more = b""
        if not more:
            assert awaited is None, f"ended before {awaited!r}: {seen[-2000:]!r}"
            break
        seen += more.decode("utf8", "replace")
    return seen
