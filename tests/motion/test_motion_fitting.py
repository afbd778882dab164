"""Marker fitting on a synthetic body: derivatives, accuracy under noise, gaps and swaps, refusals, and what must not matter."""
from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import smpl_body
import torch
from scipy.spatial.transform import Rotation

from agir_plugin.consts import JOINT, JOINTS
from agir_plugin.errors import UnusableRecording, UsageError
from agir_plugin.gait import measure
from agir_plugin.motion import fitting_solve
from agir_plugin.motion.body_model import joints_from_pose
from agir_plugin.motion.fitting import Fit, SubjectShape, fit_motion, fit_shape, fit_walk, walk_problem
from agir_plugin.motion.fitting_markers import mirrored_vertex, table_vertices
from agir_plugin.motion.fitting_prior import angles_rad
from agir_plugin.motion.fitting_problem import Observed, ShapeProblem
from agir_plugin.motion.fitting_skin import MarkerSkin, exponential
from agir_plugin.records import Recording

POSE, PATH = smpl_body.walking(frames=72, fps=20.0)
#: Joints that markers hold: all but the head.
HELD = [JOINT[name] for name in JOINTS if name != "head"]


@pytest.fixture(scope="module")
def subject() -> smpl_body.Subject:
    return smpl_body.Subject.draw(smpl_body.make_body())


@pytest.fixture(scope="module")
def shape(subject: smpl_body.Subject) -> SubjectShape:
    return fit_shape(subject.record(*smpl_body.standing()), subject.body, subject.vertices)


@pytest.fixture(scope="module")
def walk(subject: smpl_body.Subject) -> Recording:
    return subject.record(POSE, PATH)


@pytest.fixture(scope="module")
def fitted(walk: Recording, shape: SubjectShape) -> Fit:
    return fit_walk(walk, shape)


def truth(subject: smpl_body.Subject) -> np.ndarray:
    return joints_from_pose(POSE, PATH, subject.betas, subject.body)


def joint_error_m(fit: Fit, subject: smpl_body.Subject) -> float:
    return float(np.linalg.norm(fit.joints_m - truth(subject), axis=-1)[:, HELD].mean())


def spoilt(walk: Recording, places: np.ndarray) -> Recording:
    return replace(walk, positions_m=places)


def test_the_skin_is_smplxs(subject: smpl_body.Subject) -> None:
    smplx = pytest.importorskip("smplx")
    rng = np.random.default_rng(1)
    pose, path = POSE[:4] + rng.normal(0, 0.2, (4, 72)), PATH[:4]
    pose[:, 66:] = 0.0
    model = smplx.SMPL("", data_struct=smplx.utils.Struct(**smpl_body.arrays()), dtype=torch.float64, batch_size=4)
    out = model(
        betas=torch.tensor(subject.betas)[None].expand(4, -1), global_orient=torch.tensor(pose[:, :3]),
        body_pose=torch.tensor(pose[:, 3:]), transl=torch.tensor(path),
    )
    ids = np.array(list(subject.vertices.values()))
    skin = MarkerSkin(subject.body, ids)
    rest, joints = skin.shaped(torch.tensor(subject.betas), torch.zeros(44, 3, dtype=torch.float64))
    unknowns = torch.tensor(np.concatenate([pose[:, :66], path + subject.body.rest_joints(subject.betas)[0]], axis=1))
    placed = skin.place(rest, joints, unknowns, torch.eye(3, dtype=torch.float64).expand(4, 3, 3))
    np.testing.assert_allclose(placed.markers, out.vertices[:, ids].detach(), atol=1e-7)
    np.testing.assert_allclose(placed.joints, out.joints[:, :22].detach(), atol=1e-7)


def test_derivatives_are_those_of_automatic_differentiation(subject: smpl_body.Subject) -> None:
    rng = np.random.default_rng(2)
    skin = MarkerSkin(subject.body, np.array(list(subject.vertices.values()))[::4])
    unknowns = torch.tensor(rng.normal(0, 0.5, (2, 69)))
    unknowns[0, 3:9] = 0.0  # no turn: the series
    facing = exponential(torch.tensor([[0.0, 0.7, 0.0], [0.0, -2.0, 0.0]], dtype=torch.float64))[0]
    betas, offsets = torch.tensor(subject.betas), torch.tensor(subject.offsets_m[::4])

    def markers(unknowns: torch.Tensor, betas: torch.Tensor) -> torch.Tensor:
        return skin.place(*skin.shaped(betas, offsets), unknowns, facing).markers

    placed = skin.place(*skin.shaped(betas, offsets), unknowns, facing)
    by_pose, by_shape = torch.autograd.functional.jacobian(markers, (unknowns, betas))
    own = torch.stack([by_pose[frame, :, :, frame] for frame in range(2)])
    np.testing.assert_allclose(skin.by_pose(placed), own, atol=1e-10)
    np.testing.assert_allclose(skin.by_shape(placed), by_shape, atol=1e-12)


