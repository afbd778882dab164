"""The picture of a walk: that it is drawn and shows something, and what is refused."""
from __future__ import annotations

import sys
from dataclasses import replace

import numpy as np
import pytest

from agir_plugin.consts import JOINTS
from agir_plugin.errors import UnusableRecording, UsageError
from agir_plugin.records import FootEvents
from agir_plugin.report import plot_gait

matplotlib = pytest.importorskip("matplotlib")


def pixels(path) -> np.ndarray:
    from matplotlib.image import imread

    return imread(path)[..., :3]


def test_a_picture_is_drawn_with_both_sides_colours(motion, gait, tmp_path):
    path = plot_gait(motion, gait, tmp_path / "walk.png")
    image = pixels(path)
    assert image.shape == (960, 1320, 3)
    for colour in ((0x00, 0x72, 0xB2), (0xD5, 0x5E, 0x00)):
        drawn = np.abs(image - np.asarray(colour) / 255).max(axis=-1) < 0.02
        assert all(drawn[rows, :600].any() for rows in (slice(60, 330), slice(360, 600), slice(660, 900)))


def test_arms_that_were_not_measured_are_not_drawn(motion, gait, tmp_path):
    legs = frozenset(name for name in JOINTS if "wrist" not in name)
    without = pixels(plot_gait(replace(motion, measured=legs), gait, tmp_path / "walk.png"))
    blue = np.abs(without[640:, :660] - np.asarray((0x00, 0x72, 0xB2)) / 255).max(axis=-1) < 0.02
    assert not blue.any()


def test_other_formats_by_suffix(motion, gait, tmp_path):
    assert plot_gait(motion, gait, tmp_path / "walk.svg").read_text().startswith("<?xml")
    with pytest.raises(UsageError, match=r"a picture file ending in one of .*svg.*, got .*walk\.docx; rename it"):
        plot_gait(motion, gait, tmp_path / "walk.docx")


def test_a_refused_walk_is_not_drawn(motion, refused_gait, tmp_path):
    with pytest.raises(UnusableRecording, match="was refused: expected at least 1 s of walking"):
        plot_gait(motion, refused_gait, tmp_path / "walk.png")
    assert not list(tmp_path.iterdir())


def test_without_matplotlib_the_message_says_what_to_do(motion, gait, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(UsageError, match="pip install matplotlib"):
        plot_gait(motion, gait, tmp_path / "walk.png")


def test_the_title_names_file_source_rate_method_and_strides(motion, gait, tmp_path):
    text = plot_gait(motion, replace(gait, source="c3d markers, events: zeni"), tmp_path / "a.svg", "walk.c3d").read_text()
    assert f"walk.c3d  |  c3d markers  |  {gait.fps:g} frames/s  |  events: zeni  |  {gait.n_strides} strides" in text
    assert "events: landing" in plot_gait(motion, gait, tmp_path / "b.svg").read_text()


def test_the_norms_in_use_are_named_and_those_without_a_row_left_out(motion, gait, tmp_path, monkeypatch):
    table = tmp_path / "clinic.yaml"
    table.write_text("norms: {speed_mps: {mean: 1.0, sd: 0.1, unit: m/s, source: our laboratory}}", encoding="utf8")
    monkeypatch.setenv("AGIR_NORMS", str(table))
    text = plot_gait(motion, gait, tmp_path / "walk.svg").read_text()
    assert "the people of clinic.yaml" in text and "1.00 ± 0.10" in text and "cadence" not in text


def test_of_a_long_walk_the_middle_is_shown(motion, gait, tmp_path):
    assert "time from the recording's first frame (s)" in plot_gait(motion, gait, tmp_path / "short.svg").read_text()
    frames = round(60 * motion.fps) + 1
    long = replace(motion, joints_m=np.resize(motion.joints_m, (frames, *motion.joints_m.shape[1:])))
    strikes = FootEvents(tuple(np.arange(10.0, 45.0)), ())
    text = plot_gait(long, replace(gait, events={"left": strikes, "right": strikes}), tmp_path / "long.svg").read_text()
    assert "first frame (s, 17 to 37 of 60)" in text  # the middle of 10 s to 44 s, 10 s on either side


def test_a_table_without_a_fitting_row_is_said_to_have_none(motion, gait, tmp_path, monkeypatch):
    (tmp_path / "none.yaml").write_text("norms: {}")
    monkeypatch.setenv("AGIR_NORMS", str(tmp_path / "none.yaml"))
    assert "no parameter has a norm" in plot_gait(motion, gait, tmp_path / "walk.svg").read_text()
