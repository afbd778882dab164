"""Clips of a walk: the reference vectors, short walks, and what must hold for every length."""
from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agir_plugin.errors import UsageError
from agir_plugin.evaluation import clip_starts, token_count, walk_clips

FILE = json.loads((Path(__file__).parents[1] / "vectors" / "clip_windows.json").read_text())


@pytest.mark.parametrize("case", FILE["vectors"], ids=lambda case: str(case["frames"]))
def test_reference_vectors(case):
    starts = clip_starts(case["frames"], FILE["clip"], FILE["stride"])
    assert list(starts) == case["starts"] and len(starts) == case["clips"]
    assert token_count(case["frames"]) == case["tokens_whole"]
    if starts:
        assert walk_clips(case["frames"]).uncovered == case["frames_not_covered_at_end"]


def test_defaults_are_those_of_the_vectors():
    assert clip_starts(196) == clip_starts(196, FILE["clip"], FILE["stride"])
    assert token_count(FILE["clip"]) == FILE["tokens_per_clip"]


def test_a_short_walk_is_one_clip_of_its_whole_length():
    clips = walk_clips(53)
    assert clips.windows == ((0, 53),) and clips.short and clips.uncovered == 0
    assert not walk_clips(54).short


@given(st.integers(1, 500), st.integers(1, 90), st.integers(1, 90))
def test_clips_stay_inside_the_walk(frames, clip, stride):
    clips = walk_clips(frames, clip, stride)
    assert clips.windows[0][0] == 0
    assert clips.windows[-1][1] + clips.uncovered == frames
    assert {stop - start for start, stop in clips.windows} == {min(clip, frames)}
    assert clips.uncovered < stride


def test_no_frames_and_wrong_steps_are_refused():
    with pytest.raises(UsageError, match="at least one frame to cut into clips, got 0 frames"):
        walk_clips(0)
    with pytest.raises(UsageError, match="clip >= 1 and stride >= 1, got 60, 54 and 0"):
        clip_starts(60, stride=0)
