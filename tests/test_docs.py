"""The documents say what the code does: links, commands, tables, constants, examples and measured figures agree with it."""
from __future__ import annotations

import ast
import importlib
import importlib.util
import json
import re
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from agir_plugin import registry
from agir_plugin.bridge.rows import RowWriter, Window
from agir_plugin.bridge.settings import DataSettings, LossSettings, RunSettings
from agir_plugin.cohort import draw_trials, walk_joints
from agir_plugin.cohort.steps import plan_steps
from agir_plugin.cohort.synthetic import CAUSES, SCORE_PAIRS, Trial
from agir_plugin.config import Settings, check_settings
from agir_plugin.consts import JOINTS, SIDES
from agir_plugin.gait import measure, norms, report_json, signals
from agir_plugin.gait.catalog import UNITS
from agir_plugin.ingest import read
from agir_plugin.motion import resample, to_motion
from agir_plugin.motion import signals as marker_signals
from agir_plugin.motion.labels import landmark_table
from agir_plugin.records import GaitParameters, Motion, Recording
from agir_plugin.tasks.structure import parse

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
GAIT, SYNTHETIC, TRAINING, RECORDINGS = (
    (DOCS / f"{name}.md").read_text("utf8") for name in ("gait-parameters", "synthetic-walks", "training", "recordings")
)
PAGES = sorted([*DOCS.glob("*.md"), ROOT / "README.md", ROOT / "CONTRIBUTING.md"])
CONFIGS = {name: ROOT / "configs" / f"agir_{name}.yaml" for name in (
    "vq", "stage1", "stage2", "vq_demo", "stage1_demo", "stage2_demo"
)}
#: The four public files with labelled events, by the names that the tables use.
LABELLED = {
    "HC002D06": "mcgill_biomechzoo_c3d/HC002D/Straight/HC002D06.c3d",
    "HC038A11": "mcgill_biomechzoo_c3d/HC038A/Straight/HC038A11.c3d",
    "PiG_Motion3_noFF": "btkdata_c3d/PiG_Motion3_noFF.c3d",
    "Sydney_Gait05": "c3dparser_clinical_labs/Sydney_Gait05.c3d",
}
OTHER_WALKS = (
    "btkdata_c3d/Gait.c3d", "opensim_core/walking2.c3d", "cmu_walks/02_01.c3d", "cmu_walks/bvh/02_01.bvh",
    "cmu_walks/bvh/35_01.bvh", "bandai_namco_styles/dataset-1_walk_normal_001.bvh",
    "bandai_namco_styles/dataset-1_walk_old_001.bvh", "bandai_namco_styles/dataset-2_walk_elderly_001.bvh",
)
_FENCE = re.compile(r"^```([^\n]*)\n(.*?)^```", re.MULTILINE | re.DOTALL)


# Reading the pages

def section(text: str, title: str) -> str:
    """The text under the heading that starts with `title`, up to the next heading."""
    found = re.search(rf"^#+ {re.escape(title)}[^\n]*\n(.*?)(?=^#|\Z)", _FENCE.sub("", text), re.MULTILINE | re.DOTALL)
    assert found, f"no heading {title!r}"
    return found[1]


def rows(text: str) -> list[list[str]]:
    """Cells of all table rows, headings and rules left out."""
    lines = [line.strip() for line in text.splitlines() if line.strip().startswith("|")]
    rules = {number for number, line in enumerate(lines) if not line.strip("|-: ")}
    kept = [line for number, line in enumerate(lines) if number not in rules and number + 1 not in rules]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in kept]


def names(cell: str) -> list[str]:
    """The words in backticks of a cell."""
    return re.findall(r"`([^`]+)`", cell)


def agrees(written: str, value: float) -> bool:
    """Whether a written number is the value, rounded to the decimals that it has (one unit of the last either way)."""
    decimals = len(written.partition(".")[2])
    return abs(float(written) - value) <= 1.0001 * 10.0**-decimals


