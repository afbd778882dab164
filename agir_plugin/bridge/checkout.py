"""A MotionGPT checkout: recognised by its files, given AGIR's configurations and templates, and cleared of them again.

Everything that is written is recorded in `agir/installed.json` there, with its hash; removing takes back what is recorded and
unchanged, and tells what the user has changed since.
"""

from __future__ import annotations

import ast
import hashlib
import json
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from agir_plugin import __version__
from agir_plugin.bridge.host import commit_of, is_checkout
from agir_plugin.bridge.patches import Patch, find_patches, insert, take_out
from agir_plugin.cohort.files import write_bytes, write_json
from agir_plugin.config import configs_dir
from agir_plugin.errors import HostError
from agir_plugin.tasks.export import FILES, exported_json

#: The commit of OpenMotionLab/MotionGPT that AGIR was made for.
KNOWN_COMMIT = "001aaca8d0ee218fc17f8265d11ac124044fe42f"
#: sha256 of the files of that commit that AGIR builds on.
KNOWN_FILES = {
    "train.py": "667a6a84c404397d31f6adedd673f1d01a8732a1bd52eafedecf19ceb8f9614b",
    "test.py": "74b147931a27f1179c1309a4bcbb88970d431e9100244e9de68c640e66c1ac80",
    "mGPT/callback.py": "e0cd3737c608a8e854b9877587ad35770c779f8ef96abf7543facba904d01136",
    "mGPT/config.py": "ad51ac2589d61f9def2793346697ad6d139312d32a243860d43cdde054dd5bef",
    "mGPT/archs/mgpt_lm.py": "9d0115ef30037e814a98db77452004f2070162570303897744c2f41c5394d53d",
    "mGPT/archs/mgpt_vq.py": "b2c51f209a7b511ef896a50c74ceeb99390410b228aa973d12b07cb156b0184c",
    "mGPT/archs/tools/quantize_cnn.py": "e51e7640d420a38b52c9cf371093d740d9b2b3ece025e5d6fa3372781762c28b",
    "mGPT/data/__init__.py": "da44a7e55b16925ee367411f4616c9c96e8e4c5d4d5894e4524652100740abbd",
    "mGPT/losses/base.py": "2c13a8da576c719bb13109c42377eb3538ebc6f2e6cc196187b7c438606a5f8b",
    "mGPT/metrics/base.py": "38621d8fc71a51ed7712253cb599a09739c9c4770023ce1b989f9cb757704657",
    "mGPT/models/base.py": "9cac62dfd897a52130dc02b68b9c4fd48c8d2f02fe029e6631c444faa3aa82f2",
    "mGPT/models/mgpt.py": "a9298e7a712e2ccfb6287d884acdd51e2bddc5cdba3fbc672aa56b1be59873fb",
    "mGPT/utils/load_checkpoint.py": "ca5d0fbc2ea2d4764e96ee22de70b4ee663428ff5710fce99a92cde35aae9629",
    "mGPT/utils/logger.py": "03de06b7b4088b8e53e68feda3ab3f2a59c8a09e7ff9f2fd906b9a96b54f6598",
}
#: What AGIR needs of any version: file -> names that it must define (`Class.method` for methods).
CAPABILITIES = {
    "mGPT/config.py": ("get_obj_from_str", "instantiate_from_config", "parse_args"),
    "mGPT/data/__init__.py": ("BASEDataModule",),
    "mGPT/data/build_data.py": ("build_data",),
    "mGPT/models/build_model.py": ("build_model",),
    "mGPT/models/mgpt.py": ("MotionGPT.__init__", "MotionGPT.allsplit_step"),
    "mGPT/models/base.py": ("BaseModel.metrics_log_dict", "BaseModel.save_npy", "BaseModel.load_state_dict"),
    "mGPT/archs/mgpt_lm.py": ("MLM.__init__",),
    "mGPT/archs/mgpt_vq.py": ("VQVae.encode", "VQVae.decode"),
    "mGPT/utils/load_checkpoint.py": ("load_pretrained", "load_pretrained_vae"),
    "train.py": ("main",),
    "test.py": ("main",),
}
#: Folder of the record and the templates in a checkout.
FOLDER = "agir"
#: Folders for data, models and runs; those that are not there get a `.gitignore`, so that git never shows what is in them.
LOCAL_FOLDERS = ("datasets", "deps", "experiments", "results")

Kind = Literal["upstream", "upstream, changed", "host", "not MotionGPT"]
State = Literal["as installed", "changed since", "missing"]


