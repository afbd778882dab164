"""Sampled signals in, smoothed, denser or reduced ones out: the numerical tools of the gait package.

Signals have time on axis 0; positions between samples are fractional sample indices.
"""
from __future__ import annotations

import numpy as np

from agir_plugin.motion.signals import butterworth

#: Cut-off of the zero-lag Butterworth low-pass, Hz; customary for gait kinematics (Winter, Biomechanics and Motor
#: Control of Human Movement, 2009).
CUTOFF_HZ = 6.0
#: The cut-off never exceeds this share of the sampling rate, so that 12 fps still filters below its Nyquist frequency.
MAX_CUTOFF_SHARE = 0.4
#: A second-order Butterworth run forwards and backwards loses 3 dB at 0.802 of its own cut-off (Winter 2009).
TWO_PASS = 0.802


def low_pass(signal: np.ndarray, fps: float, cutoff_hz: float = CUTOFF_HZ) -> np.ndarray:
    """Zero-lag fourth-order Butterworth low-pass along axis 0; -3 dB at `cutoff_hz`."""
    from scipy.signal import sosfiltfilt

    return sosfiltfilt(butterworth(2, min(cutoff_hz / TWO_PASS, MAX_CUTOFF_SHARE * fps), fps), signal, axis=0)


def densify(signal: np.ndarray, factor: int) -> np.ndarray:
    """Cubic-spline samples at `factor` times the rate: (T, ...) -> ((T-1)*factor+1, ...); the old samples stay."""
    if factor == 1:
        return signal
    from scipy.interpolate import CubicSpline

    count = len(signal)
    spline = CubicSpline(np.arange(count), signal, axis=0)
    return spline(np.arange((count - 1) * factor + 1) / factor)


def velocity(signal: np.ndarray, fps: float) -> np.ndarray:
    """Central differences along axis 0, in units per second."""
    return np.gradient(signal, axis=0) * fps


def moving_mean(signal: np.ndarray, half: int) -> np.ndarray:
    """Mean over `half` samples on either side, over fewer at the ends; axis 0."""
    total = np.concatenate([np.zeros((1, *signal.shape[1:])), np.cumsum(signal, axis=0)])
    at = np.arange(len(signal))
    first, last = np.maximum(at - half, 0), np.minimum(at + half + 1, len(signal))
    width = (last - first).reshape(-1, *[1] * (signal.ndim - 1))
    return (total[last] - total[first]) / width


def spread(signal: np.ndarray) -> float:
    """Peak-to-peak size without the outermost 5 % on either side."""
    low, high = np.percentile(signal, [5, 95])
    return float(high - low)


def peaks(signal: np.ndarray, distance: int, rise: float, edge_rise: float) -> np.ndarray:
    """Sample indices of maxima that stand out by `rise` on one side and by `edge_rise` on the other.

    Near the ends of a recording one side of a true peak is cut off, so only the other side can show its full height.
    """
    from scipy.signal import find_peaks

    found, info = find_peaks(signal, distance=max(distance, 1), prominence=edge_rise)
    lower = np.minimum(signal[info["left_bases"]], signal[info["right_bases"]])
    return found[signal[found] - lower >= rise]


def interpolate(signal: np.ndarray, index: float) -> np.ndarray:
    """Value of `signal` (T, ...) at a fractional index, by a straight line between its neighbours."""
    low = min(max(int(np.floor(index)), 0), len(signal) - 2)
    share = index - low
    return (1 - share) * signal[low] + share * signal[low + 1]


def first_below(signal: np.ndarray, start: int, stop: int, level: float) -> float | None:
    """Fractional index in [start, stop) where `signal` first falls to `level`; None when it does not."""
    below = np.flatnonzero(signal[start:stop] <= level)
    if not len(below) or below[0] == 0:
        return None
    index = start + int(below[0])
    above, here = signal[index - 1], signal[index]
    return index - 1 + float((above - level) / (above - here))


def last_below(signal: np.ndarray, start: int, stop: int, level: float) -> float | None:
    """Fractional index in [start, stop) where `signal` rises above `level` for the last time; None when it does not."""
    below = np.flatnonzero(signal[start:stop] <= level)
    if not len(below) or start + below[-1] + 1 >= stop:
        return None
    index = start + int(below[-1])
    here, above = signal[index], signal[index + 1]
    return index + float((level - here) / (above - here))