def slug(heading: str) -> str:
    """The anchor that a heading gets."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


# Links, commands, constants

@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_and_pictures_are_there(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", _FENCE.sub("", page.read_text("utf8"))):
        if "://" in target:
            continue
        place, _, anchor = target.partition("#")
        file = (page.parent / place).resolve() if place else page
        assert file.exists(), f"{page.name}: {target}"
        if anchor:
            headings = re.findall(r"^#+ (.*)$", _FENCE.sub("", file.read_text("utf8")), re.MULTILINE)
            assert anchor in map(slug, headings), f"{page.name}: {target}"


def test_pictures_are_small_and_used() -> None:
    for picture in (DOCS / "images").iterdir():
        assert picture.stat().st_size < 150_000 and f"images/{picture.name}" in SYNTHETIC


def test_every_page_says_what_it_is_not() -> None:
    assert all("not a medical device" in text for text in (GAIT, SYNTHETIC, TRAINING, RECORDINGS))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_exist(page: Path) -> None:
    import typer

    from agir_plugin.cli.app import app

    commands = typer.main.get_command(app).commands
    text = page.read_text("utf8")
    code = [*(body for _, body in _FENCE.findall(text)), *names(_FENCE.sub("", text))]
    for name, rest in re.findall(r"(?:^|\s)agir ([a-z]+)([^\n]*)", "\n".join(code)):
        assert name in commands, f"{page.name}: agir {name}"
        known = {option for p in commands[name].params for option in p.opts} | {"--help"}
        used = set(re.findall(r"(?<=\s)--[a-z-]+", rest.partition("#")[0]))
        assert hasattr(commands[name], "commands") or used <= known, f"{page.name}: agir {name}{rest}"


def test_test_commands_exist() -> None:
    for text in (GAIT, SYNTHETIC, TRAINING, RECORDINGS):
        for path in re.findall(r"(?:pytest |`)(tests/[\w/]+\.py)", text):
            assert (ROOT / path).is_file(), path


def test_constants_have_the_written_values() -> None:
    found = [row for text in (GAIT, SYNTHETIC, RECORDINGS) for row in rows(text) if re.fullmatch(r"`[a-z0-9_.]+\.[A-Z_0-9]+`", row[0])]
    assert len(found) > 40
    for name, written, *_ in found:
        module, _, attribute = name.strip("`").rpartition(".")
        value = getattr(importlib.import_module(f"agir_plugin.{module}"), attribute)
        assert ast.literal_eval(written) == value, f"{name}: {value}"


# Gait parameters

def test_every_parameter_is_defined_with_its_unit() -> None:
    found = {name: row[1] for row in rows(section_of_parameters()) if len(row) == 5 for name in names(row[0])}
    assert found == UNITS


def section_of_parameters() -> str:
    """The part of the page that defines the parameters."""
    return GAIT.partition("## The parameters")[2].partition("### Variation and asymmetry")[0]


def test_norms_table_is_the_shipped_one() -> None:
    found = {names(row[0])[0]: row[1:4] for row in rows(section(GAIT, "Norms"))}
    expected = {name: [f"{norm.mean:g}", f"{norm.sd:g}", norm.source] for name, norm in norms().items()}
    assert found == expected
    assert set(UNITS) - set(found) == set(names(re.search(r"Not in the table: (.*)", GAIT)[1]))


def test_reasons_and_flags_are_those_of_the_code() -> None:
    code = "".join(path.read_text("utf8") for folder in ("gait", "motion", "ingest") for path in (ROOT / "agir_plugin" / folder).glob("*.py"))
    texts = [text for row in rows(section(GAIT, "Refusals and flags")) if "." not in row[0] for text in names(row[0])]
    texts += [text for row in rows(section(RECORDINGS, "Flags")) for text in names(row[0])]
    texts += [text for row in rows(section(RECORDINGS, "What is refused")) for text in names(row[1])]
    assert len(texts) > 30
    for text in texts:
        stem = text.rstrip("…: ").replace("left_arm", "_arm").replace("right_arm", "_arm")
        assert stem in code, text


@cache
def measured(path: Path, fps: float | None = None, heels: bool = True) -> tuple[Recording, GaitParameters]:
    """A real walk: at its own rate or resampled, with its heel markers or without them."""
    recording = read(path)
    motion = to_motion(recording)
    motion = motion if heels else replace(motion, heel_m=None, toe_m=None)
    return recording, measure(motion if fps is None else resample(motion, fps))


def errors_ms(recording: Recording, gait: GaitParameters, kind: str) -> list[float]:
    """Detected minus labelled time of each labelled event that was found."""
    labelled = [event for event in recording.events if event.kind == kind]
    pairs = [(t - e.time_s) for e in labelled for t in getattr(gait.events[e.side], f"{kind}_s") if abs(t - e.time_s) < 0.2]
    return [1000 * error for error in pairs]


def test_event_errors_are_the_written_ones(shared_data: Path) -> None:
    for event, rate, *written in rows(section(GAIT, "Measured: events")):
        how = (20.0 if rate.startswith("20") else None, "hidden" not in rate)
        kind = {"heel strike": "heel_strike", "toe-off": "toe_off"}[event]
        errors = np.concatenate([errors_ms(*measured(shared_data / name, *how), kind) for name in LABELLED.values()])
        values = (len(errors), np.median(abs(errors)), abs(errors).max(), errors.mean(), errors.std(ddof=1))
        assert all(map(agrees, written, values)), f"{event}, {rate}: {np.round(values, 1)}"


def test_phases_and_widths_are_the_written_ones(shared_data: Path) -> None:
    for name, stance, stance_labelled, double, double_labelled, double_hidden in rows(section(GAIT, "Measured: phases")):
        recording, gait = measured(shared_data / LABELLED[name])
        hidden = measured(shared_data / LABELLED[name], None, False)[1].value("double_support_pct")
        values = (gait.value("stance_pct"), gait.value("double_support_pct"), hidden, *labelled_phases(recording))
        written = (stance, double, double_hidden, stance_labelled, double_labelled)
        assert all(map(agrees, written, values)), f"{name}: {np.round(values, 1)}"
    for name, *written in rows(section(GAIT, "Measured: step width")):
        values = [measured(shared_data / LABELLED[name], None, heels)[1].value("step_width_m") for heels in (True, False)]
        assert all(map(agrees, written, values)), f"{name}: {np.round(values, 3)}"


def labelled_phases(recording: Recording) -> tuple[float, float]:
    """Mean stance and double support, % of the stride, from the laboratory's own events."""
    times = {(s, k): [e.time_s for e in recording.events if (e.side, e.kind) == (s, k)] for s in SIDES for k in ("heel_strike", "toe_off")}
    stance, double = [], []
    for own, other in (SIDES, SIDES[::-1]):
        strikes = times[own, "heel_strike"]
        for start, end in zip(strikes, strikes[1:], strict=False):
            across = [t for t in times[other, "heel_strike"] if start < t < end]
            off = [t for t in times[own, "toe_off"] if start < t < end]
            other_off = [t for t in times[other, "toe_off"] if start < t < end]
            if len(across) == len(off) == 1:
                stance.append(100 * (off[0] - start) / (end - start))
                double += [100 * (t - start + off[0] - across[0]) / (end - start) for t in other_off if t < across[0]]
    return float(np.mean(stance)), float(np.mean(double))


