"""A cohort folder in, its walks, arrays, measurements, rationales and folds out."""
from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from agir_plugin.cohort.files import write_texts
from agir_plugin.cohort.rationale_rows import RATIONALES, rationale_of, read_rows
from agir_plugin.cohort.splits import DEFAULT_SCHEME, Fold, read_fold
from agir_plugin.cohort.texts import humanml3d_line
from agir_plugin.cohort.walks import KEPT, Walk, read_walks
from agir_plugin.consts import JOINTS, N_FEATURES
from agir_plugin.errors import CohortError
from agir_plugin.gait import from_json
from agir_plugin.records import GaitParameters, Rationale

#: Folders that hold one file per kept walk, with the file's ending.
WALK_FILES = {"joints": ".npy", "new_joint_vecs": ".npy", "gait": ".json"}


@dataclass(frozen=True)
class Cohort:
    """An opened cohort folder; arrays are read when asked for. `facts` is the content of cohort.json."""

    folder: Path
    facts: Mapping[str, Any]
    walks: tuple[Walk, ...]

    @classmethod
    def open(cls, folder: Path | str) -> Cohort:
        """Read cohort.json and walks.csv; CohortError for a folder that is no cohort, unfinished, or lacks a file."""
        folder = Path(folder)
        facts = _read_facts(folder)
        if not facts.get("complete", False):
            raise CohortError(
                f"{folder}: expected a finished cohort, but writing it was interrupted; run the same command again, "
                "it goes on where it stopped"
            )
        cohort = cls(folder, facts, read_walks(folder / "walks.csv"))
        cohort._check_files()
        return cohort

    @property
    def name(self) -> str:
        """The cohort's name."""
        return str(self.facts["name"])

    @property
    def synthetic(self) -> bool:
        """True when nobody walked: the cohort was made by the walking model."""
        return bool(self.facts["synthetic"])

    @cached_property
    def kept(self) -> tuple[Walk, ...]:
        """The walks that are in the cohort, in the order of walks.csv."""
        return tuple(walk for walk in self.walks if walk.status == KEPT)

    @cached_property
    def _by_name(self) -> dict[str, Walk]:
        return {walk.walk: walk for walk in self.walks}

    def walk(self, name: str) -> Walk:
        """The row of one walk, kept or refused; CohortError when the cohort has no such walk."""
        if name not in self._by_name:
            raise CohortError(
                f"{self.folder}: has no walk {name!r}; its {len(self.walks)} walks are listed in walks.csv"
            )
        return self._by_name[name]

    def walks_of(self, subjects: Iterable[str]) -> tuple[Walk, ...]:
        """The kept walks of these subjects, in the order of walks.csv."""
        wanted = set(subjects)
        return tuple(walk for walk in self.kept if walk.subject in wanted)

    def joints(self, walk: str) -> np.ndarray:
        """Joints (T, 22, 3) float32 of one walk: metres, Y up, 20 fps, true body size."""
        return self._array("joints", walk, (None, len(JOINTS), 3))

    def features(self, walk: str) -> np.ndarray:
        """HumanML3D features (T-1, 263) float32 of one walk, not normalised."""
        return self._array("new_joint_vecs", walk, (None, N_FEATURES))

    def tokens(self, walk: str) -> np.ndarray:
        """Motion tokens (n,) of one walk; CohortError when the cohort has not been tokenised."""
        if not (self.folder / "TOKENS" / f"{walk}.npy").is_file():
            raise CohortError(
                f"{self.folder}: {walk} has no motion tokens; run `agir tokenize {self.folder}` with a trained "
                "tokenizer"
            )
        return self._array("TOKENS", walk, (1, None))[0]

    def gait(self, walk: str) -> GaitParameters:
        """The gait parameters that were measured on one kept walk."""
        path = self._file("gait", walk)
        try:
            return from_json(json.loads(path.read_text(encoding="utf8")))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise CohortError(
                f"{path}: expected the report of `agir gait`, but reading it failed ({error}); delete it and run the command "
                "that made the cohort again"
            ) from None

    def statistics(self) -> tuple[np.ndarray, np.ndarray]:
        """Mean and standard deviation (263,) float32 that normalise features; cohort.json says of which subjects."""
        pair = []
        for name in ("Mean.npy", "Std.npy"):
            path = self.folder / name
            if not path.is_file():
                raise CohortError(
                    f"{path}: missing; build the cohort again, or copy the statistics of the tokenizer's training here"
                )
            pair.append(np.load(path, allow_pickle=False))
        return pair[0], pair[1]

    def fold(self, scheme: str = DEFAULT_SCHEME, k: int = 0) -> Fold:
        """One fold of folds/<scheme>/<k>.json; CohortError when it is missing, leaks, or names an unknown subject."""
        path = self.folder / "folds" / scheme / f"{k}.json"
        fold = read_fold(path)
        known = {walk.subject for walk in self.walks}
        strangers = sorted({*fold.train, *fold.val, *fold.test} - known)
        if strangers:
            raise CohortError(
                f"{path}: names subjects that walks.csv does not have ({', '.join(strangers[:5])}); build the "
                "cohort again"
            )
        return fold

    def rationales(self) -> dict[str, Rationale]:
        """Walk -> rationale, of rationales.jsonl; empty when none were written. CohortError for a malformed line."""
        return {walk: rationale_of(row) for walk, row in read_rows(self.folder / RATIONALES).items()}

    def save_rationales(
        self,
        rationales: Mapping[str, Rationale],
        writer: str,
        prompt_hash: str = "",
        reviewed_by: Mapping[str, str] | None = None,
        provenance: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> None:
        """Write rationales.jsonl and every texts/W.txt, or none of them; CohortError for a walk that is not kept.

        `writer` names who wrote them, `prompt_hash` the prompt (empty for rules), `reviewed_by` walk -> reviewer;
        `provenance` walk -> what of these differs for one walk, and more (model, deviations).
        """
        strangers = sorted(set(rationales) - {walk.walk for walk in self.kept})
        if strangers:
            raise CohortError(
                f"{self.folder}: rationales were given for {len(strangers)} walks that the cohort does not keep "
                f"({', '.join(strangers[:3])}); leave them out"
            )
        lines, texts = [], {}
        for walk in self.kept:
            if walk.walk not in rationales:
                continue
            row = {
                "walk": walk.walk,
                **asdict(rationales[walk.walk]),
                "writer": writer,
                "prompt_hash": prompt_hash,
                "reviewed_by": (reviewed_by or {}).get(walk.walk, ""),
                **(provenance or {}).get(walk.walk, {}),
            }
            lines.append(json.dumps(row, ensure_ascii=False))
            texts[self.folder / "texts" / f"{walk.walk}.txt"] = humanml3d_line(rationales[walk.walk]) + "\n"
        write_texts({**texts, self.folder / RATIONALES: "".join(line + "\n" for line in lines)})

    def hash(self) -> str:
        """SHA-256 over walks.csv and the features of all kept walks: two cohorts with equal hashes train the same
        model.
        """
        digest = hashlib.sha256((self.folder / "walks.csv").read_bytes())
        for walk in self.kept:
            digest.update(self._file("new_joint_vecs", walk.walk).read_bytes())
        return digest.hexdigest()

    def _file(self, kind: str, walk: str) -> Path:
        path = self.folder / kind / f"{walk}{WALK_FILES.get(kind, '.npy')}"
        row = self.walk(walk)
        if row.status != KEPT:
            raise CohortError(
                f"{self.folder}: {walk} was refused ({row.reason}); it has no {kind}; ask for a kept walk"
            )
        if not path.is_file():
            raise CohortError(
                f"{path}: missing although walks.csv keeps {walk}; run the command that made the cohort again"
            )
        return path

    def _array(self, kind: str, walk: str, shape: tuple[int | None, ...]) -> np.ndarray:
        path = self._file(kind, walk)
        try:
            array = np.load(path, allow_pickle=False)
        except (ValueError, EOFError) as error:
            raise CohortError(
                f"{path}: expected a numpy array, but reading it failed ({error}); delete it and run the command "
                "that made the cohort again"
            ) from None
        if array.ndim != len(shape) or any(
            want not in (None, got) for want, got in zip(shape, array.shape, strict=False)
        ):
            raise CohortError(
                f"{path}: expected an array of shape {shape} (None: any), got {array.shape}; delete it and run the "
                "command that made the cohort again"
            )
        return array

    def _check_files(self) -> None:
        for kind, ending in WALK_FILES.items():
            there = {path.name for path in (self.folder / kind).glob(f"*{ending}")}
            missing = [walk.walk for walk in self.kept if walk.walk + ending not in there]
            if missing:
                raise CohortError(
                    f"{self.folder / kind}: {len(missing)} of {len(self.kept)} kept walks have no file here (first "
                    f"{missing[0]}{ending}); run the command that made the cohort again"
                )


def _read_facts(folder: Path) -> dict[str, Any]:
    path = folder / "cohort.json"
    if not path.is_file():
        raise CohortError(
            f"{folder}: expected a cohort folder with cohort.json; make one with `agir synth` or `agir ingest`"
        )
    try:
        facts = json.loads(path.read_text(encoding="utf8"))
        return {"name": facts["name"], "synthetic": facts["synthetic"], **facts}
    except (ValueError, KeyError, TypeError) as error:
        raise CohortError(
            f"{path}: expected a JSON object with name and synthetic, but reading it failed ({error}); build the "
            "cohort again"
        ) from None
