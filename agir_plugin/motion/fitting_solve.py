"""An energy of robust squared residuals enters, the unknowns that make it least leave: Levenberg-Marquardt, and its solvers."""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
import torch
from scipy.linalg import solveh_banded
from threadpoolctl import threadpool_limits

#: Damping at the start, the factor by which it grows or falls, and where it is given up (Marquardt 1963).
FIRST_DAMPING, DAMPING_FACTOR, MOST_DAMPING = 1e-4, 10.0, 1e6
#: A step that lowers the energy by less than this part ends a stage.
LEAST_GAIN = 1e-4


class Problem(Protocol):
    """What `minimise` needs: an energy at a reach of the robust residual, its quadratic model, and steps on that model."""

    def energy(self, unknowns: torch.Tensor, reach_m: float) -> float:
        """The energy at the unknowns."""

    def linearise(self, unknowns: torch.Tensor, reach_m: float) -> Any:
        """Gradient and Gauss-Newton matrix there, in the problem's own form."""

    def step(self, model: Any, damping: float) -> torch.Tensor:
        """The step to the model's least value with its diagonal raised by the part `damping`."""


def minimise(problem: Problem, start: torch.Tensor, stages: Sequence[tuple[float, int]]) -> tuple[torch.Tensor, int]:
    """The unknowns of least energy from `start`, and the steps taken.

    `stages` are (reach of the robust residual in metres, most steps): from wide to narrow, so that markers far off at
    first still pull (graduated non-convexity, Blake & Zisserman 1987). Runs on one thread: to use more, fit several walks.
    """
    taken = 0
    with threadpool_limits(limits=1):  # tensors of one walk are so small that sharing them costs more than it saves
        for reach_m, most in stages:
            start, steps = _stage(problem, start, reach_m, most)
            taken += steps
    return start, taken


def banded_step(blocks: torch.Tensor, gradient: torch.Tensor, smooth: np.ndarray, damping: float) -> torch.Tensor:
    """(T, P) solution of (H + S) x = -gradient: `blocks` (T, P, P) on the diagonal of H, S from squared second differences.

    `smooth` (P,) weights the differences of each unknown with itself only, so the matrix is banded with 2 P below the
    diagonal, and LAPACK's banded Cholesky takes time linear in T. `damping` raises the blocks' diagonal by that part.
    """
    frames, size = gradient.shape
    band = np.zeros((frames, size, 2 * size + 1))  # [t, i, d]: the entry d below the diagonal in column t P + i
    rows, columns = np.tril_indices(size)
    band[:, columns, rows - columns] = blocks[:, rows, columns].cpu().numpy()
    band[..., 0] *= 1.0 + damping
    for distance, weights in enumerate(difference_weights(frames)):
        band[: len(weights), :, distance * size] += weights[:, None] * smooth
    solved = solveh_banded(
        band.reshape(-1, 2 * size + 1).T, -gradient.reshape(-1).cpu().numpy(), overwrite_ab=True, overwrite_b=True, lower=True,
        check_finite=False,
    )
    return torch.as_tensor(solved, device=gradient.device).reshape(frames, size)


def difference_weights(frames: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Diagonals 0, 1, 2 of D'D, where D takes second differences of a series of `frames` values; zeros below 3 frames."""
    if frames < 3:
        return np.zeros(frames), np.zeros(max(frames - 1, 0)), np.zeros(max(frames - 2, 0))
    inner = np.ones(frames - 2)
    main = np.convolve(inner, [1.0, 4.0, 1.0])
    return main, np.convolve(inner, [-2.0, -2.0]), inner


def second_differences(values: torch.Tensor) -> torch.Tensor:
    """(T - 2, P) second differences along the frames; none below 3 frames."""
    return values[2:] - 2 * values[1:-1] + values[:-2] if len(values) > 2 else values[:0]


def differences_gradient(values: torch.Tensor) -> torch.Tensor:
    """(T, P) half the gradient of the summed squared second differences: D'D values."""
    gradient = torch.zeros_like(values)
    if len(values) > 2:
        second = second_differences(values)
        gradient[:-2] += second
        gradient[1:-1] -= 2 * second
        gradient[2:] += second
    return gradient


def robust(squares: torch.Tensor, reach_m: float) -> tuple[torch.Tensor, torch.Tensor]:
    """Geman & McClure's (1987) residual s r^2 / (s + r^2), s = reach^2, of squared distances, and its weight (s / (s + r^2))^2."""
    reach = reach_m**2
    return reach * squares / (reach + squares), (reach / (reach + squares)) ** 2


def _stage(problem: Problem, unknowns: torch.Tensor, reach_m: float, most: int) -> tuple[torch.Tensor, int]:
    """The unknowns after up to `most` steps at one reach, and how many were taken."""
    energy, damping = problem.energy(unknowns, reach_m), FIRST_DAMPING
    for taken in range(1, most + 1):
        unknowns, lower, damping = _one_step(problem, unknowns, energy, reach_m, damping)
        gain, energy = energy - lower, lower
        if gain <= LEAST_GAIN * energy:
            return unknowns, taken
    return unknowns, most


def _one_step(
    problem: Problem, unknowns: torch.Tensor, energy: float, reach_m: float, damping: float
) -> tuple[torch.Tensor, float, float]:
    """Unknowns, energy and damping after the first step that does not raise the energy; the old ones when none does."""
    model = problem.linearise(unknowns, reach_m)
    while damping < MOST_DAMPING:
        candidate = unknowns + problem.step(model, damping)
        lower = problem.energy(candidate, reach_m)
        if lower <= energy:
            return candidate, lower, damping / DAMPING_FACTOR
        damping *= DAMPING_FACTOR
    return unknowns, energy, FIRST_DAMPING

