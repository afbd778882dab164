"""Series over time enter, series without noise, gaps or surplus frames leave; frames are always the first axis."""
from __future__ import annotations

from functools import lru_cache

import numpy as np

#: Gaps up to this long are bridged by a spline, seconds: about a tenth of a stride.
LONGEST_SPLINE_S = 0.1
#: Cut-off of the zero-lag low-pass for marker data, Hz (customary for gait kinematics; Winter 2009).
MARKER_CUTOFF_HZ = 6.0
#: Cut-off of the low-pass before samples are dropped, as a part of the new frame rate (Nyquist is 0.5).
ANTI_ALIAS = 0.4
#: Order of that filter in each of its two passes: what would fold back onto walking (above 14 of 20 Hz) falls to 3 %.
ANTI_ALIAS_ORDER = 4
#: Cut-offs at or above this part of the frame rate leave nothing to filter.
NEAR_NYQUIST = 0.45


def low_pass(values: np.ndarray, fps: float, cutoff_hz: float, order: int = 2) -> np.ndarray:
    """Zero-lag Butterworth of `order` run forth and back, -3 dB at `cutoff_hz` after both, along the first axis.

    The customary "4th-order zero-lag" filter of gait analysis is order 2 run twice. Each pass has its cut-off raised by
    (sqrt(2) - 1)^(-1/(2 order)), so that both together meet at `cutoff_hz` (Winter 2009, section 2.2.4.4).
    Values must be finite. Series of one or two frames, and cut-offs near half the rate, come back unchanged.
    """
    if len(values) < 3 or cutoff_hz >= NEAR_NYQUIST * fps:
        return values
    from scipy.signal import sosfiltfilt

    each_hz = cutoff_hz / (np.sqrt(2.0) - 1.0) ** (0.5 / order)
    sos = butterworth(order, min(each_hz, 0.49 * fps), fps)
    pad = min(len(values) - 1, int(np.ceil(2.0 * fps / cutoff_hz)))
    return sosfiltfilt(sos, values, axis=0, padtype="odd", padlen=pad)


@lru_cache(maxsize=64)
def butterworth(order: int, cutoff_hz: float, fps: float) -> np.ndarray:
    """Second-order sections of a low-pass, designed once: most recordings of a cohort have one rate."""
    from scipy.signal import butter

    return butter(order, cutoff_hz, fs=fps, output="sos")


def fill_short_gaps(values: np.ndarray, fps: float, longest_s: float = LONGEST_SPLINE_S) -> np.ndarray:
    """(T, 3) with inner gaps of at most `longest_s` bridged by a cubic spline; others stay NaN."""
    seen = np.isfinite(values).all(axis=-1)
    wanted = ~seen & _short_inner(seen, int(round(longest_s * fps)))
    if not wanted.any():
        return values
    from scipy.interpolate import CubicSpline, make_interp_spline

    frames = np.arange(len(values), dtype=np.float64)
    known = frames[seen]
    curve = CubicSpline(known, values[seen]) if len(known) >= 4 else make_interp_spline(known, values[seen], k=1)
    filled = values.copy()
    filled[wanted] = curve(frames[wanted])
    return filled


def hold_and_interpolate(values: np.ndarray) -> np.ndarray:
    """(T, D) with every gap bridged by straight lines and the ends held; all NaN stays all NaN."""
    seen = np.isfinite(values).all(axis=-1)
    if seen.all() or not seen.any():
        return values
    frames = np.arange(len(values))
    return np.stack([np.interp(frames, frames[seen], column[seen]) for column in values.T], axis=-1)


def runs(good: np.ndarray) -> list[tuple[int, int]]:
    """First index and index after the last of every stretch of consecutive True values, in order."""
    edges = np.flatnonzero(np.diff(np.concatenate(([False], good, [False])).astype(np.int8)))
    return [(int(start), int(stop)) for start, stop in zip(edges[::2], edges[1::2], strict=True)]


def at_rate(values: np.ndarray, fps: float, new_fps: float) -> np.ndarray:
    """Values at times 0, 1/new_fps, ... up to the last frame: anti-aliased, then a cubic spline over time.

    A series that has a NaN at a frame stays NaN at the new times next to it.
    """
    times = np.arange(len(values)) / fps
    count = int(np.floor(times[-1] * new_fps + 1e-6)) + 1
    wanted = np.minimum(np.arange(count) / new_fps, times[-1])
    flat = values.reshape(len(values), -1)
    series = np.stack([_whole(column) for column in flat.T], axis=-1)
    smooth = low_pass(series, fps, ANTI_ALIAS * new_fps, ANTI_ALIAS_ORDER) if new_fps < fps else series
    result = _spline(times, smooth, wanted)
    missing = np.isnan(flat)
    if missing.any():
        nearby = missing[np.floor(wanted * fps + 1e-6).astype(int)] | missing[np.ceil(wanted * fps - 1e-6).astype(int)]
        result = np.where(nearby, np.nan, result)
    return result.reshape(count, *values.shape[1:])


def _spline(times: np.ndarray, values: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    if len(times) == 1:
        return np.repeat(values, len(wanted), axis=0)
    from scipy.interpolate import make_interp_spline

    degree = 3 if len(times) >= 4 else 1
    return make_interp_spline(times, values, k=degree)(wanted)


def _whole(column: np.ndarray) -> np.ndarray:
    """One series with its NaN bridged, zeros where nothing was seen: what a filter needs to run."""
    filled = hold_and_interpolate(column[:, None])[:, 0]
    return filled if np.isfinite(filled).all() else np.zeros_like(column)


def _short_inner(seen: np.ndarray, longest: int) -> np.ndarray:
    """True in gaps of at most `longest` frames that have something seen on both sides."""
    short = np.zeros(len(seen), dtype=bool)
    for start, stop in runs(~seen):
        if start > 0 and stop < len(seen) and stop - start <= longest:
            short[start:stop] = True
    return short