def test_sydney_row_by_row(shared_data: Path) -> None:
    import ezc3d

    group = ezc3d.c3d(str(shared_data / LABELLED["Sydney_Gait05"]))["parameters"]["ANALYSIS"]
    stored = dict(zip(zip(group["NAMES"]["value"], group["CONTEXTS"]["value"], strict=True), group["VALUES"]["value"], strict=True))
    theirs = {"cadence_spm": "Cadence", "speed_mps": "Walking Speed", "stride_length_m": "Stride Length", "step_width_m": "Step Width"}
    _, gait = measured(shared_data / LABELLED["Sydney_Gait05"])
    for cell, ours, left, right in rows(section(GAIT, "Measured: one clinical file")):
        name = names(cell)[0]
        label = theirs.get(name, "Step Length")
        assert agrees(ours, gait.value(name)), f"{name}: {gait.value(name)}"
        assert all(agrees(text, stored[label, side]) for side, text in (("Left", left), ("Right", right)) if text), name


def test_20_frames_per_second_lose_no_more_than_written(shared_data: Path) -> None:
    walks = [shared_data / name for name in (*LABELLED.values(), *OTHER_WALKS)]
    for cell, written in rows(section(GAIT, "Measured: own rate")):
        name = names(cell)[0]
        pairs = [(measured(path)[1].value(name), measured(path, 20.0)[1].value(name)) for path in walks]
        largest = max(abs(a - b) for a, b in pairs if a is not None and b is not None)
        assert agrees(written, largest), f"{name}: {largest}"


