"""The length of a walk in, the clips it is cut into out (frames of 20 fps)."""
from __future__ import annotations

from dataclasses import dataclass

from agir_plugin.consts import FRAMES_PER_TOKEN
from agir_plugin.errors import UsageError

#: Frames of one clip in AGIR's linear probe: 2.7 s at 20 fps.
CLIP_FRAMES = 54
#: Frames between the starts of two clips in AGIR's linear probe: half a clip.
STRIDE_FRAMES = 27


@dataclass(frozen=True)
class Clips:
    """`windows` are (start, stop) frames, stop excluded. `short`: the walk is one clip because it is shorter than a
    clip.

    `uncovered` is the number of frames at the walk's end that no clip holds.
    """

    windows: tuple[tuple[int, int], ...]
    short: bool
    uncovered: int


def clip_starts(frames: int, clip: int = CLIP_FRAMES, stride: int = STRIDE_FRAMES) -> tuple[int, ...]:
    """First frames of all whole clips: floor((frames - clip) / stride) + 1 of them, none for a walk shorter than a
    clip.

    Raises UsageError for a negative length, and for a clip or stride below 1.
    """
    if frames < 0 or clip < 1 or stride < 1:
        raise UsageError(f"expected frames >= 0, clip >= 1 and stride >= 1, got {frames}, {clip} and {stride}")
    return tuple(range(0, frames - clip + 1, stride))


def walk_clips(frames: int, clip: int = CLIP_FRAMES, stride: int = STRIDE_FRAMES) -> Clips:
    """The clips of one walk; a walk shorter than a clip is one clip of its whole length, so that no walk is lost.

    The paper does not say what becomes of short walks and the CARE-PD benchmark drops them; `short` lets a report
    count them. Raises UsageError for a walk without a frame, and as `clip_starts` does.
    """
    starts = clip_starts(frames, clip, stride)
    if frames == 0:
        raise UsageError("expected a walk of at least one frame to cut into clips, got 0 frames; list it as excluded")
    if not starts:
        return Clips(windows=((0, frames),), short=True, uncovered=0)
    windows = tuple((start, start + clip) for start in starts)
    return Clips(windows=windows, short=False, uncovered=frames - windows[-1][1])


def token_count(frames: int) -> int:
    """Motion tokens of so many frames: one for each whole group of 4, as MotionGPT crops to its unit length."""
    return frames // FRAMES_PER_TOKEN
