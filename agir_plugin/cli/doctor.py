"""`agir doctor`: what is installed, what is missing, and what to do about it."""

from __future__ import annotations

import os
import platform
import re
from importlib import import_module
from importlib.metadata import PackageNotFoundError, requires, version
from importlib.util import find_spec
from pathlib import Path

from agir_plugin.cli.console import say, show
from agir_plugin.errors import AgirError, HostError

#: Distribution -> module and use; these must be there, in the versions that agir-plugin asks for.
NEEDED = {
    "numpy": ("numpy", "arrays"),
    "scipy": ("scipy", "signals"),
    "ezc3d": ("ezc3d", "C3D files"),
    "torch": ("torch", "models"),
    "transformers": ("transformers", "language model"),
    "pytorch-lightning": ("pytorch_lightning", "training"),
    "omegaconf": ("omegaconf", "configurations"),
    "scikit-learn": ("sklearn", "controls"),
}
#: Distribution -> module that upstream MotionGPT imports whatever it is used for (extra upstream).
UPSTREAM = {"bert-score": "bert_score", "imageio": "imageio", "matplotlib": "matplotlib", "spacy": "spacy"}
#: Distribution -> use and extra; without them only that use is missing.
OPTIONAL = {
    "matplotlib": "agir gait --plot (extra plots)",
    "pooch": "agir fetch shida (extra shida)",
    "openpyxl": "labels in .xlsx (extra shida)",
    "ray": "agir ingest --backend ray (extra ray)",
    "distributed": "agir ingest --backend dask (extra dask)",
    "pycocoevalcap": "BLEU, ROUGE-L and CIDEr in training (extra eval)",
}


def doctor() -> None:
    """Check the installation; ends with exit code 1 when something needed is missing.

    * `agir doctor`: lists what is there, imports it, and says how to get what is not
    """
    _row("python", platform.python_version(), f"{os.cpu_count()} CPU cores")
    wanted = _wanted()
    faults = [_needed("agir-plugin", "agir_plugin", "this package", "")]
    faults += [_needed(name, *NEEDED[name], wanted.get(name, "")) for name in NEEDED]
    faults.append(_host())
    for name, use in OPTIONAL.items():
        _row(name, _version(name) or "not installed", use)
    _smpl()
    found = [fault for fault in faults if fault]
    if found:
        raise AgirError("; ".join(found))
    say("everything that is needed is there")


def _needed(name: str, module: str, use: str, wanted: str) -> str:
    """Show a distribution; returns what is wrong with it and the remedy, or an empty string."""
    found = _version(name)
    _row(name, found or "not installed", use)
    if found is None:
        return f"{name} is not installed: run `pip install {name}{wanted}`"
    if wanted and not _fits(found, wanted):
        return f"{name} is {found}, expected {wanted}: run `pip install '{name}{wanted}'`"
    try:
        import_module(module)
    except (ImportError, OSError) as error:
        return f"{name} {found} cannot be imported ({error}): reinstall it"
    return ""


def _smpl() -> None:
    from agir_plugin.motion.body_model import FOLDER_VARIABLE

    folder = os.environ.get(FOLDER_VARIABLE)
    _row("SMPL body", "set" if folder else "not set", folder or f"agir ingest --smpl ({FOLDER_VARIABLE}, docs/smpl.md)")


def _host() -> str:
    from agir_plugin.bridge.host import find_host

    try:
        host = find_host()
    except HostError as error:
        _row("MotionGPT", "not found", "training and assessing")
        return str(error)
    if host.root is None:
        _row("MotionGPT", f"host {_version('agir-motiongpt') or ''}".rstrip(), "training and assessing")
        return ""
    return _checkout(host.root)


def _checkout(root: Path) -> str:
    """Show a checkout and what is mended in it at import; returns what keeps AGIR from running in it, if anything."""
    from agir_plugin.bridge.checkout import recognise
    from agir_plugin.bridge.faults import FAULTS

    found = recognise(root)
    _row("MotionGPT", found.kind, f"checkout {root}{f' at {found.commit[:7]}' if found.commit else ''}")
    for fault in () if found.kind == "host" else FAULTS:
        _row("  mended", fault.name, fault.mend)
    absent = [name for name, module in UPSTREAM.items() if find_spec(module) is None]
    if found.missing:
        return f"{root}: AGIR cannot run in this MotionGPT; it lacks {'; '.join(found.missing[:3])}"
    if absent and found.kind != "host":
        return f"MotionGPT in {root} imports {', '.join(absent)}: run `pip install 'agir-plugin[upstream]'`"
    return ""


def _wanted() -> dict[str, str]:
    """Distribution -> the versions that agir-plugin asks for, such as `<6,>=4.57`."""
    try:
        lines = requires("agir-plugin") or []
    except PackageNotFoundError:
        return {}
    plain = [line.partition(";")[0].strip() for line in lines if "extra ==" not in line]
    names = [re.match(r"[\w.-]+", line)[0] for line in plain]
    return {name.lower(): line.removeprefix(name).strip() for name, line in zip(names, plain, strict=True)}


def _fits(found: str, wanted: str) -> bool:
    if find_spec("packaging") is None:  # it comes with transformers, whose absence is told anyway
        return True
    from packaging.specifiers import SpecifierSet

    return SpecifierSet(wanted).contains(found, prereleases=True)


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _row(name: str, found: str, use: str) -> None:
    show(f"{name:<20}{found:<18}{use}".rstrip())