def test_json_example_is_the_contract_and_that_walk(shared_data: Path) -> None:
    example = json.loads(next(body for kind, body in _FENCE.findall(GAIT) if kind == "json"))
    real = report_json("walk.c3d", measured(shared_data / LABELLED["HC038A11"])[1])
    assert list(example) == list(real) == [names(row[0])[0] for row in rows(section(GAIT, "JSON"))]
    for name, row in example["parameters"].items():
        value = real["parameters"][name]["value"]
        assert row == {**real["parameters"][name], "value": value if value is None else round(value, 3)}, name
    assert {**example, "parameters": {}} == {**real, "parameters": {}}


def test_two_passes_of_the_filter_have_the_written_cut_off() -> None:
    written = float(re.search(r"after both passes their −3 dB point is ([\d.]+) Hz", GAIT)[1])
    wave = np.sin(2 * np.pi * written * np.arange(2000) / 200)[:, None]
    twice = signals.low_pass(marker_signals.low_pass(wave, 200.0, marker_signals.MARKER_CUTOFF_HZ), 200.0)
    assert np.abs(twice[500:1500]).max() == pytest.approx(np.sqrt(0.5), abs=0.01)


def test_soft_landings_come_as_early_as_written() -> None:
    spec = importlib.util.spec_from_file_location("docs_gait_walker", ROOT / "tests" / "gait" / "gait_walker.py")
    walker = importlib.util.module_from_spec(spec)
    importlib.sys.modules[spec.name] = walker
    spec.loader.exec_module(walker)
    slow = walker.Walker(cadence_spm=46, speed_mps=0.18, seconds=12, foot_lift_m=0.05, double_support=0.2, arm_deg=(8, 5))
    written = re.search(r"come (\d+) ms early with heel markers and (\d+) ms at 20 fps without", GAIT.replace("\n  ", " "))
    for text, fps, heels in ((written[1], 150.0, True), (written[2], 20.0, False)):
        motion, truth = walker.walk(slow, fps, heels)
        gait = measure(motion)
        early = [t - s for side in SIDES for s in gait.events[side].heel_strike_s for t in truth.heel_strike_s[side] if abs(s - t) < 0.2]
        assert agrees(text, 1000 * float(np.mean(early)))


# Synthetic walks

def test_causes_and_score_pairs_are_those_of_the_code() -> None:
    found = {names(row[0])[0]: [float(cell) for cell in row[1:5]] for row in rows(section(SYNTHETIC, "Causes by severity")) if "." not in row[0]}
    assert found == {name: [*means, spread] for name, (means, spread) in CAUSES.items()}
    pairs = [tuple(map(int, row)) for row in rows(section(SYNTHETIC, "From a score to a walk"))]
    assert pairs == [(*pair, count) for pair, count in SCORE_PAIRS]


def test_default_cohort_is_the_written_one() -> None:
    trials = draw_trials()
    for cell, *written in rows(section(SYNTHETIC, "What comes out")):
        name = names(cell)[0]
        for score, text in enumerate(written):
            values = [getattr(trial.parameters, name) for trial in trials if trial.score == score]
            mean, spread = text.split(" ± ")
            assert agrees(mean, np.mean(values)) and agrees(spread, np.std(values, ddof=1)), f"{name}, score {score}"
    frames = np.array([int(trial.seconds * 20) + 1 for trial in trials])
    short, long = re.search(r"(\d+) walks have fewer than 40 frames and (\d+) more than 196", SYNTHETIC.replace("\n", " ")).groups()
    assert (int(short), int(long)) == ((frames < 40).sum(), (frames > 196).sum())
    assert f"{len(trials)} walks" in SYNTHETIC and "38 %" in SYNTHETIC and round(100 * sum(t.score == 0 for t in trials) / len(trials)) == 38