def test_the_models_gradient_is_that_of_the_energy(shape: SubjectShape, walk: Recording) -> None:
    places = walk.positions_m[:6].copy()
    places[2, :5] = np.nan
    problem, start = walk_problem(places, shape, list(range(44)), 20.0)
    unknowns = start + torch.tensor(np.random.default_rng(0).normal(0.0, 0.05, start.shape))
    unknowns.requires_grad_()
    problem.energy_tensor(unknowns, 0.1).backward()
    model = problem.linearise(unknowns.detach(), 0.1)
    np.testing.assert_allclose(2 * model.gradient, unknowns.grad, rtol=1e-6, atol=1e-4)


def test_the_shape_steps_solve_the_whole_system(subject: smpl_body.Subject, walk: Recording) -> None:
    """Frames eliminated and put back give what one dense solution of the same matrix gives."""
    ids = np.array(list(subject.vertices.values()))[:14]
    facing = np.tile(np.eye(3), (3, 1, 1))
    observed = Observed(walk.positions_m[:3, :14], facing, "cpu")
    problem = ShapeProblem(MarkerSkin(subject.body, ids), subject.body.normals()[ids], observed)
    model = problem.linearise(problem.start(torch.tensor(np.random.default_rng(0).normal(0, 0.3, (3, 69)))), 0.3)
    shared, frames = len(model.shared_gradient), 3 * 69
    whole = torch.zeros(shared + frames, shared + frames, dtype=torch.float64)
    whole[:shared, :shared], whole[shared:, shared:] = model.shared, torch.block_diag(*model.blocks)
    whole[shared:, :shared] = model.coupling.reshape(frames, shared)
    whole[:shared, shared:] = whole[shared:, :shared].T
    right = torch.cat([model.shared_gradient, model.gradient.flatten()])
    np.testing.assert_allclose(problem.step(model, 0.0), -torch.linalg.solve(whole, right), rtol=1e-6, atol=1e-9)


def test_the_banded_steps_solve_the_whole_system() -> None:
    rng = np.random.default_rng(0)
    blocks = rng.normal(size=(5, 3, 3))
    blocks = blocks @ blocks.transpose(0, 2, 1) + np.eye(3)
    gradient, smooth = rng.normal(size=(5, 3)), np.array([0.5, 2.0, 30.0])
    second = np.diff(np.eye(5), n=2, axis=0)
    whole = np.kron(second.T @ second, np.diag(smooth))
    for frame in range(5):
        here = slice(3 * frame, 3 * frame + 3)
        whole[here, here] += blocks[frame] + 0.1 * np.diag(np.diag(blocks[frame]))
    step = fitting_solve.banded_step(torch.tensor(blocks), torch.tensor(gradient), smooth, 0.1)
    np.testing.assert_allclose(step.flatten(), -np.linalg.solve(whole, gradient.flatten()))
    values = torch.tensor(gradient)
    np.testing.assert_allclose(fitting_solve.differences_gradient(values), second.T @ second @ gradient, atol=1e-12)
    assert not len(fitting_solve.second_differences(values[:2])) and not fitting_solve.differences_gradient(values[:2]).any()


def test_a_static_trial_gives_the_shape(subject: smpl_body.Subject, shape: SubjectShape) -> None:
    assert shape.names[0] == "CLAV" and len(shape.names) == 44 and shape.frames == 12
    assert shape.rms_m < 0.006
    legs = [JOINT["left_hip"], JOINT["left_knee"], JOINT["left_ankle"]]
    both = [subject.body.rest_joints(betas)[legs] for betas in (shape.betas, subject.betas)]
    found, true = (np.linalg.norm(np.diff(joints, axis=0), axis=-1) for joints in both)
    np.testing.assert_allclose(found, true, atol=0.012)
    off = ((shape.offsets_m - subject.offsets_m) * subject.body.normals()[shape.vertices]).sum(axis=-1)
    assert np.abs(off).max() < 0.012