@dataclass(frozen=True)
class Checkout:
    """What a folder is. `missing` are the capabilities that AGIR needs and that are not there."""

    root: Path
    kind: Kind
    commit: str | None
    missing: tuple[str, ...] = ()

    @property
    def usable(self) -> bool:
        """Whether AGIR runs in it."""
        return self.kind != "not MotionGPT" and not self.missing


@dataclass(frozen=True)
class Change:
    """What an installation or a removal did: paths below the root, by what happened to them."""

    written: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()


def recognise(root: Path) -> Checkout:
    """Say what is in a folder: by commit and file hashes, else by the names that its modules define. Runs nothing in it."""
    root = root.resolve()
    if not is_checkout(root):
        return Checkout(root, "not MotionGPT", None)
    commit = commit_of(root)
    if "FREE_OF" in _names(root / "mGPT" / "__init__.py"):
        return Checkout(root, "host", commit)
    missing = tuple(
        f"{file}: {name}" for file, names in CAPABILITIES.items() for name in names if name not in _names(root / file)
    )
    own = _patches(_record(root))
    same = all(_original_sha256(root, file, own) == known for file, known in KNOWN_FILES.items())
    return Checkout(root, "upstream" if same else "upstream, changed", commit, missing)


def installed(root: Path) -> dict[str, State]:
    """State of every file that was installed in a checkout; empty where nothing was."""
    return {name: _state(root / name, sha256) for name, sha256 in _record(root).get("files", {}).items()}


def patched(root: Path) -> tuple[str, ...]:
    """Names of the patches that were applied to a checkout."""
    return tuple(patch.name for patch in _patches(_record(root)))


def install(root: Path, patches: tuple[str, ...] = ()) -> Change:
    """Copy configurations and templates into an upstream checkout and apply the named patches; again, it brings them up to date.

    Raises HostError, before anything is written, for a folder that AGIR cannot run in, a file in the way that is not
    AGIR's, or a patch that does not fit. Files that the user changed since the last time are kept.
    """
    checkout = recognise(root)
    root = checkout.root
    _check_usable(checkout)
    record, files = _record(root), _files()
    before = installed(root)
    in_the_way = [name for name in files if name not in before and (root / name).exists()]
    if in_the_way:
        raise HostError(f"{root / in_the_way[0]}: is in the way and not AGIR's; move it elsewhere and install again")
    old = _patches(record)
    new = tuple(patch for patch in find_patches(patches) if patch.name not in patched(root))
    contents = _patched_files(root, old, new)
    kept = tuple(name for name, state in before.items() if state == "changed since")
    written = {name: content for name, content in files.items() if name not in kept}
    record = {
        "agir_plugin": __version__,
        "commit": checkout.commit,
        "files": {**record.get("files", {}), **{name: _digest(content) for name, content in written.items()}},
        "ignored": record.get("ignored") or [name for name in LOCAL_FOLDERS if not (root / name).exists()],
        "caches": record.get("caches", _caches(root)),
        "patches": [asdict(patch) for patch in (*old, *new)],
    }
    write_json(root / FOLDER / "installed.json", record)
    for name, content in {**written, **contents}.items():
        write_bytes(root / name, content)
    for name in record["ignored"]:
        write_bytes(root / name / ".gitignore", b"*\n")
    return Change(written=(*written, *(f"patch {patch.name}" for patch in new)), kept=kept)


def remove(root: Path, discard_changes: bool = False) -> Change:
    """Take back what `install` did. Data, models and runs stay where they are, and so do files that the user changed.

    With `discard_changes` changed files go too. What stays is listed. Raises HostError where nothing was installed or a patch
    cannot be taken back.
    """
    root = root.resolve()
    record = _record(root)
    if not record:
        raise HostError(f"{root}: nothing of AGIR is installed there; `agir motiongpt status --root {root}` tells what is")
    own = _patches(record)
    originals = {patch.file: _original(root, patch.file, own) for patch in own}
    for file, content in originals.items():
        write_bytes(root / file, content)
    removed, kept = [f"patch {patch.name}" for patch in own], []
    for name, state in installed(root).items():
        if state == "changed since" and not discard_changes:
            kept.append(name)
            continue
        (root / name).unlink(missing_ok=True)
        removed.append(name)
    kept += [name for name in record["ignored"] if not _drop_if_empty(root / name)]
    for cache in set(_caches(root)) - set(record["caches"]):
        shutil.rmtree(root / cache)
    (root / FOLDER / "installed.json").unlink()
    for folder in (root / FOLDER / "templates", root / FOLDER):
        if folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()
    return Change(removed=tuple(removed), kept=tuple(kept))