def test_bias_on_synthetic_walks_is_the_written_one() -> None:
    trials = draw_trials()[::8]
    pairs = [(true_values(trial), measure(synthetic_motion(trial))) for trial in trials]
    refused = [gait for _, gait in pairs if gait.status == "refused"]
    assert (len(trials), len(refused)) == (78, 1)
    for cell, bias, spread in rows(section(GAIT, "Measured: bias on SYNTHETIC")):
        name = names(cell)[0]
        errors = [gait.value(name) - truth[name] for truth, gait in pairs if gait.value(name) is not None]
        assert agrees(bias, np.mean(errors)) and agrees(spread, np.std(errors)), f"{name}: {np.mean(errors)}, {np.std(errors)}"


def synthetic_motion(trial: Trial) -> Motion:
    """The walk of a trial, as the cohort measures it."""
    return Motion(walk_joints(trial.parameters, trial.seconds, 20.0, trial.generator()), 20.0, "synthetic walk", measured=frozenset(JOINTS))


def true_values(trial: Trial) -> dict[str, float]:
    """A trial's true parameters; cadence, speed and step length are those of the steps that were drawn."""
    parameters = trial.parameters
    drawn = plan_steps(parameters, trial.seconds, trial.generator()).realised()
    return {
        **vars(parameters), **{name.removeprefix("realised_"): value for name, value in drawn.items()},
        "arm_swing_deg_left": parameters.arm_swing_left_deg, "double_support_pct": 200 * parameters.double_support_share,
    }


# Training

def setting_rows(model: type[Settings], prefix: str = "") -> dict[str, str]:
    """Dotted key -> default as text of a settings block and the blocks in it."""
    found: dict[str, str] = {}
    for name, item in model.model_fields.items():
        if isinstance(item.default, Settings):
            found |= setting_rows(type(item.default), f"{prefix}{name}.")
        else:
            found[prefix + name] = "required" if item.is_required() else str(item.default)
    return found


@pytest.mark.parametrize(("block", "model"), [("DATASET.AGIR", DataSettings), ("METRIC.AGIR", RunSettings), ("LOSS.AGIR", LossSettings)])
def test_every_setting_is_explained_with_its_default(block: str, model: type[Settings]) -> None:
    found = rows(section(TRAINING, f"`{block}`"))
    assert {names(row[0])[0]: row[1].strip("`") for row in found} == setting_rows(model)
    assert all(len(row[2]) > 10 for row in found)


@pytest.mark.parametrize("path", CONFIGS.values(), ids=CONFIGS)
def test_shipped_settings_are_known_and_have_a_comment(path: Path) -> None:
    text = path.read_text("utf8")
    config = yaml.safe_load(text)
    for group, model in (("DATASET", DataSettings), ("METRIC", RunSettings), ("LOSS", LossSettings)):
        if "AGIR" in config[group]:
            check_settings(model, config[group]["AGIR"], f"{group}.AGIR")
    for block in re.findall(r"^  AGIR:\n((?:    .*\n)+)", text, re.MULTILINE):
        assert all(re.search(r"\S+:.*# \S", line) for line in block.splitlines()), path.name


def test_every_data_setting_stands_in_a_shipped_file() -> None:
    shipped = {key for path in CONFIGS.values() for key in yaml.safe_load(path.read_text("utf8"))["DATASET"]["AGIR"]}
    assert shipped == set(DataSettings.model_fields)


def test_table_of_shipped_files_is_theirs() -> None:
    configs = [yaml.safe_load(path.read_text("utf8")) for path in CONFIGS.values()]
    for cell, *written in rows(section(TRAINING, "The shipped files")):
        values = [value_at(config, names(cell)[0]) for config in configs]
        assert written == values, f"expected the row | {cell} | {' | '.join(values)} |"


def value_at(config: Any, key: str) -> str:
    """The value of a dotted key as text, empty where the file does not have it."""
    for part in key.split("."):
        if not isinstance(config, dict) or part not in config:
            return ""
        config = config[part]
    return str(config)