def test_a_walk_is_fitted_to_noise_and_centimetre(subject: smpl_body.Subject, fitted: Fit) -> None:
    assert fitted.failure == "" and fitted.outliers == 0.0
    assert fitted.rms_m <= 0.006
    assert joint_error_m(fitted, subject) <= 0.010
    assert fitted.residual_m.shape == (72, 44) and fitted.joints_m.shape == (72, 22, 3) and fitted.pose_rad.shape == (72, 72)


def test_the_poses_give_the_joints_through_any_smpl_code(fitted: Fit, shape: SubjectShape) -> None:
    again = joints_from_pose(fitted.pose_rad, fitted.translation_m, shape.betas, shape.body)
    np.testing.assert_allclose(again, fitted.joints_m, atol=1e-9)


def test_the_shape_is_the_same_every_time(subject: smpl_body.Subject, shape: SubjectShape, walk: Recording) -> None:
    again = fit_shape(subject.record(*smpl_body.standing()), subject.body, subject.vertices)
    assert np.abs(again.betas - shape.betas).max() == 0 and np.abs(again.offsets_m - shape.offsets_m).max() == 0
    np.testing.assert_array_equal(fit_walk(walk, again).joints_m, fit_walk(walk, shape).joints_m)


@pytest.mark.parametrize("posture", ["arms out", "arms hanging"])
def test_the_posture_of_the_static_trial_may_differ(subject: smpl_body.Subject, posture: str) -> None:
    pose, path = smpl_body.standing()
    lowered = {"arms out": 0.1, "arms hanging": 1.4}[posture]
    pose[:, 48:54] = 0.0
    pose[:, 50], pose[:, 53] = -lowered, lowered
    shape = fit_shape(subject.record(pose, path), subject.body, subject.vertices)
    assert joint_error_m(fit_walk(subject.record(POSE, PATH), shape), subject) <= 0.012


def test_missing_samples_are_tolerated(subject: smpl_body.Subject, shape: SubjectShape, walk: Recording) -> None:
    places = walk.positions_m.copy()
    places[np.random.default_rng(0).random(places.shape[:2]) < 0.1] = np.nan
    places[30:33] = np.nan  # nothing is seen for 0.15 s
    places[:, [walk.names.index("L.Knee.Medial"), walk.names.index("RUPA")]] = np.nan
    fit = fit_walk(spoilt(walk, places), shape)
    assert fit.failure == "" and len(fit.names) == 42 and np.isfinite(fit.joints_m).all()
    assert joint_error_m(fit, subject) <= 0.012
    assert np.isnan(fit.residual_m[30:33]).all()


def test_a_burst_of_swapped_markers_is_outvoted(subject: smpl_body.Subject, shape: SubjectShape, walk: Recording) -> None:
    places = walk.positions_m.copy()
    pair = [walk.names.index("L.Ankle"), walk.names.index("R.Ankle")]
    places[20:30, pair] = places[20:30, pair[::-1]]
    fit = fit_walk(spoilt(walk, places), shape)
    assert fit.failure == "" and fit.outliers == pytest.approx(20 / (72 * 44), abs=1e-3)
    assert joint_error_m(fit, subject) <= 0.012
    assert np.linalg.norm(fit.joints_m - truth(subject), axis=-1)[20:30].max() < 0.06


def test_shuffled_markers_fail_with_a_reason(shape: SubjectShape, walk: Recording) -> None:
    shuffled = spoilt(walk, walk.positions_m[:, np.random.default_rng(0).permutation(44)])
    fit = fit_walk(shuffled, shape)
    assert "the body does not fit" in fit.failure
    with pytest.raises(UnusableRecording, match="walk.c3d: the body does not fit.*leave the walk out"):
        fit_motion(shuffled, shape)


def test_most_markers_unseen_fails_with_a_reason(shape: SubjectShape, walk: Recording) -> None:
    places = walk.positions_m.copy()
    places[:, 16:] = np.where(np.arange(72)[:, None, None] % 24 == 0, places[:, 16:], np.nan)
    assert fit_walk(spoilt(walk, places), shape).failure == "the fit saw 39 % of the markers, expected at least 50 %"


