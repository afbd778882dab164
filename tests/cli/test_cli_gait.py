"""`agir gait` on real and generated recordings: figures, the JSON contract, tables, plots, several files."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from pathlib import Path

import pytest

#: The JSON contract of `agir gait FILE --json`.
KEYS = ["file", "status", "reasons", "flags", "fps", "source", "n_strides", "events", "parameters"]
EVENT_KEYS = ["heel_strike_s", "toe_off_s"]
PARAMETER_KEYS = ["value", "unit", "n", "confidence", "reason"]


def test_a_laboratory_walk_has_the_known_speed_and_cadence(agir, shared_data: Path):
    path = shared_data / "mcgill_biomechzoo_c3d" / "HC038A" / "Straight" / "HC038A11.c3d"
    ended = agir("gait", path, "--json", "-")
    assert (ended.code, ended.err) == (0, "")
    document = json.loads(ended.out)
    assert list(document) == KEYS
    assert (document["file"], document["status"], document["reasons"], document["fps"]) == (str(path), "ok", [], 100.0)
    assert list(document["events"]) == ["left", "right"]
    assert all(list(events) == EVENT_KEYS for events in document["events"].values())
    assert all(list(measure) == PARAMETER_KEYS for measure in document["parameters"].values())
    speed, cadence = document["parameters"]["speed_mps"], document["parameters"]["cadence_spm"]
    assert (speed["unit"], cadence["unit"]) == ("m/s", "steps/min")
    assert speed["value"] == pytest.approx(1.26, abs=0.02)
    assert cadence["value"] == pytest.approx(114, abs=1.0)


def test_markers_and_skeleton_of_one_walk_agree(agir, shared_data: Path):
    walks = shared_data / "cmu_walks"
    ended = agir("gait", walks / "02_01.c3d", walks / "bvh" / "02_01.bvh", "--json", "-")
    assert ended.code == 0
    markers, skeleton = (document["parameters"] for document in json.loads(ended.out))
    assert markers["speed_mps"]["value"] == pytest.approx(skeleton["speed_mps"]["value"], abs=0.03)
    assert markers["cadence_spm"]["value"] == pytest.approx(skeleton["cadence_spm"]["value"], abs=2.0)


def test_a_real_static_trial_is_refused_and_that_is_a_result(agir, shared_data: Path):
    path = shared_data / "mcgill_biomechzoo_c3d" / "HC038A" / "Static" / "HC038A01.c3d"
    ended = agir("gait", path, "--json", "-")
    assert (ended.code, ended.err) == (0, "")
    document = json.loads(ended.out)
    assert (document["status"], document["n_strides"]) == ("refused", 0)
    assert "the person stands" in document["reasons"][0]


def test_the_process_keeps_results_and_messages_apart(files: Path, tmp_path: Path):
    command = [
        sys.executable,
        "-m",
        "agir_plugin",
        "gait",
        "walk.c3d",
        "nowhere.c3d",
        "--json",
        "-",
        "--csv",
        str(tmp_path / "o.csv"),
    ]
    done = subprocess.run(command, cwd=files, capture_output=True, text=True)
    assert done.returncode == 1
    assert [document["file"] for document in json.loads(done.stdout)] == ["walk.c3d"]
    assert "nowhere.c3d: there is no such file" in done.stderr and f"wrote {tmp_path / 'o.csv'}" in done.stderr


def test_the_card_shows_values_and_that_it_is_no_medical_device(agir, files: Path):
    ended = agir("gait", files / "walk.c3d")
    assert (ended.code, ended.err) == (0, "")
    assert all(
        text in ended.out
        for text in ("walk.c3d", "not a medical device", "cadence", "steps/min", "healthy", "arm swing, left")
    )


def test_the_card_of_a_refused_walk_gives_its_reasons(agir, files: Path):
    ended = agir("gait", files / "standing.c3d")
    assert (ended.code, ended.err) == (0, "")
    assert "Refused" in ended.out and "the person stands" in ended.out and "cadence" not in ended.out


def test_joints_and_markers_of_one_walk_give_the_same_speed(agir, files: Path):
    ended = agir("gait", files / "walk.c3d", files / "walk.npy", files / "millimetres.npy", "--fps", 100, "--json", "-")
    assert ended.code == 0
    markers, joints, millimetres = json.loads(ended.out)
    speeds = [document["parameters"]["speed_mps"]["value"] for document in (markers, joints, millimetres)]
    assert speeds[1:] == pytest.approx([speeds[0]] * 2, abs=0.01)
    assert "units_guessed" in millimetres["flags"] and "units_guessed" not in joints["flags"]


def test_fps_replaces_the_rate_of_joints(agir, files: Path):
    slow = agir("gait", files / "walk.npy", "--fps", 50, "--json", "-")
    fast = agir("gait", files / "walk.npy", "--fps", 100, "--json", "-")
    cadences = [json.loads(ended.out)["parameters"]["cadence_spm"]["value"] for ended in (slow, fast)]
    assert cadences[1] == pytest.approx(2 * cadences[0], rel=0.01)


def test_short_gaps_are_bridged_and_a_lost_end_is_cut_off(agir, files: Path):
    document = json.loads(agir("gait", files / "gaps.c3d", "--json", "-").out)
    assert document["status"] == "ok"
    assert any(flag.startswith("trimmed: ") for flag in document["flags"])


def test_one_row_per_file_in_the_table(agir, files: Path, tmp_path: Path):
    ended = agir(
        "gait",
        files / "walk.c3d",
        files / "standing.c3d",
        "--csv",
        tmp_path / "new" / "gait.csv",
        "--json",
        tmp_path / "gait.json",
    )
    assert (ended.code, ended.out) == (0, "")
    walk, standing = csv.DictReader((tmp_path / "new" / "gait.csv").open(newline=""))
    reports = json.loads((tmp_path / "gait.json").read_text())
    assert float(walk["speed_mps"]) == pytest.approx(reports[0]["parameters"]["speed_mps"]["value"], rel=1e-6)
    assert (walk["status"], standing["status"], standing["speed_mps"]) == ("ok", "refused", "")
    assert "the person stands" in standing["reasons"]
    columns = [name if name != "walk_ratio_m_per_spm" else "walk_ratio" for name in walk]
    assert columns[7:] == list(reports[0]["parameters"])


def test_the_table_goes_to_stdout_too(agir, files: Path):
    ended = agir("gait", files / "walk.c3d", "--csv", "-")
    assert (ended.code, ended.err) == (0, "")
    assert [row["status"] for row in csv.DictReader(io.StringIO(ended.out))] == ["ok"]


def test_files_that_cannot_be_used_do_not_stop_the_others(agir, files: Path, tmp_path: Path):
    ended = agir("gait", files / "empty.c3d", files / "walk.c3d", files / "noise.c3d", "--json", tmp_path / "gait.json")
    assert ended.code == 1
    assert [Path(document["file"]).name for document in json.loads((tmp_path / "gait.json").read_text())] == [
        "walk.c3d"
    ]
    assert "empty.c3d: the file is empty" in ended.err and "noise.c3d: the ending .c3d says c3d" in ended.err
    assert ended.err.endswith("agir: 2 of 3 files could not be used (named above), 1 are done\n")


def test_a_plot_is_drawn_of_a_walk_and_not_of_a_refused_one(agir, files: Path, tmp_path: Path):
    pytest.importorskip("matplotlib")
    ended = agir("gait", files / "walk.c3d", "--plot", tmp_path / "new" / "walk.png")
    assert ended.code == 0
    assert (tmp_path / "new" / "walk.png").read_bytes().startswith(b"\x89PNG")
    refused = agir("gait", files / "standing.c3d", "--plot", tmp_path / "standing.png")
    assert refused.code == 0 and "Refused" in refused.out
    assert "nothing to draw, the walk was refused: the person stands" in refused.err
    assert not (tmp_path / "standing.png").exists()


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--json", "{tmp}"), "--json: expected a file to write, got the folder"),
        (("--json", "{files}/standing.c3d"), "the name of a recording; name the result file after --json"),
        (("--csv", "{files}/walk.c3d/table.csv"), "walk.c3d is a file and not a folder; choose another place"),
        (("--json", "-", "--csv", "-"), "at most one of --json and --csv on stdout"),
        (("--plot", "{tmp}/walk.docx"), "a picture file ending in one of"),
        (("{files}/walk.npy", "--plot", "{tmp}/walk.png"), "expected one file with --plot, got 2"),
        (("--fps", "0"), "'--fps': expected frames per second above 0 and up to 10000, got 0"),
        (("--fps", "-20"), "got -20"),
        (("--fps", "nan"), "got nan"),
        (("--fps", "fast"), "'--fps'"),
    ],
)
def test_wrong_options_are_refused_before_any_work(agir, files: Path, tmp_path: Path, words, says):
    before = (files / "standing.c3d").read_bytes()
    ended = agir("gait", files / "walk.c3d", *(word.format(tmp=tmp_path, files=files) for word in words))
    assert (ended.code, ended.out) == (2, "")
    assert says in ended.err and ended.err.count("\n") == 1
    assert (files / "standing.c3d").read_bytes() == before and not list(tmp_path.iterdir())


def test_a_result_that_cannot_be_written_is_one_line(
    agir, files: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    def full(*args: object) -> None:
        raise OSError(28, "No space left on device", str(tmp_path / "gait.json"))

    monkeypatch.setattr("os.replace", full)
    ended = agir("gait", files / "walk.c3d", "--json", tmp_path / "gait.json")
    says = "No space left on device; check the path, its permissions and the free space"
    assert (ended.code, ended.err) == (1, f"agir: {tmp_path / 'gait.json'}: {says}\n")
    assert not list(tmp_path.iterdir())


def test_events_by_name_and_from_the_file(agir, shared_data: Path):
    path = shared_data / "c3dparser_clinical_labs" / "Sydney_Gait05.c3d"
    documents = {
        name: json.loads(agir("gait", path, "--events", name, "--json", "-").out) for name in ("landing", "zeni", "file")
    }
    assert [document["source"] for document in documents.values()] == [
        "c3d markers", "c3d markers, events: zeni", "c3d markers, events: file"
    ]
    assert all(list(document) == KEYS and document["status"] == "ok" for document in documents.values())
    assert documents["landing"] == json.loads(agir("gait", path, "--json", "-").out)
    # as the laboratory stored them
    assert documents["file"]["events"]["right"]["heel_strike_s"] == pytest.approx([0.23, 1.33], abs=0.02)


def test_a_file_without_labels_is_refused_when_labels_are_asked_for(agir, files: Path):
    document = json.loads(agir("gait", files / "walk.c3d", "--events", "file", "--json", "-").out)
    assert document["status"] == "refused"
    assert "found 0 left and 0 right of the 0 that the file has" in document["reasons"][0]


def test_an_event_method_that_does_not_exist_is_a_usage_error(agir, files: Path):
    ended = agir("gait", files / "walk.c3d", "--events", "best")
    assert ended.code == 2
    assert "one of landing, zeni, oconnor, minimum_height, file, got 'best'" in ended.err
    ended = agir("gait", files / "walk.c3d", "--events", "file", "--fps", 50)
    assert ended.code == 2 and "--events file without --fps" in ended.err


def test_the_sessions_of_a_cohort_are_a_table(agir, tmp_path: Path):
    assert agir("synth", "--out", tmp_path / "cohort", "--subjects", 3, "--walks", 2).code == 0
    ended = agir("gait", tmp_path / "cohort", "--sessions", "-")
    assert (ended.code, ended.err) == (0, "")
    rows = list(csv.DictReader(io.StringIO(ended.out)))
    assert [(row["subject"], row["state"], row["walks"]) for row in rows] == [
        (subject, state, "2") for subject in ("SUB01", "SUB02", "SUB03") for state in ("off", "on")
    ]
    assert all(float(row["step_time_cv_pct"]) > 0 for row in rows)


def test_sessions_need_one_cohort_and_nothing_else(agir, files: Path, tmp_path: Path):
    ended = agir("gait", files / "walk.c3d", "--sessions", tmp_path / "s.csv")
    assert ended.code == 1 and "expected a cohort folder" in ended.err
    for words in (["--fps", 20], ["--events", "zeni"], ["--json", "-"], [files]):
        ended = agir("gait", tmp_path, "--sessions", "-", *words)
        assert ended.code == 2 and "one cohort folder and no other option with --sessions" in ended.err
