"""`agir doctor`: what is installed, what is missing, and what to do about it."""
from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec

from agir_plugin.cli.console import OUT, say
from agir_plugin.errors import AgirError, HostError

#: Package -> what it is needed for; the first group must be there.
NEEDED = {"torch": "models", "transformers": "language model", "pytorch-lightning": "training", "omegaconf": "configurations",
          "ezc3d": "C3D files", "scipy": "signals", "scikit-learn": "controls"}
OPTIONAL = {"agir-motiongpt": "training and assessing (extra `host`)", "smplx": "SMPL bodies (extra `smpl`)",
            "bert-score": "BERTScore (extra `eval`)", "gradio": "web page (extra `web`)", "openai": "LLM writer (extra `llm`)"}


def doctor() -> None:
    """Check the installation; ends with exit code 1 when something needed is missing. Example: `agir doctor`"""
    missing = [name for name in NEEDED if _line(name, NEEDED[name]) is None]
    for name, use in OPTIONAL.items():
        _line(name, use)
    OUT.print(_host_line(), markup=False, highlight=False)
    if missing:
        raise AgirError(f"expected {', '.join(missing)} to be installed; run `pip install agir-plugin[host]`")
    say("everything that is needed is there")


def _line(package: str, use: str) -> str | None:
    try:
        found = version(package)
    except PackageNotFoundError:
        found = None
    OUT.print(f"{package:<20}{found or 'not installed':<18}{use}", markup=False, highlight=False)
    return found


def _host_line() -> str:
    if find_spec("omegaconf") is None or find_spec("torch") is None:
        return "MotionGPT           not looked for: torch or omegaconf is missing"
    from agir_plugin.bridge.host import find_host

    try:
        host = find_host()
    except HostError as error:
        return f"MotionGPT           {error}"
    return f"MotionGPT           {host.root or 'installed package mGPT'}"
