"""Checkpoint files of MotionGPT and AGIR in, tensors out: nothing that is pickled in them is ever executed."""

from __future__ import annotations

import io
import json
import pickle
import zipfile
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save
from torch import Tensor

from agir_plugin.cohort.files import write_bytes, write_json
from agir_plugin.errors import ModelError

#: Plain facts of a Lightning checkpoint that are kept beside its tensors.
_FACTS = ("epoch", "global_step", "pytorch-lightning_version", "agir")


@dataclass(frozen=True)
class Checkpoint:
    """Tensors of a checkpoint by name, plain facts about it, and the names of pickled objects that were left out."""

    tensors: dict[str, Tensor]
    facts: dict[str, Any] = field(default_factory=dict)
    left_out: tuple[str, ...] = ()


def read_checkpoint(path: Path | str) -> Checkpoint:
    """Tensors of a `.safetensors` file or of a torch file: a Lightning checkpoint, `{"state_dict": ...}`, or bare tensors.

    Raises ModelError when the file is no such thing, is damaged, or holds a program (TorchScript).
    """
    file = Path(path)
    if not file.is_file():
        raise ModelError(f"{file}: expected a checkpoint file, found none; check the path")
    if file.suffix == ".safetensors":
        return _read_safetensors(file)
    loaded, left_out = _load_inert(file)
    holder = loaded.get("state_dict", loaded) if isinstance(loaded, Mapping) else None
    tensors = {k: v.detach() for k, v in holder.items() if isinstance(v, Tensor)} if isinstance(holder, Mapping) else {}
    if not tensors:
        raise ModelError(f"{file}: expected a checkpoint with tensors in its state_dict, found none; is it a MotionGPT checkpoint?")
    facts = {key: loaded[key] for key in _FACTS if key in loaded and _is_plain_value(loaded[key])}
    return Checkpoint({str(name): value for name, value in tensors.items()}, facts, left_out)


def read_as_dict(path: Path | str) -> dict[str, Any]:
    """As `read_checkpoint`, in the form of a torch file: `{"state_dict": tensors, ...facts}` (our host asks for it)."""
    found = read_checkpoint(path)
    return {"state_dict": found.tensors, **found.facts}


def is_plain(path: Path | str) -> bool:
    """Whether torch loads this file as it is with `weights_only=True`, judged by the names in its pickle alone."""
    try:
        return not torch.serialization.get_unsafe_globals_in_checkpoint(str(path))
    except (ValueError, RuntimeError, pickle.UnpicklingError):  # not torch's zip layout: the restricted reader decides
        return False


def write_plain(source: Path | str, out: Path | str) -> Checkpoint:
    """Convert a checkpoint to tensors and plain facts; `out` ends in `.ckpt` (MotionGPT's scripts read it) or `.safetensors`.

    Beside a `.safetensors` file its facts stand in a `.json` of the same name. Returns what was written. ModelError for
    another ending.
    """
    found, target = read_checkpoint(source), Path(out)
    tensors = {name: value.contiguous() for name, value in found.tensors.items()}
    if target.suffix == ".ckpt":
        buffer = io.BytesIO()
        torch.save({"state_dict": tensors, **found.facts}, buffer)
        target.parent.mkdir(parents=True, exist_ok=True)
        write_bytes(target, buffer.getvalue())
    elif target.suffix == ".safetensors":
        target.parent.mkdir(parents=True, exist_ok=True)
        write_bytes(target, save({name: value.clone() for name, value in tensors.items()}))
        write_json(target.with_suffix(".json"), {"source": Path(source).name, "facts": found.facts, "left_out": found.left_out})
    else:
        raise ModelError(f"{target}: expected an output file that ends in .ckpt or .safetensors")
    return found


