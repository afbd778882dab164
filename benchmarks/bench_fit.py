"""Marker fitting: accuracy and speed on a synthetic body, beside torch's L-BFGS on the same energy. `make bench-fit` prints it.

The body, its shape, the markers and the walk are made by tests/motion/smpl_body.py: a mesh of SMPL's size and format with 44
markers that lie 9.5 mm off their vertices and 4 mm aside on each axis, and 72 frames at 20 fps with 3 mm of noise on each
axis. Times are medians of the rounds after one that does not count. Both minimisers run on one thread, start from the same poses
and run through the same stages; the joint error is the mean distance from the true joints, the head (no markers) left out.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import torch
from rich.console import Console
from rich.table import Table
from threadpoolctl import threadpool_limits

from agir_plugin.consts import JOINT
from agir_plugin.motion.body_model import Body, joints_from_pose
from agir_plugin.motion.fitting import fit_shape, fit_walk, walk_problem
from agir_plugin.motion.fitting_problem import WalkProblem
from agir_plugin.motion.fitting_solve import minimise
from agir_plugin.motion.fitting_subject import STAGES

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "motion"))

import smpl_body  # noqa: E402  the tests' synthetic body

#: Rounds that count, after one that does not.
ROUNDS = 3
#: Most L-BFGS iterations in each of the four stages: what a plain fitter would be given, and enough to come as low.
LBFGS_STEPS = (25, 100)

#: Subjects of the table of accuracies, and its rows: what is wrong, misplacement of markers on each axis, part missing.
SUBJECTS = 5
CASES = (
    ("in place", 0.0, 0.0),
    ("4 mm aside", 0.004, 0.0),
    ("4 mm aside, 10 % of samples missing", 0.004, 0.1),
    ("10 mm aside", 0.01, 0.0),
)


def main() -> None:
    """Measure and print."""
    subject = smpl_body.Subject.draw(smpl_body.make_body())
    static = subject.record(*smpl_body.standing())
    pose, path = smpl_body.walking()
    walk = subject.record(pose, path)
    true = joints_from_pose(pose, path, subject.betas, subject.body)
    shape = fit_shape(static, subject.body, subject.vertices)
    table = Table(title=f"median of {ROUNDS} rounds, one thread")
    for column in ("what", "seconds", "frames/s", "markers, mm RMS", "joints, mm", "energy"):
        table.add_column(column, justify="left" if column == "what" else "right")
    seconds = timed(lambda: fit_shape(static, subject.body, subject.vertices))
    rms = f"{1000 * shape.rms_m:.1f}"
    table.add_row(f"shape from {shape.frames} frames of a static trial", *_speed(seconds, shape.frames), rms, "", "")
    middle = np.nanmedian(walk.positions_m, axis=(0, 1))
    problem, start = walk_problem(walk.positions_m - middle, shape, list(range(len(shape.names))), walk.fps)
    table.add_row("walk: reading, start, fit, poses", *_speed(timed(lambda: fit_walk(walk, shape)), len(true)), "", "", "")
    table.add_row("walk: Levenberg-Marquardt", *_measured(newton, problem, start, true - middle))
    for steps in LBFGS_STEPS:
        row = _measured(partial(lbfgs, steps), problem, start, true - middle)
        table.add_row(f"walk: torch L-BFGS, {len(STAGES)} x {steps}", *row)
    Console(width=120).print(table)
    Console(width=120).print(accuracy(subject.body))


def accuracy(body: Body) -> Table:
    """Joint errors over several subjects, by what is wrong with their markers."""
    table = Table(title=f"{SUBJECTS} subjects: joint error, mean and worst joint's mean")
    for column in ("markers", "mean, mm", "worst, mm"):
        table.add_column(column, justify="left" if column == "markers" else "right")
    for name, misplaced_m, missing in CASES:
        errors = np.array([joint_errors_m(body, seed, misplaced_m, missing) for seed in range(SUBJECTS)])
        table.add_row(name, f"{1000 * errors.mean():.1f}", f"{1000 * errors.mean(axis=0).max():.1f}")
    return table


def joint_errors_m(body: Body, seed: int, misplaced_m: float, missing: float) -> np.ndarray:
    """(21,) mean distance of each joint but the head from where it is, of a subject's walk with a part of samples missing."""
    subject = smpl_body.Subject.draw(body, seed, misplaced_m)
    pose, path = smpl_body.walking()
    walk = subject.record(pose, path)
    gone = np.random.default_rng(seed).random(walk.positions_m.shape[:2]) < missing
    walk = replace(walk, positions_m=np.where(gone[..., None], np.nan, walk.positions_m))
    fit = fit_walk(walk, fit_shape(subject.record(*smpl_body.standing()), body, subject.vertices))
    true = joints_from_pose(pose, path, subject.betas, body)
    return np.delete(np.linalg.norm(fit.joints_m - true, axis=-1).mean(axis=0), JOINT["head"])


def timed(function: Callable[[], object]) -> float:
    """Median seconds of a function."""
    times = []
    for _ in range(ROUNDS + 1):
        began = time.perf_counter()
        function()
        times.append(time.perf_counter() - began)
    return statistics.median(times[1:])


def newton(problem: WalkProblem, start: torch.Tensor) -> torch.Tensor:
    """Ours: analytic derivatives, all frames in one banded system."""
    return minimise(problem, start, STAGES)[0]


def lbfgs(steps: int, problem: WalkProblem, start: torch.Tensor) -> torch.Tensor:
    """The plain alternative: automatic differentiation and torch's L-BFGS with a line search."""
    unknowns = start.clone().requires_grad_()
    for reach_m, _ in STAGES:
        optimiser = torch.optim.LBFGS([unknowns], max_iter=steps, history_size=20, line_search_fn="strong_wolfe")

        def closure(optimiser: torch.optim.LBFGS = optimiser, reach_m: float = reach_m) -> torch.Tensor:
            optimiser.zero_grad()
            energy = problem.energy_tensor(unknowns, reach_m)
            energy.backward()
            return energy

        with threadpool_limits(limits=1):
            optimiser.step(closure)
    return unknowns.detach()


def _speed(seconds: float, frames: int) -> tuple[str, str]:
    return f"{seconds:.2f}", f"{frames / seconds:.0f}"


def _measured(
    solve: Callable[[WalkProblem, torch.Tensor], torch.Tensor], problem: WalkProblem, start: torch.Tensor, true_m: np.ndarray
) -> tuple[str, ...]:
    """Seconds, frames per second, marker RMS, joint error and energy of one minimiser."""
    seconds = timed(lambda: solve(problem, start))
    unknowns = solve(problem, start)
    placed = problem.place(unknowns)
    away = problem.observed.away(placed.markers).norm(dim=-1)
    held = [joint for joint in range(true_m.shape[1]) if joint != JOINT["head"]]
    error = np.linalg.norm(placed.joints.numpy() - true_m, axis=-1)[:, held].mean()
    rms = float((away**2).mean().sqrt())
    energy = problem.energy(unknowns, STAGES[-1][0])
    return *_speed(seconds, len(true_m)), f"{1000 * rms:.1f}", f"{1000 * error:.1f}", f"{energy:.0f}"


if __name__ == "__main__":
    main()