def _check_usable(checkout: Checkout) -> None:
    root = checkout.root
    if checkout.kind == "not MotionGPT":
        raise HostError(f"{root}: expected a MotionGPT checkout (train.py and mGPT/ in it); name one with --root")
    if checkout.kind == "host":
        raise HostError(f"{root}: this is AGIR's own host, which finds the shipped configurations by itself; nothing to install")
    if checkout.missing:
        raise HostError(
            f"{root}: this MotionGPT lacks what AGIR builds on ({'; '.join(checkout.missing[:3])}); use commit {KNOWN_COMMIT[:7]}"
        )


def _patches(record: dict[str, Any]) -> tuple[Patch, ...]:
    """The patches that a record says were applied."""
    return tuple(
        Patch(**{**entry, "insertions": tuple((place, added) for place, added in entry["insertions"])})
        for entry in record.get("patches", [])
    )


def _patched_files(root: Path, old: tuple[Patch, ...], new: tuple[Patch, ...]) -> dict[str, bytes]:
    """Content of every file with old and new patches in it; HostError when a new one was made for another text."""
    contents = {}
    for patch in new:
        original = _original(root, patch.file, old)
        if _digest(original) != patch.sha256:
            raise HostError(
                f"{root / patch.file}: not the file that the patch {patch.name} was made for (commit {KNOWN_COMMIT[:7]}); "
                f"install without it"
            )
        fitting = [other for other in (*old, *new) if other.file == patch.file]
        contents[patch.file] = insert(original.decode("utf8"), fitting).encode("utf8")
    return contents


def _original(root: Path, file: str, own: tuple[Patch, ...]) -> bytes:
    """A file as it was before these patches; HostError when it was changed since, so that they cannot be told apart."""
    content = (root / file).read_bytes()
    fitting = [patch for patch in own if patch.file == file]
    if not fitting or _digest(content) == fitting[0].sha256:
        return content
    original = take_out(content.decode("utf8"), fitting)
    if original is None:
        raise HostError(f"{root / file}: was changed after AGIR's patches went in; undo that change first (`git diff {file}`)")
    return original.encode("utf8")


def _original_sha256(root: Path, file: str, own: tuple[Patch, ...]) -> str | None:
    try:
        return _digest(_original(root, file, own))
    except (OSError, UnicodeDecodeError, HostError):
        return None


def _files() -> dict[str, bytes]:
    """What is installed: path below the root -> content."""
    configs = {f"configs/{path.name}": path.read_bytes() for path in sorted(configs_dir().glob("agir_*.yaml"))}
    templates = {f"{FOLDER}/templates/{name}": exported_json(name).encode() for name in FILES}
    return {**configs, **templates}


def _record(root: Path) -> dict[str, Any]:
    path = root / FOLDER / "installed.json"
    if not path.is_file():
        return {}
    try:
        record = json.loads(path.read_text("utf8"))
    except ValueError as error:
        raise HostError(f"{path}: expected the record of an installation as JSON, got {error}; restore it from a copy") from None
    missing = {"files", "ignored", "caches", "patches"} - set(record)
    if missing:
        raise HostError(f"{path}: expected the record of an installation; it lacks {', '.join(sorted(missing))}")
    return record


def _drop_if_empty(folder: Path) -> bool:
    """Remove a folder that holds nothing but our `.gitignore`; else leave it, `.gitignore` included, and say False."""
    if folder.is_dir() and {path.name for path in folder.iterdir()} <= {".gitignore"}:
        shutil.rmtree(folder)
    return not folder.exists()


def _caches(root: Path) -> list[str]:
    """Folders of byte code below the root."""
    found = (path for path in root.rglob("__pycache__") if ".git" not in path.parts)
    return sorted(path.relative_to(root).as_posix() for path in found if not _runs(path, root))


def _runs(path: Path, root: Path) -> bool:
    return path.relative_to(root).parts[0] in LOCAL_FOLDERS


def _names(file: Path) -> set[str]:
    """Names that a module defines at its top, and its classes' methods as `Class.method`; empty for no module."""
    try:
        body = ast.parse(file.read_text("utf8")).body
    except (OSError, SyntaxError, ValueError):
        return set()
    names = {node.name for node in body if isinstance(node, ast.ClassDef | ast.FunctionDef)}
    names |= {t.id for node in body if isinstance(node, ast.Assign) for t in node.targets if isinstance(t, ast.Name)}
    classes = [node for node in body if isinstance(node, ast.ClassDef)]
    return names | {f"{c.name}.{m.name}" for c in classes for m in c.body if isinstance(m, ast.FunctionDef)}


def _state(path: Path, sha256: str) -> State:
    if not path.is_file():
        return "missing"
    return "as installed" if _sha256(path) == sha256 else "changed since"


def _sha256(path: Path) -> str | None:
    return _digest(path.read_bytes()) if path.is_file() else None


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