def _read_safetensors(file: Path) -> Checkpoint:
    try:
        with safe_open(file, framework="pt") as opened:
            facts = opened.metadata() or {}
        tensors = load_file(file)
    except (SafetensorError, OSError, ValueError) as error:
        raise ModelError(f"{file}: expected safetensors weights, got {error}; copy the file again") from None
    beside = file.with_suffix(".json")
    if beside.is_file():
        try:
            facts = {**facts, **json.loads(beside.read_text("utf8")).get("facts", {})}
        except (ValueError, AttributeError) as error:
            raise ModelError(f"{beside}: expected the facts of {file.name} as JSON, got {error}; copy it again") from None
    return Checkpoint(tensors, dict(facts))


class _Inert:
    """Stands where a pickled object was: takes any arguments and state, does nothing with them."""

    def __new__(cls, *args: Any, **kwargs: Any) -> _Inert:
        return super().__new__(cls)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Forget the arguments."""

    def __call__(self, *args: Any, **kwargs: Any) -> _Inert:
        return self

    def __setstate__(self, state: Any) -> None:
        """Forget the state."""

    def __setitem__(self, key: Any, value: Any) -> None:
        """Forget the item."""

    def append(self, value: Any) -> None:
        """Forget the item."""

    def extend(self, values: Any) -> None:
        """Forget the items."""

    def add(self, value: Any) -> None:
        """Forget the item."""

    def __hash__(self) -> int:
        return id(self)


def _load_inert(file: Path) -> tuple[Any, tuple[str, ...]]:
    """What a torch file holds, with every object that is no tensor or plain value replaced by an inert stand-in."""
    left_out: set[str] = set()
    known = _tensor_makers()

    class Restricted(pickle.Unpickler):
        """Looks nothing up but what rebuilds tensors."""

        def find_class(self, module: str, name: str) -> Any:
            """A tensor's maker, or the inert class; no module is ever imported."""
            if (module, name) not in known:
                left_out.add(f"{module}.{name}")
            return known.get((module, name), _Inert)

    if _holds_program(file):
        raise ModelError(f"{file}: this is a TorchScript program; expected a checkpoint, which holds weights only")
    pickles = SimpleNamespace(
        __name__="restricted",
        Unpickler=Restricted,
        UnpicklingError=pickle.UnpicklingError,
        load=lambda opened, **options: Restricted(opened, **options).load(),
    )
    try:
        loaded = torch.load(file, map_location="cpu", weights_only=False, pickle_module=pickles)
    except Exception as error:  # a damaged pickle can raise anything
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
        raise ModelError(f"{file}: expected a torch checkpoint, but it cannot be read ({reason}); copy it again") from error
    return loaded, tuple(sorted(left_out))


def _tensor_makers() -> dict[tuple[str, str], Any]:
    """The only globals of a pickle that are looked up; each makes tensors or plain containers and nothing else.

    torch's functions are wrapped anew for every file: a pickle can set attributes of what it gets hold of.
    """

    def rebuild_tensor(*args: Any) -> Tensor:
        return torch._utils._rebuild_tensor_v2(*args)

    def rebuild_parameter(*args: Any) -> Tensor:
        return torch._utils._rebuild_parameter(*args)

    return {
        ("collections", "OrderedDict"): OrderedDict,
        ("torch._utils", "_rebuild_tensor_v2"): rebuild_tensor,
        ("torch._utils", "_rebuild_parameter"): rebuild_parameter,
        ("torch", "Size"): torch.Size,
        ("torch", "device"): torch.device,
    }


def _holds_program(file: Path) -> bool:
    if not zipfile.is_zipfile(file):
        return False
    with zipfile.ZipFile(file) as archive:
        return any(name.endswith("constants.pkl") or "/code/" in name for name in archive.namelist())


def _is_plain_value(value: Any) -> bool:
    if isinstance(value, Mapping):
        return all(isinstance(key, str) and _is_plain_value(item) for key, item in value.items())
    if isinstance(value, list | tuple):
        return all(map(_is_plain_value, value))
    return value is None or isinstance(value, bool | int | float | str)
