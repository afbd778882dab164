"""The viewer page: its numbers come back, file texts stay text, nothing comes from outside, and the script runs."""
from __future__ import annotations

import base64
import json
import re
import shutil
import subprocess
from dataclasses import replace
from html import unescape
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from agir_plugin.consts import JOINT, JOINTS, NOT_A_DEVICE
from agir_plugin.errors import CohortError
from agir_plugin.gait import measure
from agir_plugin.ingest import read
from agir_plugin.motion import to_motion
from agir_plugin.records import FootEvents, GaitParameters, LabelledEvent, Motion, Recording
from agir_plugin.report.viewer import SYNTHETIC, is_synthetic, viewer_page
from agir_plugin.report.viewer_scene import MOST_FRAMES, PAGE_FPS, packed, scene

HOSTILE = "</script><script>alert(1)</script><!--&\"'<img src=x onerror=alert(1)>"
#: A 10 s walk must stay below this, bytes.
LARGEST_PAGE = 600_000


def unpacked(text: str, frames: int) -> np.ndarray:
    """(frames, points, 3) metres of `packed`, decoded from its description alone."""
    numbers, number, weight = [], 0, 1
    for byte in base64.b64decode(text):
        number, weight = number + (byte & 0x7F) * weight, weight * 128
        if byte < 0x80:
            numbers.append(-(number + 1) // 2 if number % 2 else number // 2)
            number, weight = 0, 1
    second = np.array(numbers).reshape(-1, frames)
    slopes = np.concatenate([second[:, :1] * 0, np.cumsum(second[:, 1:], axis=1)], axis=1)
    return (second[:, :1] + np.cumsum(slopes, axis=1)).T.reshape(frames, -1, 3) / 1000


def recording_of(motion: Motion, path: str = "walk.npy", **more) -> Recording:
    return Recording(path, "joints", "joints", motion.fps, JOINTS, motion.joints_m, **more)


def page_of(motion: Motion, **more) -> str:
    return viewer_page(recording_of(motion, **more), motion, measure(motion))


class Structure(HTMLParser):
    """What a browser would make of a page: tags with their attributes, and the text of the JSON element."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.data = ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag, attrs) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data) -> None:
        if self.tags and self.tags[-1] == ("script", {"id": "walk", "type": "application/json"}):
            self.data += data

    @property
    def walk(self) -> dict:
        return json.loads(self.data)


# Numbers


@settings(max_examples=40, deadline=None)
@given(arrays(float, (7, 2, 3), elements=st.floats(-900, 900)))
def test_places_come_back_to_the_millimetre(points):
    assert np.abs(unpacked(packed(points), 7) - points).max() <= 0.000501


def test_one_frame_and_a_still_body():
    points = np.full((1, 22, 3), 0.25)
    assert unpacked(packed(points), 1) == pytest.approx(points)
    still = np.full((50, 22, 3), -1.5)
    assert unpacked(packed(still), 50) == pytest.approx(still)
    assert len(base64.b64decode(packed(still))) < 1.1 * still.size


def test_unknown_places_are_listed_and_never_drawn(motion, gait):
    joints = motion.joints_m.copy()
    joints[3:6, JOINT["head"]] = np.nan
    joints[:, JOINT["left_wrist"]] = np.nan
    found = scene(replace(motion, joints_m=joints), gait)
    assert found["gaps"] == [[JOINT["head"], 3, 6], [JOINT["left_wrist"], 0, len(joints)]]
    assert np.isfinite(unpacked(found["coords"], found["frames"])).all()


@pytest.mark.parametrize("turn_deg", [0, 37, 90, 180, 250])
def test_the_page_looks_along_the_walk_whichever_way_it_goes(motion, gait, turn_deg):
    angle = np.radians(turn_deg)
    turn = np.array([[np.cos(angle), 0, -np.sin(angle)], [0, 1, 0], [np.sin(angle), 0, np.cos(angle)]])
    found = scene(replace(motion, joints_m=motion.joints_m @ turn + [5.0, 0.0, -3.0]), gait)
    places = unpacked(found["coords"], found["frames"])
    pelvis, left, right = (places[:, JOINT[name]] for name in ("pelvis", "left_hip", "right_hip"))
    assert pelvis[0, [0, 2]] == pytest.approx([0, 0], abs=0.001)
    assert pelvis[-1, 0] > 1 and abs(pelvis[-1, 2]) < 0.1 * pelvis[-1, 0]
    assert (left[:, 2] < right[:, 2]).mean() > 0.9  # x ahead, y up: the left side is at -z
    lengths = [np.linalg.norm(joints[0, JOINT["left_knee"]] - joints[0, JOINT["left_hip"]]) for joints in (places, motion.joints_m)]
    assert lengths[0] == pytest.approx(lengths[1], abs=0.003)


def test_shown_frames_are_recorded_ones_at_a_rate_for_screens(motion, gait):
    for fps, stride in ((20.0, 1), (60.0, 1), (100.0, 2), (120.0, 2), (150.0, 3), (250.0, 5)):
        found = scene(replace(motion, fps=fps), gait)
        assert (found["stride"], found["fps"]) == (stride, fps / stride)
        assert found["frames"] == len(motion.joints_m[::stride]) and found["fps"] <= PAGE_FPS


def test_a_very_long_walk_is_shown_at_a_lower_rate(motion, gait):
    times = int(np.ceil(2.5 * MOST_FRAMES / len(motion.joints_m)))
    found = scene(replace(motion, joints_m=np.tile(motion.joints_m, (times, 1, 1))), gait)
    assert found["stride"] == 3 and found["frames"] <= MOST_FRAMES


def test_events_lie_where_the_foot_is_at_their_time():
    joints = np.zeros((11, 22, 3))
    joints[:, JOINT["left_ankle"], 2] = np.arange(11) * 0.1
    joints[:, JOINT["right_foot"], 2] = 0.5
    joints[:, JOINT["pelvis"], 2] = np.arange(11) * 0.2
    motion = Motion(joints, 10.0, "by hand", start_s=2.0)
    events = {"left": FootEvents(heel_strike_s=(2.25,)), "right": FootEvents(toe_off_s=(2.9,))}
    stored = [LabelledEvent("left", kind, at_s) for kind, at_s in (("heel_strike", 2.3), ("toe_off", 1.0), ("toe_off", 3.1))]
    found = scene(motion, GaitParameters("ok", 10.0, "by hand", events=events), tuple(stored))
    assert found["first_s"] == 2.0
    assert found["events"] == [
        {"side": "left", "kind": "heel_strike", "at_s": 2.25, "x_m": 0.25, "z_m": 0.0},
        {"side": "right", "kind": "toe_off", "at_s": 2.9, "x_m": 0.5, "z_m": 0.0},
    ]
    assert found["stored"] == [{"side": "left", "kind": "heel_strike", "at_s": 2.3}]  # the others are outside


def test_contacts_run_from_strike_to_toe_off_and_say_which_end_was_not_seen(motion):
    events = {"left": FootEvents((0.5, 1.5, 2.5), (0.2, 1.1, 3.1)), "right": FootEvents((1.0,), ())}
    stance = scene(motion, GaitParameters("ok", 20.0, "by hand", events=events))["stance"]
    assert stance == {"left": [[None, 0.2], [0.5, 1.1], [1.5, None], [2.5, 3.1]], "right": [[1.0, None]]}


def test_heels_get_a_sole_and_joints_that_were_filled_in_are_marked(motion, gait):
    seen = frozenset(JOINTS) - {"head", "left_wrist"}
    heel = motion.joints_m[:, [JOINT["left_ankle"], JOINT["right_ankle"]]] - [0.0, 0.05, 0.05]
    found = scene(replace(motion, heel_m=heel, measured=seen), gait)
    assert found["points"][22:] == ["left_heel", "right_heel"]
    assert [name for name, is_seen in zip(found["points"], found["measured"], strict=True) if not is_seen] == ["head", "left_wrist"]
    heels = [bone for bone in found["bones"] if max(bone[:2]) >= 22]
    assert [bone[2] for bone in heels] == ["left", "left", "right", "right"] and len(found["bones"]) == 21 + 4


# Page


def test_the_page_holds_the_walk_and_what_was_measured(motion, gait):
    page = page_of(motion)
    structure = Structure(page)
    assert structure.walk == scene(motion, gait)
    assert "<title>walk.npy</title>" in page and page.count(NOT_A_DEVICE) >= 1 and SYNTHETIC not in page
    assert f"<td>{gait.value('speed_mps'):.2f}</td><td class=\"unit\">m/s</td>" in page
    assert all(flag in page for flag in gait.flags) and f"{len(structure.walk['events'])} detected" in page


def test_a_synthetic_walk_says_so(motion, gait):
    assert f"<li>{SYNTHETIC}</li>" in viewer_page(recording_of(motion), motion, gait, synthetic=True)


def test_a_refused_walk_is_shown_with_its_reasons(motion, refused_gait):
    stored = (LabelledEvent("left", "heel_strike", 0.2),)
    page = viewer_page(recording_of(motion, events=stored), motion, refused_gait)
    assert "This walk was refused" in page and all(reason in unescape(page) for reason in refused_gait.reasons)
    assert Structure(page).walk["stored"] and "1 in the file" in page and "Measured on this walk" not in page


def test_texts_of_files_stay_texts(motion, gait):
    hostile = replace(gait, flags=(HOSTILE,), source=HOSTILE)
    clean = viewer_page(recording_of(motion, notes=("note",)), motion, replace(gait, flags=("flag",), source="source"))
    page = viewer_page(recording_of(motion, f"folder/{HOSTILE.replace('/', '|')}", notes=(HOSTILE,)), motion, hostile)
    assert [tag for tag, _ in Structure(page).tags] == [tag for tag, _ in Structure(clean).tags]
    assert "alert(1)" in page and "<script>alert" not in page and "<img" not in page
    assert Structure(page).walk == Structure(clean).walk


def test_reasons_and_labels_inside_the_data_cannot_end_their_element(motion, refused_gait):
    events = (LabelledEvent(HOSTILE, "heel_strike", 0.2),)  # a reader of somebody else's may give any text
    page = viewer_page(recording_of(motion, events=events), motion, replace(refused_gait, reasons=(HOSTILE,)))
    assert page.count("</script>") == 2 and "<script>alert" not in page
    assert Structure(page).walk["stored"][0]["side"] == HOSTILE


def test_nothing_comes_from_outside_and_nothing_else_may_run(motion):
    page = page_of(motion)
    structure = Structure(page)
    outside = {"src", "href", "action", "style"}
    assert not [tag for tag, attrs in structure.tags if outside & set(attrs) or any(name.startswith("on") for name in attrs)]
    assert not re.search(r"https?:|url\(|@import|import\(|fetch\(|XMLHttpRequest|WebSocket|sendBeacon", page)
    policy = next(attrs["content"] for tag, attrs in structure.tags if attrs.get("http-equiv") == "Content-Security-Policy")
    assert policy.startswith("default-src 'none'; ") and "unsafe" not in policy and policy.count("sha256-") == 2


def test_the_same_walk_gives_the_same_bytes_and_tells_no_folder(motion):
    assert page_of(motion, path="/home/somebody/a/walk.npy") == page_of(motion, path="walk.npy")


def test_ten_seconds_are_a_small_file():
    time = np.arange(1001) / 100
    joints = np.random.default_rng(0).normal(0, 0.01, (1001, 22, 3)) + time[:, None, None] * [0, 0, 1.2]
    motion = Motion(joints, 100.0, "noise", heel_m=joints[:, :2])
    assert len(page_of(motion).encode()) < LARGEST_PAGE


def test_what_was_filled_in_is_said_in_words_and_buttons_have_names(motion):
    page = page_of(replace(motion, measured=frozenset(JOINTS) - {"left_wrist", "right_wrist"}))
    assert "Filled in, dashed and grey: left wrist, right wrist." in page and "not measured, filled in" in page
    buttons = [attrs for tag, attrs in Structure(page).tags if tag == "button"]
    assert len(buttons) == 11 and all(button.get("aria-label") or button.get("title") for button in buttons)


def test_a_cohort_says_whether_its_walks_are_synthetic(tmp_path):
    walk = tmp_path / "joints" / "W.npy"
    assert not is_synthetic(walk)
    for text, expected in (('{"synthetic": true}', True), ('{"synthetic": false}', False)):
        (tmp_path / "cohort.json").write_text(text)
        assert is_synthetic(walk) is expected
    (tmp_path / "cohort.json").write_text("{")
    with pytest.raises(CohortError, match=r"cohort\.json: expected a JSON object that says whether the cohort is synthetic"):
        is_synthetic(walk)


# In a browser

#: Pictures by the clock: a browser without a screen asks for them too rarely to count on.
CLOCK = "<script>window.requestAnimationFrame = (draw) => setTimeout(() => draw(performance.now()), 16);</script>"
#: Presses keys and reads what the player did, after the page's own script.
DRIVER = """<script>
const state = () => [document.documentElement.dataset.frame, byText("play"), pressed("follow"), pressed("loop")].join(" ");
const byText = (id) => document.getElementById(id).getAttribute("aria-label");
const pressed = (id) => document.getElementById(id).getAttribute("aria-pressed");
const shades = (canvas) => new Set(canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data).size;
const press = (key, shiftKey = false) =>
  document.body.dispatchEvent(new KeyboardEvent("keydown", { key, shiftKey, bubbles: true }));
const next = () => new Promise((done) => setTimeout(done, 60));
(async () => {
  const seen = [];
  await next();
  const keys = [["ArrowRight"], ["ArrowRight", true], ["ArrowLeft"], ["End"], ["ArrowRight"], ["Home"],
    ["]"], ["f"], ["l"], ["w"], ["+"], ["4"]];
  for (const key of keys) { press(...key); await next(); seen.push(state()); }
  press(" ");
  await new Promise((done) => setTimeout(done, 400));
  seen.push(document.documentElement.dataset.frame > 0, byText("play"));
  document.documentElement.dataset.seen = JSON.stringify(seen);
  document.documentElement.dataset.drawn = JSON.stringify(["stage", "lanes"].map((id) => shades(document.getElementById(id))));
})();
</script>"""


@pytest.fixture(scope="session")
def browser(tmp_path_factory):
    """`browser(page, *options, hash="")`: what headless Chromium prints; skipped by name where there is none."""
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if program is None:
        pytest.skip("needs Chromium to run the viewer page")
    quiet = ("background-networking", "component-update", "sync", "gpu", "extensions", "default-apps")

    def load(page: Path, *options: str, place: str = "") -> str:
        profile = tmp_path_factory.mktemp("profile")
        command = [
            program, "--headless", "--no-sandbox", "--no-first-run", *(f"--disable-{name}" for name in quiet),
            f"--user-data-dir={profile}", "--window-size=1200,900", "--virtual-time-budget=4000",
            "--run-all-compositor-stages-before-draw", *options,
            f"{page.as_uri()}{place}",
        ]
        ended = subprocess.run(command, capture_output=True, text=True, timeout=90, check=False)
        assert ended.returncode == 0, ended.stderr[-2000:]
        return ended.stdout

    return load


def html_attributes(dom: str) -> dict[str, str | None]:
    return next(attrs for tag, attrs in Structure(dom).tags if tag == "html")


def test_the_script_runs_and_shows_the_asked_moment(browser, motion, tmp_path):
    page = tmp_path / "walk.html"
    page.write_text(page_of(motion), "utf8")
    dom = browser(page, "--dump-dom", f"--screenshot={tmp_path / 'walk.png'}", place="#t=1.5&view=side")
    found = html_attributes(dom)
    assert "data-error" not in found
    assert (found["data-frames"], found["data-frame"]) == (str(len(motion.joints_m)), "30")
    assert f"1.50 of {motion.seconds:.2f} s" in dom and "frame 31 of" in dom


def test_both_sides_are_drawn_in_their_colours(browser, motion, tmp_path):
    image = pytest.importorskip("matplotlib.image")
    page, picture = tmp_path / "walk.html", tmp_path / "walk.png"
    page.write_text(page_of(motion), "utf8")
    browser(page, f"--screenshot={picture}", "--blink-settings=preferredColorScheme=1", place="#t=1")
    pixels = image.imread(picture)[80:500, :700, :3]
    for colour in ((0x00, 0x72, 0xB2), (0xD5, 0x5E, 0x00), (0x00, 0x80, 0x5C)):
        assert (np.abs(pixels - np.asarray(colour) / 255).max(axis=-1) < 0.12).sum() > 150  # the legend alone: 120


def test_keys_move_the_player(browser, motion, tmp_path):
    page = tmp_path / "walk.html"
    text = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", page_of(motion))  # it forbids the driver
    page.write_text(text.replace("<head>", f"<head>{CLOCK}").replace("</body>", f"{DRIVER}</body>"), "utf8")
    found = html_attributes(browser(page, "--dump-dom"))
    assert "data-error" not in found
    last, seen = len(motion.joints_m) - 1, json.loads(found["data-seen"])
    strike = round(20 * min(event["at_s"] for event in scene(motion, measure(motion))["events"]))
    frames = [int(state.split()[0]) for state in seen[:12]]
    assert frames == [1, 11, 10, last, last, 0, *[strike] * 6]
    assert seen[6].split()[1:] == ["Play", "false", "true"] and seen[8].split()[1:] == ["Play", "true", "false"]
    assert seen[12:] == [True, "Pause"]
    assert min(json.loads(found["data-drawn"])) > 20


def unusual_walks(motion: Motion) -> dict[str, Motion]:
    lost = motion.joints_m.copy()
    lost[5:20, JOINT["pelvis"]] = np.nan
    lost[:, JOINT["right_wrist"]] = np.nan
    forward = np.arange(12 * len(motion.joints_m))[:, None, None] * [0.0, 0.0, 0.05]
    return {
        "one frame": replace(motion, joints_m=motion.joints_m[:1]),
        "gaps": replace(motion, joints_m=lost),
        "all unknown": replace(motion, joints_m=np.full_like(lost, np.nan)),
        "not measured": replace(motion, measured=frozenset({"pelvis"}), start_s=3.0),
        "far away": replace(motion, joints_m=motion.joints_m * [1, 1, 900]),
        "a minute": replace(motion, joints_m=np.tile(motion.joints_m * [1, 1, 0], (12, 1, 1)) + forward),
    }


@pytest.mark.parametrize("name", ["one frame", "gaps", "all unknown", "not measured", "far away", "a minute"])
def test_unusual_walks_are_shown(browser, motion, tmp_path, name):
    walk = unusual_walks(motion)[name]
    page = tmp_path / "walk.html"
    page.write_text(page_of(walk), "utf8")
    found = html_attributes(browser(page, "--dump-dom", place="#t=1000&view=front"))
    frames = len(walk.joints_m)
    assert "data-error" not in found and (found["data-frames"], found["data-frame"]) == (str(frames), str(frames - 1))


def test_an_error_is_said_on_the_page(browser, motion, tmp_path):
    page = tmp_path / "walk.html"
    whole = page_of(motion)
    coords = Structure(whole).walk["coords"]
    page.write_text(whole.replace(coords, coords[:-8]), "utf8")
    dom = browser(page, "--dump-dom")
    assert "data-error" in html_attributes(dom) and "The player stopped" in dom


def test_recordings_of_laboratories_are_shown(browser, shared_data, tmp_path):
    walks = {
        "cmu_walks/02_01.c3d": None, "c3dparser_clinical_labs/Sydney_Gait05.c3d": "left wrist",
        "mcgill_biomechzoo_c3d/HC038A/Static/HC038A01.c3d": "the person stands",
    }
    for name, says in walks.items():
        recording = read(shared_data / name)
        motion = to_motion(recording)
        page = tmp_path / f"{Path(name).stem}.html"
        page.write_text(viewer_page(recording, motion, measure(motion)), "utf8")
        dom = browser(page, "--dump-dom")
        assert "data-error" not in html_attributes(dom) and (says is None or says in dom)
        assert html_attributes(dom)["data-frames"] == str(len(motion.joints_m[::2]))
