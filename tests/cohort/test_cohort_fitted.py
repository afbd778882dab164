"""A laboratory whose markers are fitted by a SYNTHETIC body in SMPL's format: one shape per subject, walks, residuals, refusals."""
from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from agir_plugin.cli.app import run
from agir_plugin.cohort import Cohort, build_cohort
from agir_plugin.ingest import read, write_c3d
from agir_plugin.motion import labels

sys.path.insert(0, str(Path(__file__).parents[1] / "motion"))
import smpl_body  # noqa: E402

FPS = 40.0


@pytest.fixture(scope="module")
def bodies(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a body whose vertices lie where the table of markers expects them."""
    import yaml

    from agir_plugin.motion import fitting_markers

    arrays = smpl_body.arrays()
    table = yaml.safe_load(Path(fitting_markers.__file__).with_name("marker_vertices.yaml").read_text(encoding="utf8"))
    places = {labels.normalise(name): vertex for name, vertex in smpl_body.marker_vertices(smpl_body.make_body()).items()}
    order = np.arange(smpl_body.SMPL_VERTICES)
    for name, entry in {**table["midline"], **table["right"]}.items():
        if "vertex" in entry:
            here, there = int(np.flatnonzero(order == places[name])[0]), entry["vertex"]
            order[[here, there]] = order[[there, here]]
    position = np.argsort(order)
    for key in ("v_template", "weights", "shapedirs", "posedirs"):
        arrays[key] = arrays[key][order]
    arrays["J_regressor"], arrays["f"] = arrays["J_regressor"][:, order], position[arrays["f"]]
    folder = tmp_path_factory.mktemp("smpl")
    np.savez(folder / "SMPL_NEUTRAL.npz", **arrays)
    return folder


@pytest.fixture(scope="module")
def laboratory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """SUB01: static trial, two walks, and one with exchanged labels; SUB02: a walk without a static trial."""
    folder = tmp_path_factory.mktemp("lab")
    body = smpl_body.make_body()
    for number, name in enumerate(("SUB01", "SUB02")):
        subject = smpl_body.Subject.draw(body, seed=number, misplaced_m=0.002)
        names = list(subject.vertices)
        for walk, speed in ((1, 1.0), (2, 1.2)) if number == 0 else ((1, 1.1),):
            places = subject.record(*smpl_body.walking(140, FPS, speed), fps=FPS).positions_m
            write_c3d(folder / f"{name}_on_walk_{walk}.c3d", names, places, FPS, up="+y")
        if number == 0:
            write_c3d(folder / "SUB01_on_static_1.c3d", names, subject.record(*smpl_body.standing()).positions_m, FPS, up="+y")
            trunk = [name for name in names if name.split(".")[-1] not in ("ASIS", "PSIS", "Heel", "MT2", "Knee", "Ankle")]
            shuffled = names.copy()
            for one, other in zip(trunk, trunk[5:] + trunk[:5], strict=True):
                shuffled[names.index(one)] = other
            write_c3d(folder / "SUB01_on_walk_3.c3d", shuffled, places, FPS, up="+y")
    return folder


@pytest.fixture(scope="module")
def cohort(bodies: Path, laboratory: Path, tmp_path_factory: pytest.TempPathFactory) -> Cohort:
    out = tmp_path_factory.mktemp("out") / "cohort"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AGIR_SMPL_DIR", str(bodies))
        assert run(["ingest", str(laboratory), "--out", str(out), "--smpl"]) == 0
    return Cohort.open(out)


def test_every_walk_is_fitted_or_listed(cohort: Cohort) -> None:
    assert [walk.walk for walk in cohort.kept] == ["SUB01_on_walk_1", "SUB01_on_walk_2", "SUB02_on_walk_1"]
    reasons = {walk.walk: walk.reason for walk in cohort.walks if walk.status == "refused"}
    assert reasons["SUB01_on_static_1"] == "a static trial, not a walk"
    assert "the body does not fit" in reasons["SUB01_on_walk_3"]
    assert cohort.facts["body"] == "SMPL"


def test_all_walks_of_a_subject_have_one_shape_from_the_static_trial(cohort: Cohort) -> None:
    with np.load(cohort.folder / "smpl" / "shapes" / "SUB01.npz", allow_pickle=False) as shape:
        assert str(shape["source"]) == "SUB01_on_static_1.c3d"
        betas = shape["betas"]
    for walk in ("SUB01_on_walk_1", "SUB01_on_walk_2"):
        with np.load(cohort.folder / "smpl" / f"{walk}.npz", allow_pickle=False) as fitted:
            assert np.abs(fitted["betas"] - betas).max() == 0
    with np.load(cohort.folder / "smpl" / "shapes" / "SUB02.npz", allow_pickle=False) as shape:
        assert str(shape["source"]) == "SUB02_on_walk_1.c3d"


def test_residuals_are_those_of_the_noise(cohort: Cohort) -> None:
    with np.load(cohort.folder / "smpl" / "SUB01_on_walk_1.npz", allow_pickle=False) as fitted:
        assert fitted["residual_m"].shape == (140, 44) and len(fitted["marker_names"]) == 44
        assert np.sqrt((fitted["residual_m"] ** 2).mean()) < 0.008
    assert any(flag.startswith("fitted: ") for flag in cohort.gait("SUB01_on_walk_1").flags)


def test_the_walks_are_measured_as_without_the_body(cohort: Cohort, laboratory: Path, tmp_path: Path) -> None:
    plain = build_cohort([laboratory], tmp_path / "plain")
    for walk in ("SUB01_on_walk_1", "SUB02_on_walk_1"):
        for name, near in (("speed_mps", 0.02), ("cadence_spm", 1.0)):
            assert cohort.gait(walk).value(name) == pytest.approx(plain.gait(walk).value(name), abs=near), (walk, name)


def test_what_was_written_is_read_as_a_motion_file(cohort: Cohort, bodies: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AGIR_SMPL_DIR", str(bodies))
    recording = read(cohort.folder / "smpl" / "SUB01_on_walk_1.npz")
    assert recording.fps == FPS and recording.positions_m.shape == (140, 22, 3)


def test_run_again_it_makes_nothing_anew(
    cohort: Cohort, bodies: Path, laboratory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AGIR_SMPL_DIR", str(bodies))
    files = [path for path in cohort.folder.rglob("*.np[yz]") if path.name not in ("Mean.npy", "Std.npy")]
    before = {path: path.stat().st_mtime_ns for path in files}
    assert run(["ingest", str(laboratory), "--out", str(cohort.folder), "--smpl", "--workers", "2"]) == 0
    assert {path: path.stat().st_mtime_ns for path in files} == before


def test_without_the_body_the_error_says_where_to_get_it(
    laboratory: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("AGIR_SMPL_DIR", raising=False)
    assert run(["ingest", str(laboratory), "--out", str(tmp_path / "cohort"), "--smpl"]) != 0
    assert "smpl.is.tue.mpg.de" in capsys.readouterr().err




@pytest.fixture
def poses(tmp_path: Path) -> Path:
    """SMPL files of one subject as another program fits them, each with betas of its own; walk 3 has lost its poses."""
    folder = tmp_path / "poses"
    folder.mkdir()
    pose, path = smpl_body.walking(140, FPS, 1.1)
    moving = {"poses": pose, "trans": path}
    standing = dict(zip(("poses", "trans"), smpl_body.standing(), strict=True))
    trials = {
        "static_1": (standing, 0.5), "walk_1": (moving, 1.0), "walk_2": (moving, -1.0),
        "walk_3": ({"poses": pose * np.nan, "trans": path}, 0.0),
    }
    for name, (motion, beta) in trials.items():
        betas = np.full(10, beta)
        np.savez(folder / f"SUB07_off_{name}.npz", **motion, betas=betas, gender="neutral", mocap_framerate=FPS)
    return folder


def test_smpl_files_of_a_subject_share_the_shape_of_the_static_trial(
    poses: Path, bodies: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AGIR_SMPL_DIR", str(bodies))
    assert run(["ingest", str(poses), "--out", str(tmp_path / "cohort"), "--smpl"]) == 0
    cohort = Cohort.open(tmp_path / "cohort")
    assert [walk.walk for walk in cohort.kept] == ["SUB07_off_walk_1", "SUB07_off_walk_2"]
    assert "expected at least one frame" in next(walk.reason for walk in cohort.walks if walk.walk == "SUB07_off_walk_3")
    for walk in cohort.kept:
        with np.load(cohort.folder / "smpl" / f"{walk.walk}.npz", allow_pickle=False) as posed:
            assert posed["betas"].tolist() == [0.5] * 10 and posed["poses"].shape[0] == posed["trans"].shape[0] == 140
    np.testing.assert_array_equal(cohort.joints("SUB07_off_walk_1"), cohort.joints("SUB07_off_walk_2"))


def test_without_one_shape_each_smpl_file_keeps_its_own(
    poses: Path, bodies: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AGIR_SMPL_DIR", str(bodies))
    cohort = build_cohort([poses], tmp_path / "cohort")
    assert np.abs(cohort.joints("SUB07_off_walk_1") - cohort.joints("SUB07_off_walk_2")).max() > 0.001


def test_smpl_files_without_betas_are_listed(
    poses: Path, bodies: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AGIR_SMPL_DIR", str(bodies))
    pose, path = smpl_body.walking(140, FPS, 1.1)
    np.savez(poses / "SUB08_off_walk_1.npz", poses=pose, trans=path, mocap_framerate=FPS)
    assert run(["ingest", str(poses), "--out", str(tmp_path / "cohort"), "--smpl"]) == 0
    reasons = {walk.walk: walk.reason for walk in Cohort.open(tmp_path / "cohort").walks}
    assert "shape could not be fitted" in reasons["SUB08_off_walk_1"] and "expected betas" in reasons["SUB08_off_walk_1"]
