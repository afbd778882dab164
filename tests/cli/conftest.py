"""The command line in this process, and small files, cohorts and untrained runs made on the spot for it."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from agir_plugin.cli.app import run
from agir_plugin.cohort import draw_trials, walk_markers
from agir_plugin.ingest import read, write_c3d
from agir_plugin.motion import to_motion

os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")

#: Frames per second and seconds of the generated recording.
FPS, SECONDS = 100.0, 5.0


@dataclass(frozen=True)
class Ended:
    """How a command ended: its exit code, stdout and stderr."""

    code: int
    out: str
    err: str


Command = Callable[..., Ended]


@pytest.fixture
def agir(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Command:
    """`agir(word, ...)`: run a command as the console script does, streams 200 columns wide and no terminal."""
    monkeypatch.setenv("COLUMNS", "200")

    def command(*words: object) -> Ended:
        capsys.readouterr()
        code = run([str(word) for word in words])
        return Ended(code, *capsys.readouterr())

    return command


@pytest.fixture(scope="session")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of `walk.c3d` (44 markers of a synthetic walker), the same walk as `walk.npy`, and unusable variants."""
    folder = tmp_path_factory.mktemp("files")
    trial = next(trial for trial in draw_trials(seed=5) if trial.score == 1)
    names, positions_m = walk_markers(trial.parameters, SECONDS, trial.generator(), FPS)
    write_c3d(folder / "walk.c3d", names, positions_m, FPS)
    joints = to_motion(read(folder / "walk.c3d")).joints_m
    np.save(folder / "walk.npy", joints)
    _write_unusable_c3d(folder, names, positions_m)
    _write_unusable_npy(folder, joints)
    return folder


def _write_unusable_c3d(folder: Path, names: tuple[str, ...], positions_m: np.ndarray) -> None:
    write_c3d(folder / "standing.c3d", names, np.repeat(positions_m[:1], 200, axis=0), FPS)
    write_c3d(folder / "one_step.c3d", names, positions_m[:120], FPS)
    write_c3d(folder / "unknown.c3d", [f"M{number}" for number in range(len(names))], positions_m, FPS)
    write_c3d(folder / "unseen.c3d", names, np.full_like(positions_m, np.nan), FPS)
    broken = positions_m.copy()
    broken[::30] = np.nan  # gaps of one frame
    broken[450:] = np.nan
    write_c3d(folder / "gaps.c3d", names, broken, FPS)
    whole = (folder / "walk.c3d").read_bytes()
    (folder / "truncated.c3d").write_bytes(whole[: len(whole) // 2])
    (folder / "empty.c3d").write_bytes(b"")
    noise = np.random.default_rng(0).bytes(3000)
    for name in ("noise.c3d", "noise.bvh", "noise.npy", "noise.xyz"):
        (folder / name).write_bytes(noise)


def _write_unusable_npy(folder: Path, joints: np.ndarray) -> None:
    np.save(folder / "twenty.npy", joints[:, :20])
    np.save(folder / "flat.npy", joints.reshape(len(joints), -1))
    np.save(folder / "pickled.npy", np.array([{"joints": 1}], dtype=object), allow_pickle=True)
    np.save(folder / "all_gaps.npy", np.full_like(joints, np.nan))
    np.save(folder / "millimetres.npy", 1000.0 * joints)


@pytest.fixture(scope="session")
def cohort(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A synthetic cohort as `agir synth` makes it: 4 subjects, ON and OFF, 2 walks each; read it, do not change it."""
    folder = tmp_path_factory.mktemp("synthetic") / "cohort"
    assert run(["synth", "--out", str(folder), "--subjects", "4", "--walks", "2"]) == 0
    return folder


@pytest.fixture(scope="session")
def runs(cohort: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of exported runs `vq`, `stage1`, `stage2`: the demo's configurations on `cohort`, weights untrained."""
    if "MOTIONGPT_ROOT" in os.environ:
        pytest.skip("makes runs in our host; MOTIONGPT_ROOT names another")
    import torch
    from mGPT.config import parse_args
    from mGPT.data.build_data import build_data
    from mGPT.models.build_model import build_model

    from agir_plugin.bridge.run import EXPORT, export_run
    from agir_plugin.bridge.small_t5 import make_small_t5
    from agir_plugin.bridge.vocabulary import training_texts
    from agir_plugin.cohort import Cohort
    from agir_plugin.config import configs_dir

    folder = tmp_path_factory.mktemp("runs")
    t5 = make_small_t5(folder / "t5", training_texts(Cohort.open(cohort)), width=32, layers=1, heads=2, vocabulary=300)
    language = [f"model.params.lm.params.model_path={t5}", "model.params.lm.params.max_reasoning_tokens=24"]
    for stage in ("vq", "stage1", "stage2"):
        words = ["--cfg", str(configs_dir() / f"agir_{stage}_demo.yaml"), f"DATASET.AGIR.cohort={cohort}"]
        cfg = parse_args("train", words if stage == "vq" else [*words, *language])
        torch.manual_seed(0)
        export_run(build_model(cfg, build_data(cfg)), folder / stage / EXPORT)
    return folder
