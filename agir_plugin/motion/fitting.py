"""A marker recording and its subject's shape enter, the fitted body's poses or a `Motion` leave: MoSh-style fitting.

After MoSh (Loper, Mahmood & Black, ACM Trans. Graph. 33(6):220, 2014) in two steps: `fit_shape` once per subject from the
static trial, then `fit_walk` or `fit_motion` for every walk with that very shape. The method is described in docs/smpl.md.
This module imports torch; import it inside the function that fits.
"""
from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch

from agir_plugin.consts import JOINT, SIDES
from agir_plugin.errors import UnusableRecording
from agir_plugin.motion.convert import FLOOR_PERCENTILE
from agir_plugin.motion.fitting_markers import FEWEST_MARKERS, Marked, landmark_columns, measured_joints, take
from agir_plugin.motion.fitting_problem import Observed, WalkProblem
from agir_plugin.motion.fitting_skin import N_JOINTS, MarkerSkin
from agir_plugin.motion.fitting_solve import minimise
from agir_plugin.motion.fitting_start import first_unknowns, headings, neutral_markers
from agir_plugin.motion.fitting_subject import STAGES, SubjectShape, distance_m, far_part, fit_shape, misfit, near_rms_m
from agir_plugin.motion.posture import MOST_MISSING
from agir_plugin.motion.signals import fill_short_gaps, runs
from agir_plugin.records import Motion, Recording

__all__ = ["Fit", "SubjectShape", "as_motion", "fit_motion", "fit_shape", "fit_walk"]

#: Frames that show fewer than `FEWEST_MARKERS` markers are bridged up to this time, seconds; longer, they end the stretch.
LONGEST_GAP_S = 0.2
#: A walk that shows fewer of the subject's marker samples than this part is not fitted to enough.
LEAST_SEEN = 0.5


@dataclass(frozen=True, eq=False)
class Fit:
    """A fitted walk of T frames and M markers, metres, y up, in the laboratory's place and heading.

    T counts from `start_s` seconds after the recording's first frame, where enough markers are seen to begin.
    `joints_m` (T, 22, 3); `pose_rad` (T, 72) and `translation_m` (T, 3) as SMPL takes them; `markers_m` (T, M, 3) on the
    fitted skin; `residual_m` (T, M) distances from the recorded ones, NaN where unseen; `rms_m` their root mean square up to
    50 mm (`fitting_subject.OUTLIER_M`), and `outliers` the part beyond. `failure` says why the walk must not be used; it is
    empty when the walk fits. `steps` are the minimiser's.
    """

    names: tuple[str, ...]
    fps: float
    joints_m: np.ndarray
    pose_rad: np.ndarray
    translation_m: np.ndarray
    markers_m: np.ndarray
    residual_m: np.ndarray
    rms_m: float
    outliers: float
    failure: str
    flags: tuple[str, ...]
    steps: int
    start_s: float = 0.0


def fit_walk(recording: Recording, shape: SubjectShape, device: str = "cpu") -> Fit:
    """The poses that lay the subject's body on the recording's markers, all frames together.

    Markers that are not in the shape are not used; missing samples have no weight. Of a recording that does not show 12
    markers all the time, the longest stretch that does is fitted (flag "trimmed: ...", `start_s`). `device` is torch's; the
    arithmetic is float64. Raises UnusableRecording when fewer than 12 of the shape's markers are in the recording, or never
    in the same frame.
    """
    whole = take(recording, dict(zip(shape.names, shape.vertices.tolist(), strict=True)))
    marked, start_s = _longest_stretch(whole, recording)
    chosen = [shape.names.index(name) for name in marked.names]
    middle = np.nanmedian(marked.places_m, axis=(0, 1))
    problem, start = walk_problem(marked.places_m - middle, shape, chosen, recording.fps, device)
    found, steps = minimise(problem, start, STAGES)
    placed = problem.place(found)
    residual = distance_m(placed.markers, problem.observed)
    unknowns = found.cpu().numpy()
    joints = placed.joints.cpu().numpy() + middle
    return Fit(
        names=marked.names, fps=recording.fps, joints_m=joints, pose_rad=_pose(unknowns, problem.observed.facing.cpu().numpy()),
        translation_m=joints[:, 0] - shape.body.rest_joints(shape.betas)[0], markers_m=placed.markers.cpu().numpy() + middle,
        residual_m=residual, rms_m=near_rms_m(residual), outliers=far_part(residual), failure=_failure(residual),
        flags=marked.flags, steps=steps, start_s=start_s,
    )


def fit_motion(recording: Recording, shape: SubjectShape, device: str = "cpu") -> Motion:
    """`fit_walk` and `as_motion` in one: the walk on the fitted body's 22 joints."""
    return as_motion(fit_walk(recording, shape, device), shape, recording)


