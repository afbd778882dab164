"""A static trial and a body enter, the subject's shape and the places of their markers on the skin leave."""
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch

from agir_plugin.errors import UnusableRecording
from agir_plugin.motion.body_model import Body
from agir_plugin.motion.fitting_markers import Marked, mark
from agir_plugin.motion.fitting_problem import MARKER_RADIUS_M, Observed, ShapeProblem
from agir_plugin.motion.fitting_skin import MarkerSkin
from agir_plugin.motion.fitting_solve import minimise
from agir_plugin.motion.fitting_start import first_unknowns, headings, neutral_markers
from agir_plugin.records import Recording

#: Frames of a static trial that are used, as many as MoSh++'s public code takes; more say nothing new.
STATIC_FRAMES = 12
#: Reach of the robust residual in metres and most steps, stage by stage; the last is where a marker stops to count.
STAGES = ((1.0, 5), (0.3, 5), (0.1, 5), (0.05, 20))
#: Markers farther than this from the fitted skin are outliers, metres: the last reach.
OUTLIER_M = STAGES[-1][0]
#: A fit whose other markers are farther off than this, root mean square, is no fit, metres: three times
#: the spread that markers are given (`fitting_problem.MARKER_SPREAD_M`).
MOST_RMS_M = 0.015
#: A fit with more than this part of the marker samples beyond `OUTLIER_M` is no fit.
MOST_OUTLIERS = 0.05


@dataclass(frozen=True, eq=False)
class SubjectShape:
    """A subject's body: `betas` (B,), and M markers by normalised label with vertex (M,) and offset from it (M, 3), metres.

    Offsets are in the body's T-pose. `rms_m` is the static trial's marker distance, root mean square without outliers.
    """

    body: Body
    names: tuple[str, ...]
    vertices: np.ndarray
    betas: np.ndarray
    offsets_m: np.ndarray
    rms_m: float
    frames: int


def fit_shape(
    static: Recording, body: Body, marker_vertices: Mapping[str, int] | None = None, device: str = "cpu"
) -> SubjectShape:
    """Shape and marker places from a static trial (or any recording of the subject), to be used for all of their walks.

    About `STATIC_FRAMES` frames that show the most markers are fitted together: betas with a unit Gaussian prior, markers
    near their vertex, 9.5 mm off the skin, and a pose for each frame. `marker_vertices` (label -> vertex of the body) takes
    the place of the built-in table of Shida's 44 markers.

    Raises UnusableRecording when fewer than 12 markers have a place, or they do not fit (`misfit`).
    """
    marked = mark(static, body, marker_vertices)
    places = marked.places_m[_best_frames(marked.places_m)]
    kept = np.flatnonzero(np.isfinite(places).all(axis=-1).any(axis=0))
    marked = Marked(tuple(marked.names[k] for k in kept), marked.vertices[kept], places[:, kept], marked.flags)
    problem, start = _problem(marked, body, static.fps, device)
    found, _ = minimise(problem, start, STAGES)
    distances = distance_m(problem.place(found).markers, problem.observed)
    reason = misfit(distances)
    if reason:
        raise UnusableRecording(f"{static.path}: {reason}; check the labels, the unit and the vertices of the markers")
    betas, offsets, _ = problem.split(found)
    return SubjectShape(
        body, marked.names, marked.vertices, betas.cpu().numpy(), offsets.cpu().numpy(), near_rms_m(distances),
        len(places),
    )


def distance_m(markers: torch.Tensor, observed: Observed) -> np.ndarray:
    """(T, M) distances of fitted from observed markers, metres, NaN where unseen."""
    away = observed.away(markers).norm(dim=-1)
    return torch.where(observed.seen, away, torch.nan).cpu().numpy()


def near_rms_m(distances_m: np.ndarray) -> float:
    """Root mean square of the distances up to `OUTLIER_M`; infinite when there are none."""
    near = distances_m[distances_m <= OUTLIER_M]
    return float(np.sqrt((near**2).mean())) if len(near) else float("inf")


def far_part(distances_m: np.ndarray) -> float:
    """The part of the seen samples beyond `OUTLIER_M`."""
    return float((distances_m > OUTLIER_M).sum() / np.isfinite(distances_m).sum())


def misfit(distances_m: np.ndarray) -> str:
    """Why marker distances (T, M) with NaN where unseen are no fit; empty when they are one."""
    far, rms = far_part(distances_m), near_rms_m(distances_m)
    if far > MOST_OUTLIERS:
        return (
            f"the body does not fit: {100 * far:.0f} % of the marker samples are more than {1000 * OUTLIER_M:.0f} mm off, "
            f"expected at most {100 * MOST_OUTLIERS:.0f} %"
        )
    if rms > MOST_RMS_M:
        return f"the body does not fit: markers are {1000 * rms:.0f} mm off, expected at most {1000 * MOST_RMS_M:.0f} mm RMS"
    return ""


def _best_frames(places_m: np.ndarray) -> np.ndarray:
    """Up to `STATIC_FRAMES` frame numbers, spread evenly over those that show the most markers."""
    count = np.isfinite(places_m).all(axis=-1).sum(axis=1)
    full = np.flatnonzero(count == count.max())
    if len(full) < STATIC_FRAMES:
        full = np.sort(np.argsort(-count, kind="stable")[:STATIC_FRAMES])
    return full[np.linspace(0, len(full) - 1, min(STATIC_FRAMES, len(full))).round().astype(int)]


def _problem(marked: Marked, body: Body, fps: float, device: str) -> tuple[ShapeProblem, torch.Tensor]:
    skin = MarkerSkin(body, marked.vertices, device)
    normals = body.normals()[marked.vertices]
    average = skin.shaped(skin.rest.new_zeros(skin.shape.shape[-1]), skin.rest.new_tensor(MARKER_RADIUS_M * normals))
    neutral = neutral_markers(skin, *average)
    places = marked.places_m - np.nanmedian(marked.places_m, axis=(0, 1))
    facing = headings(places, neutral, fps)
    problem = ShapeProblem(skin, normals, Observed(places, facing, device))
    return problem, problem.start(skin.rest.new_tensor(first_unknowns(places, neutral, facing)))