def test_a_walk_begins_where_its_markers_do(shape: SubjectShape, walk: Recording, fitted: Fit) -> None:
    places = walk.positions_m.copy()
    places[:20] = np.nan
    places[40:43, 5:] = np.nan  # bridged
    motion = fit_motion(spoilt(walk, places), shape)
    assert motion.start_s == 1.0 and len(motion.joints_m) == 52
    assert any(flag.startswith("trimmed: 1.00 to 3.55 s of 3.55 s") for flag in motion.flags)
    away = np.linalg.norm(motion.joints_m[:, HELD, ::2] - fitted.joints_m[20:, HELD, ::2], axis=-1)
    assert away.mean() < 0.004
    with pytest.raises(UnusableRecording, match="at least 12 markers with a place on the body, got none in 72 frames"):
        fit_walk(spoilt(walk, np.where(np.eye(72, 44)[..., None] > 0, walk.positions_m, np.nan)), shape)


@pytest.mark.parametrize("heading_deg, shift_m", [(0.0, (3.0, 0.0, -5.0)), (90.0, (0.0, 0.0, 0.0)), (-163.0, (100.0, 0.4, 2.0))])
def test_place_and_heading_in_the_laboratory_do_not_matter(
    shape: SubjectShape, walk: Recording, fitted: Fit, heading_deg: float, shift_m: tuple[float, float, float]
) -> None:
    turn = Rotation.from_euler("y", heading_deg, degrees=True).as_matrix()
    moved = fit_walk(spoilt(walk, walk.positions_m @ turn.T + shift_m), shape)
    np.testing.assert_allclose(moved.joints_m, fitted.joints_m @ turn.T + shift_m, atol=1e-3)


def test_a_laboratory_with_z_up_gives_the_same_walk(shape: SubjectShape, walk: Recording, fitted: Fit) -> None:
    z_up = replace(walk, positions_m=walk.positions_m @ np.array([[1, 0, 0], [0, 0, -1], [0, 1, 0]]).T, up="+z")
    np.testing.assert_allclose(fit_walk(z_up, shape).joints_m, fitted.joints_m, atol=1e-3)


def test_a_turn_of_half_a_circle_is_followed(subject: smpl_body.Subject, shape: SubjectShape) -> None:
    yaw = Rotation.from_euler("y", np.linspace(150, 330, 72)[:, None], degrees=True)
    pose = POSE.copy()
    pose[:, :3] = (yaw * Rotation.from_rotvec(POSE[:, :3])).as_rotvec()
    path = PATH * [1, 1, 0.1]
    fit = fit_walk(subject.record(pose, path), shape)
    true = joints_from_pose(pose, path, subject.betas, subject.body)
    assert fit.failure == "" and np.linalg.norm(fit.joints_m - true, axis=-1)[:, HELD].mean() < 0.012


def test_a_higher_frame_rate_gives_the_same_movement(subject: smpl_body.Subject, shape: SubjectShape, fitted: Fit) -> None:
    pose, path = smpl_body.walking(frames=214, fps=60.0)
    fast = fit_walk(subject.record(pose, path, fps=60.0), shape)
    assert np.linalg.norm(fast.joints_m[::3] - fitted.joints_m, axis=-1)[:, HELD].mean() < 0.005


def test_the_motion_is_ready_to_be_measured(shape: SubjectShape, subject: smpl_body.Subject) -> None:
    pose, path = smpl_body.walking(frames=160, fps=20.0)
    motion = fit_motion(subject.record(pose, path), shape)
    assert motion.measured == frozenset(JOINTS) - {"head"} and "head_not_measured" in motion.flags
    assert motion.heel_m is not None and motion.toe_m is not None and motion.heel_m.shape == (160, 2, 3)
    lowest = min(motion.joints_m[..., 1].min(), motion.heel_m[..., 1].min(), motion.toe_m[..., 1].min())
    assert -0.02 < lowest <= 0.0
    gait = measure(motion)
    assert gait.status == "ok"
    assert gait.value("speed_mps") == pytest.approx(1.1, abs=0.03)
    assert gait.value("cadence_spm") == pytest.approx(108, abs=2)


def test_joints_that_no_marker_holds_are_not_measured(shape: SubjectShape, subject: smpl_body.Subject) -> None:
    walk = subject.record(POSE, PATH)
    kept = [k for k, name in enumerate(walk.names) if name not in ("LFRA", "LWL", "LWM", "LEL", "LEM", "LUPA")]
    some = replace(walk, names=tuple(walk.names[k] for k in kept), positions_m=walk.positions_m[:, kept])
    motion = fit_motion(some, shape)
    assert {"left_elbow", "left_wrist", "head"} & motion.measured == set()
    assert "right_wrist" in motion.measured and "left_arm_not_measured" in motion.flags