def test_rows_are_what_the_row_writer_makes() -> None:
    texts = {tuple(kind.split()[1:]): body.strip() for kind, body in _FENCE.findall(TRAINING) if kind.startswith("row ")}
    answer = parse(texts["motion_to_answer", "target"])
    assert answer.well_formed
    start, *codes, end = map(int, re.findall(r"<motion_id_(\d+)>", texts["motion_to_answer", "source"]))
    assert (start, end) == (512, 513)
    window = Window("walk", "", "", 0, np.array(codes), answer.score, answer.rationale)
    for task, kind in (("generative", "motion_to_description"), ("reasoning", "motion_to_answer")):
        row = RowWriter(DataSettings(cohort="", task=task), 512).evaluation_row(window)
        assert (row.kind, row.source, row.target) == (kind, texts[kind, "source"], texts[kind, "target"])
    writer = RowWriter(DataSettings(cohort="", task="generative", motion_to_text_share=0.0), 512)
    drawn = {writer.training_row(window, np.random.default_rng(seed)) for seed in range(200)}
    expected = (texts["description_to_motion", "source"], texts["description_to_motion", "target"])
    assert expected in {(row.source, row.target) for row in drawn}


def returned_keys(file: str, function: str) -> set[str]:
    """The keys that a function of the bridge writes into the dictionary it returns."""
    tree = ast.parse((ROOT / "agir_plugin" / "bridge" / file).read_text("utf8"))
    body = next(node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and node.name == function)
    values = [node.value for node in ast.walk(body) if isinstance(node, ast.Return) and isinstance(node.value, ast.Dict)]
    return {key.value for value in values for key in value.keys if isinstance(key, ast.Constant)}


def test_result_files_have_the_written_keys() -> None:
    from agir_plugin.evaluation.summary import summarise

    prediction, metrics = TRAINING.split("**`predictions.jsonl`**")[1].split("**`metrics.json`**")
    assert {name for row in rows(prediction) for name in names(row[0])} == returned_keys("results.py", "_prediction")
    gait = GaitParameters("ok", 20.0, "test")
    answers = [{"walk": f"w{k}", "subject": f"s{k}", "score_true": k, "score": k} for k in range(3)]
    summary = set(summarise(answers, [], {answer["walk"]: gait for answer in answers}, n=10))
    table = rows(metrics.partition("## Settings")[0])
    assert {name for row in table for name in names(row[0])} == {"headline"} | summary | returned_keys("results.py", "provenance")
    assert set(names(table[0][1])) == returned_keys("results.py", "headline")
    line = next(line for line in metrics.splitlines() if line.startswith("**`run.json`**"))
    assert set(names(line)) - {"run.json"} == returned_keys("run.py", "_facts") | returned_keys("results.py", "provenance")


# Recordings

def test_readers_are_the_registered_ones() -> None:
    table = {names(row[0])[0]: tuple(names(row[1])) for row in rows(section(RECORDINGS, "Formats")) if "." not in row[0]}
    assert table == {name: registry.get(registry.READERS, name).SUFFIXES for name in registry.names(registry.READERS)}


def test_written_labels_mean_their_landmark() -> None:
    table = landmark_table()
    found = [row for row in rows(section(RECORDINGS, "Marker sets")) if len(row) == 2]
    assert len(found) > 10
    for cell, labels in found:
        assert set(labels.split(", ")) <= set(table[names(cell)[0]]), cell


def test_the_example_reader_reads(tmp_path: Path) -> None:
    code = next(body for kind, body in _FENCE.findall(RECORDINGS) if kind == "python")
    reader: dict[str, Any] = {}
    exec(code, reader)
    file = tmp_path / f"walk{reader['SUFFIXES'][0]}"
    file.write_text("MARKS 1\nLASI 0 100 900\nRASI 0 -100 900\n\nLASI 10 100 900\nRASI 10 -100 900\n", encoding="utf8")
    assert reader["sniff"](file.read_bytes(), file) and not reader["sniff"](b"c3d", file)
    recording = reader["read"](file)
    assert recording.names == ("LASI", "RASI") and recording.positions_m.shape == (2, 2, 3)
    assert recording.positions_m[1, 0].tolist() == [0.01, 0.1, 0.9]