def as_motion(fit: Fit, shape: SubjectShape, recording: Recording) -> Motion:
    """A fitted walk on the body's 22 joints, ready for `agir_plugin.gait.measure`: y up, metres, floor at 0.

    Heels and toes are the fitted places of their markers, so they have no gaps. `measured` leaves out the joints that no
    markers hold, which is the head in sets without head markers (flag "head_not_measured"). Raises UnusableRecording with
    the reason when the walk does not fit; such a walk is to be left out and listed.
    """
    if fit.failure:
        raise UnusableRecording(f"{recording.path}: {fit.failure}; leave the walk out or mend its markers")
    columns = landmark_columns(fit.names)
    pairs = []
    for kind in ("heel", "toe"):
        whole = all(f"{side}_{kind}" in columns for side in SIDES)
        pairs.append(fit.markers_m[:, [columns[f"{side}_{kind}"] for side in SIDES]] if whole else None)
    floor = np.array([0.0, _floor(fit.joints_m, pairs), 0.0])
    heel, toe = (None if pair is None else pair - floor for pair in pairs)
    often = np.isnan(fit.residual_m).mean(axis=0) <= MOST_MISSING
    vertices = shape.vertices[[shape.names.index(name) for name in fit.names]]
    measured = measured_joints(shape.body, vertices[often])
    flags = [*fit.flags, *_flags(measured), f"fitted: {1000 * fit.rms_m:.1f} mm"]
    return Motion(
        joints_m=fit.joints_m - floor, fps=fit.fps, source=f"{recording.format} markers on the {shape.body.name} body",
        heel_m=heel, toe_m=toe, measured=measured, flags=tuple(flags), start_s=fit.start_s,
    )


def walk_problem(
    places_m: np.ndarray, shape: SubjectShape, chosen: list[int], fps: float, device: str = "cpu"
) -> tuple[WalkProblem, torch.Tensor]:
    """The energy of a walk whose markers (T, M, 3) are the `chosen` ones of the shape, and where its minimiser starts."""
    skin = MarkerSkin(shape.body, shape.vertices[chosen], device)
    rest, joints = skin.shaped(skin.rest.new_tensor(shape.betas), skin.rest.new_tensor(shape.offsets_m[chosen]))
    neutral = neutral_markers(skin, rest, joints)
    facing = headings(places_m, neutral, fps)
    problem = WalkProblem(skin, rest, joints, Observed(places_m, facing, device), fps)
    return problem, skin.rest.new_tensor(first_unknowns(places_m, neutral, facing))


def _longest_stretch(marked: Marked, recording: Recording) -> tuple[Marked, float]:
    """The longest stretch of frames that show enough markers, but for short gaps, and when it begins, seconds."""
    enough = np.isfinite(marked.places_m).all(axis=-1).sum(axis=1) >= FEWEST_MARKERS
    bridged = fill_short_gaps(np.where(enough, 0.0, np.nan)[:, None], recording.fps, LONGEST_GAP_S)
    stretch = slice(*max(runs(np.isfinite(bridged[:, 0])), key=lambda run: run[1] - run[0], default=(0, 0)))
    if stretch.stop == stretch.start:
        raise UnusableRecording(
            f"{recording.path}: expected a frame that shows at least {FEWEST_MARKERS} markers with a place on the body, got "
            f"none in {len(enough)} frames; fill the gaps in the capture software first"
        )
    if stretch.stop - stretch.start == len(enough):
        return marked, 0.0
    begin, end, last = (frame / recording.fps for frame in (stretch.start, stretch.stop - 1, len(enough) - 1))
    flag = f"trimmed: {begin:.2f} to {end:.2f} s of {last:.2f} s, where {FEWEST_MARKERS} markers were seen"
    return replace(marked, places_m=marked.places_m[stretch], flags=(*marked.flags, flag)), begin


def _pose(unknowns: np.ndarray, facing: np.ndarray) -> np.ndarray:
    """(T, 72) axis-angle with the heading put into the root and the hands at rest."""
    from scipy.spatial.transform import Rotation

    pose = np.zeros((len(unknowns), 72))
    pose[:, : 3 * N_JOINTS] = unknowns[:, : 3 * N_JOINTS]
    pose[:, :3] = (Rotation.from_matrix(facing) * Rotation.from_rotvec(unknowns[:, :3])).as_rotvec()
    return pose


def _failure(residual_m: np.ndarray) -> str:
    """Why the walk must not be used: too few markers, or none of the body's poses fits them."""
    seen = np.isfinite(residual_m).mean()
    if seen < LEAST_SEEN:
        return f"the fit saw {100 * seen:.0f} % of the markers, expected at least {100 * LEAST_SEEN:.0f} %"
    return misfit(residual_m)


def _floor(joints_m: np.ndarray, pairs: list[np.ndarray | None]) -> float:
    """Height of the floor, as `convert.to_motion` takes it: a low percentile of the lowest foot point per frame."""
    feet = [JOINT[f"{side}_{joint}"] for side in SIDES for joint in ("ankle", "foot")]
    points = [joints_m[:, feet], *(pair for pair in pairs if pair is not None)]
    return float(np.percentile(np.concatenate(points, axis=1)[..., 1].min(axis=1), FLOOR_PERCENTILE))


def _flags(measured: frozenset[str]) -> list[str]:
    """"head_not_measured" and the like, for what no marker holds."""
    parts = {"head": ("head",), "trunk": ("neck",), "left_arm": ("left_wrist",), "right_arm": ("right_wrist",)}
    parts["feet"] = tuple(f"{side}_foot" for side in SIDES)
    return [f"{part}_not_measured" for part, joints in parts.items() if measured.isdisjoint(joints)]