def test_labels_are_matched_whatever_their_spelling(shape: SubjectShape, walk: Recording, fitted: Fit) -> None:
    spelled = replace(walk, names=tuple(name.lower().replace(".", "_") for name in walk.names))
    np.testing.assert_array_equal(fit_walk(spelled, shape).joints_m, fitted.joints_m)


def test_recordings_that_cannot_be_fitted_say_why(subject: smpl_body.Subject, shape: SubjectShape, walk: Recording) -> None:
    few = replace(walk, names=walk.names[:11], positions_m=walk.positions_m[:, :11])
    with pytest.raises(UnusableRecording, match="at least 12 markers .* got 11 "):
        fit_walk(few, shape)
    with pytest.raises(UnusableRecording, match="expected markers .* got joints"):
        fit_walk(replace(walk, kind="joints"), shape)
    with pytest.raises(UsageError, match="vertices 0 to 6889, got others for C7"):
        fit_shape(walk, subject.body, {"C7": 6890})
    shuffled = spoilt(walk, walk.positions_m[:, np.random.default_rng(0).permutation(44)])
    with pytest.raises(UnusableRecording, match="walk.c3d: the body does not fit.*check the labels"):
        fit_shape(shuffled, subject.body, subject.vertices)


def test_the_table_names_a_vertex_for_each_of_the_44_markers(subject: smpl_body.Subject) -> None:
    from agir_plugin.cohort.markers import MARKERS
    from agir_plugin.motion.labels import normalise

    table = table_vertices(subject.body)
    assert set(table) == {normalise(name) for name in MARKERS} and len(table) == 44
    assert table["C7"] == 3470 and table["RHEEL"] == 6786
    for label, vertex in table.items():
        if label.startswith("L"):
            assert vertex == mirrored_vertex(subject.body, table["R" + label[1:]])


def test_the_rules_find_their_places_on_the_mesh(subject: smpl_body.Subject) -> None:
    table, body = table_vertices(subject.body), subject.body
    hip, knee, ankle = (body.joints_m[JOINT[f"left_{joint}"]] for joint in ("hip", "knee", "ankle"))
    trochanter, fibula, medial = (body.template_m[table[label]] for label in ("LGTR", "LHF", "LANKLEMEDIAL"))
    assert trochanter[0] > hip[0] + 0.03 and abs(trochanter[1] - hip[1]) < 0.06
    assert fibula[0] > knee[0] + 0.03 and 0.0 < knee[1] - fibula[1] < 0.10
    assert medial[0] < ankle[0] - 0.02 and abs(medial[1] - ankle[1]) < 0.04


def test_a_body_of_another_mesh_needs_its_own_vertices(subject: smpl_body.Subject, walk: Recording) -> None:
    small = replace(subject.body, template_m=subject.body.template_m[:-1], shape_m=subject.body.shape_m[:-1],
                    regressor=subject.body.regressor[:, :-1])
    with pytest.raises(UsageError, match="mesh of 6890 vertices .* got 6889"):
        fit_shape(walk, small)


def test_other_labels_of_the_same_places_use_the_table(subject: smpl_body.Subject) -> None:
    """Plug-in-Gait's names on markers that lie where the table says."""
    table = table_vertices(subject.body)
    alias = {"LASI": "LASIS", "RASI": "RASIS", "LPSI": "LPSIS", "RPSI": "RPSIS", "LKNE": "LKNEE", "RKNE": "RKNEE", "LANK": "LANKLE",
             "RANK": "RANKLE", "LHEE": "LHEEL", "RHEE": "RHEEL", "LTOE": "LMT2", "RTOE": "RMT2", "C7": "C7", "T10": "T10"}
    vertices = {name: table[label] for name, label in alias.items()}
    walker = replace(subject, vertices=vertices, offsets_m=0.0095 * subject.body.normals()[list(vertices.values())])
    recording = walker.record(*smpl_body.standing())
    by_table, given = fit_shape(recording, subject.body), fit_shape(recording, subject.body, vertices)
    assert by_table.names == given.names and by_table.vertices.tolist() == given.vertices.tolist()


def test_the_prior_is_symmetric_and_wide() -> None:
    mean, spread = (values.reshape(22, 3) for values in angles_rad())
    left, right = JOINT["left_shoulder"], JOINT["right_shoulder"]
    np.testing.assert_array_equal(mean[left], mean[right] * [1, -1, -1])
    assert mean[left][2] < -1.0 and (spread > 0).all()
