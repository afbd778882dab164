"""The documents say what the code does: links, commands, tables, constants, examples and measured figures agree."""
from __future__ import annotations

import ast
import importlib
import importlib.util
import json
import re
import sys
from dataclasses import replace
from functools import cache
from itertools import pairwise
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
OURS = {name: (DOCS / f"{name}.md").read_text("utf8") for name in (
    "gait-parameters", "synthetic-walks", "training", "recordings"
)}
GAIT, SYNTHETIC, TRAINING, RECORDINGS = OURS.values()
PAGES = sorted([*DOCS.glob("*.md"), ROOT / "README.md", ROOT / "CONTRIBUTING.md"])
CONFIGS = {name: (ROOT / "configs" / f"agir_{name}.yaml").read_text("utf8") for name in (
    "vq", "stage1", "stage2", "vq_demo", "stage1_demo", "stage2_demo"
)}
BLOCKS = {"DATASET": DataSettings, "METRIC": RunSettings, "LOSS": LossSettings}
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
#: What the laboratory calls the parameters in its own table; the others are step lengths.
SYDNEY_NAMES = {
    "cadence_spm": "Cadence", "speed_mps": "Walking Speed", "stride_length_m": "Stride Length",
    "step_width_m": "Step Width",
}
_FENCE = re.compile(r"^```([^\n]*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
_CONSTANT = re.compile(r"`[a-z0-9_.]+\.[A-Z_0-9]+`")


def prose(text: str) -> str:
    """A page without its fenced blocks."""
    return _FENCE.sub("", text)


def section(text: str, title: str) -> str:
    """The text under the heading that starts with `title`, up to the next heading."""
    found = re.search(rf"^#+ {re.escape(title)}[^\n]*\n(.*?)(?=^#|\Z)", prose(text), re.MULTILINE | re.DOTALL)
    assert found, f"no heading {title!r}"
    return found[1]


def rows(text: str, title: str | None = None) -> list[list[str]]:
    """Cells of all table rows (of one section), without the rows of headings and without tables of constants."""
    text = section(text, title) if title else text
    lines = [line.strip() for line in text.splitlines() if line.strip().startswith("|")]
    rules = {number for number, line in enumerate(lines) if not line.strip("|-: ")}
    kept = [line for number, line in enumerate(lines) if not {number, number + 1} & rules]
    found = [[cell.strip() for cell in line.strip("|").split("|")] for line in kept]
    return [row for row in found if not _CONSTANT.fullmatch(row[0])]


def names(cell: str) -> list[str]:
    """The words in backticks of a cell."""
    return re.findall(r"`([^`]+)`", cell)


def agrees(written: str, value: float) -> bool:
    """Whether a written number is the value, to one unit of its last decimal."""
    return abs(float(written) - value) <= 1.0001 * 10.0 ** -len(written.partition(".")[2])


def slug(heading: str) -> str:
    """The anchor that a heading gets."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


# Links, commands, constants


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_and_pictures_are_there(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", prose(page.read_text("utf8"))):
        if "://" in target:
            continue
        place, _, anchor = target.partition("#")
        file = (page.parent / place).resolve() if place else page
        assert file.exists(), f"{page.name}: {target}"
        if anchor:
            headings = re.findall(r"^#+ (.*)$", prose(file.read_text("utf8")), re.MULTILINE)
            assert anchor in map(slug, headings), f"{page.name}: {target}"


def test_pictures_are_small_and_every_page_says_what_it_is_not() -> None:
    for picture in (DOCS / "images").iterdir():
        assert picture.stat().st_size < 150_000
        assert any(f"images/{picture.name}" in page.read_text("utf8") for page in PAGES), picture.name
    assert all("not a medical device" in " ".join(text.split()) for text in OURS.values())


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_exist(page: Path) -> None:
    import typer

    from agir_plugin.cli.app import app

    commands = typer.main.get_command(app).commands
    text = page.read_text("utf8")
    code = "\n".join([*(body for _, body in _FENCE.findall(text)), *names(prose(text))])
    for name, rest in re.findall(r"(?:^|\s)agir ([a-z]+)([^\n]*)", code):
        assert name in commands, f"{page.name}: agir {name}"
        known = {option for parameter in commands[name].params for option in parameter.opts} | {"--help"}
        used = set(re.findall(r"(?<=\s)--[a-z-]+", rest.partition("#")[0]))
        assert hasattr(commands[name], "commands") or used <= known, f"{page.name}: agir {name}{rest}"
    for path in re.findall(r"\btests/[\w/]+\.py", text):
        assert (ROOT / path).is_file(), f"{page.name}: {path}"


def test_constants_have_the_written_values() -> None:
    found = re.findall(rf"^\| ({_CONSTANT.pattern}) \| ([^|]+) \|", "\n".join(OURS.values()), re.MULTILINE)
    assert len(found) > 40
    for name, written in found:
        module, _, attribute = name.strip("`").rpartition(".")
        value = getattr(importlib.import_module(f"agir_plugin.{module}"), attribute)
        assert ast.literal_eval(written) == value, f"{name}: {value}"


# Gait parameters


def test_every_parameter_is_defined_with_its_unit() -> None:
    part = GAIT.partition("## The parameters")[2].partition("### Variation and asymmetry")[0]
    assert {name: row[1] for row in rows(part) for name in names(row[0])} == UNITS


def test_norms_table_is_the_shipped_one() -> None:
    found = {names(row[0])[0]: row[1:4] for row in rows(GAIT, "Norms")}
    assert found == {name: [f"{norm.mean:g}", f"{norm.sd:g}", norm.source] for name, norm in norms().items()}
    assert set(UNITS) - set(found) == set(names(re.search(r"Not in the table: (.*)", GAIT)[1]))


def test_reasons_and_flags_are_those_of_the_code() -> None:
    files = [path for name in ("gait", "motion", "ingest") for path in (ROOT / "agir_plugin" / name).glob("*.py")]
    code = "".join(path.read_text("utf8") for path in files)
    texts = [text for row in rows(GAIT, "Refusals and flags") for text in names(row[0])]
    texts += [text for row in rows(RECORDINGS, "Flags") for text in names(row[0])]
    texts += [text for row in rows(RECORDINGS, "What is refused") for text in names(row[1])]
    assert len(texts) > 30
    for text in texts:
        assert re.sub("^(left|right)_arm", "_arm", text).rstrip("…: ") in code, text


@cache
def measured(path: Path, fps: float | None = None, heels: bool = True) -> tuple[Recording, GaitParameters]:
    """A real walk: at its own rate or resampled, with its foot markers or without them."""
    recording = read(path)
    motion = to_motion(recording)
    motion = motion if heels else replace(motion, heel_m=None, toe_m=None)
    return recording, measure(motion if fps is None else resample(motion, fps))


def errors_ms(recording: Recording, gait: GaitParameters, kind: str) -> list[float]:
    """Detected minus labelled time of each labelled event that was found."""
    labelled = [event for event in recording.events if event.kind == kind]
    pairs = [(time, event) for event in labelled for time in getattr(gait.events[event.side], f"{kind}_s")]
    return [1000 * (time - event.time_s) for time, event in pairs if abs(time - event.time_s) < 0.2]


def test_event_errors_are_the_written_ones(shared_data: Path) -> None:
    for event, rate, *written in rows(GAIT, "Measured: events"):
        kind = {"heel strike": "heel_strike", "toe-off": "toe_off"}[event]
        how = (20.0 if rate.startswith("20") else None, "hidden" not in rate)
        errors = np.concatenate([errors_ms(*measured(shared_data / name, *how), kind) for name in LABELLED.values()])
        values = (len(errors), np.median(abs(errors)), abs(errors).max(), errors.mean(), errors.std(ddof=1))
        assert all(map(agrees, written, values)), f"{event}, {rate}: {np.round(values, 1)}"


def test_phases_and_widths_are_the_written_ones(shared_data: Path) -> None:
    for name, *written in rows(GAIT, "Measured: phases"):
        recording, gait = measured(shared_data / LABELLED[name])
        _, hidden = measured(shared_data / LABELLED[name], None, False)
        stance, double = labelled_phases(recording)
        ours = [gait.value("stance_pct"), gait.value("double_support_pct"), hidden.value("double_support_pct")]
        values = [ours[0], stance, ours[1], double, ours[2]]
        assert all(map(agrees, written, values)), f"{name}: {np.round(values, 1)}"
    for name, *written in rows(GAIT, "Measured: step width"):
        both = [measured(shared_data / LABELLED[name], None, heels)[1] for heels in (True, False)]
        values = [gait.value("step_width_m") for gait in both]
        assert all(map(agrees, written, values)), f"{name}: {np.round(values, 3)}"


def labelled_phases(recording: Recording) -> tuple[float, float]:
    """Mean stance and double support, % of the stride, from the laboratory's own events."""

    def times(side: str, kind: str, start: float, end: float) -> list[float]:
        return [e.time_s for e in recording.events if (e.side, e.kind) == (side, kind) and start <= e.time_s <= end]

    stance, double = [], []
    for own, other in (SIDES, SIDES[::-1]):
        for start, end in pairwise(times(own, "heel_strike", -np.inf, np.inf)):
            across, off = times(other, "heel_strike", start, end), times(own, "toe_off", start, end)
            if len(across) == len(off) == 1:
                first = times(other, "toe_off", start, across[0])
                stance.append(100 * (off[0] - start) / (end - start))
                double += [100 * (time - start + off[0] - across[0]) / (end - start) for time in first]
    return float(np.mean(stance)), float(np.mean(double))


def test_one_clinical_file_row_by_row(shared_data: Path) -> None:
    import ezc3d

    path = shared_data / LABELLED["Sydney_Gait05"]
    group = ezc3d.c3d(str(path))["parameters"]["ANALYSIS"]
    columns = [group[key]["value"] for key in ("NAMES", "CONTEXTS", "VALUES")]
    stored = {(name, side): value for name, side, value in zip(*columns, strict=True)}
    _, gait = measured(path)
    for cell, ours, *theirs in rows(GAIT, "Measured: one clinical file"):
        name = names(cell)[0]
        assert agrees(ours, gait.value(name)), f"{name}: {gait.value(name)}"
        for side, written in zip(("Left", "Right"), theirs, strict=True):
            assert not written or agrees(written, stored[SYDNEY_NAMES.get(name, "Step Length"), side]), name


def test_20_frames_per_second_lose_no_more_than_written(shared_data: Path) -> None:
    walks = [shared_data / name for name in (*LABELLED.values(), *OTHER_WALKS)]
    for cell, written in rows(GAIT, "Measured: own rate"):
        name = names(cell)[0]
        pairs = [(measured(path)[1].value(name), measured(path, 20.0)[1].value(name)) for path in walks]
        largest = max(abs(own - slow) for own, slow in pairs if own is not None and slow is not None)
        assert agrees(written, largest), f"{name}: {largest}"


def test_json_example_is_the_contract_and_that_walk(shared_data: Path) -> None:
    example = json.loads(next(body for kind, body in _FENCE.findall(GAIT) if kind == "json"))
    real = report_json("walk.c3d", measured(shared_data / LABELLED["HC038A11"])[1])
    assert list(example) == list(real) == [names(row[0])[0] for row in rows(GAIT, "JSON")]
    for name, row in example["parameters"].items():
        value = real["parameters"][name]["value"]
        assert row == {**real["parameters"][name], "value": value if value is None else round(value, 3)}, name
    assert {**example, "parameters": {}} == {**real, "parameters": {}}


def test_two_passes_of_the_filter_have_the_written_cut_off() -> None:
    written = float(re.search(r"after both passes their −3 dB point is ([\d.]+) Hz", " ".join(GAIT.split()))[1])
    wave = np.sin(2 * np.pi * written * np.arange(2000) / 200)[:, None]
    twice = signals.low_pass(marker_signals.low_pass(wave, 200.0, marker_signals.MARKER_CUTOFF_HZ), 200.0)
    assert np.abs(twice[500:1500]).max() == pytest.approx(np.sqrt(0.5), abs=0.01)


def test_soft_landings_come_as_early_as_written() -> None:
    spec = importlib.util.spec_from_file_location("docs_gait_walker", ROOT / "tests" / "gait" / "gait_walker.py")
    walker = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(walker)
    slow = walker.Walker(46, 0.18, seconds=12, foot_lift_m=0.05, double_support=0.2, arm_deg=(8, 5))
    sentence = r"come (\d+) ms early with heel markers and (\d+) ms at 20 fps without"
    written = re.search(sentence, " ".join(GAIT.split()))
    for text, fps, heels in ((written[1], 150.0, True), (written[2], 20.0, False)):
        motion, truth = walker.walk(slow, fps, heels)
        found = measure(motion).events
        pairs = [(true, at) for s in SIDES for at in found[s].heel_strike_s for true in truth.heel_strike_s[s]]
        assert agrees(text, 1000 * float(np.mean([true - at for true, at in pairs if abs(true - at) < 0.2])))


# Synthetic walks


def test_causes_and_score_pairs_are_those_of_the_code() -> None:
    found = {names(row[0])[0]: [float(cell) for cell in row[1:5]] for row in rows(SYNTHETIC, "Causes by severity")}
    assert found == {name: [*means, spread] for name, (means, spread) in CAUSES.items()}
    pairs = [tuple(map(int, row)) for row in rows(SYNTHETIC, "From a score to a walk")]
    assert pairs == [(*pair, count) for pair, count in SCORE_PAIRS]


def test_default_cohort_is_the_written_one() -> None:
    trials = draw_trials()
    for cell, *written in rows(SYNTHETIC, "What comes out"):
        name = names(cell)[0]
        for score, text in enumerate(written):
            values = [getattr(trial.parameters, name) for trial in trials if trial.score == score]
            mean, spread = text.split(" ± ")
            assert agrees(mean, np.mean(values)) and agrees(spread, np.std(values, ddof=1)), f"{name}, score {score}"
    text = " ".join(SYNTHETIC.split())
    frames = np.array([int(trial.seconds * 20) + 1 for trial in trials])
    short, long = re.search(r"(\d+) walks have fewer than 40 frames and (\d+) more than 196", text).groups()
    assert (int(short), int(long)) == ((frames < 40).sum(), (frames > 196).sum())
    majority = max(sum(trial.score == score for trial in trials) for score in (0, 1, 2)) / len(trials)
    assert f"{len(trials)} walks" in text and f"majority class is {100 * majority:.0f} %" in text


def test_bias_on_synthetic_walks_is_the_written_one() -> None:
    pairs = [(true_values(trial), measure(synthetic_motion(trial))) for trial in draw_trials()[::8]]
    assert (len(pairs), sum(gait.status == "refused" for _, gait in pairs)) == (78, 1)
    for cell, bias, spread in rows(GAIT, "Measured: bias on SYNTHETIC"):
        name = names(cell)[0]
        errors = [gait.value(name) - truth[name] for truth, gait in pairs if gait.value(name) is not None]
        mean, deviation = np.mean(errors), np.std(errors)
        assert agrees(bias, mean) and agrees(spread, deviation), f"{name}: {mean}, {deviation}"


def synthetic_motion(trial: Trial) -> Motion:
    """The walk of a trial, as the cohort measures it."""
    joints = walk_joints(trial.parameters, trial.seconds, 20.0, trial.generator())
    return Motion(joints, 20.0, "synthetic walk", measured=frozenset(JOINTS))


def true_values(trial: Trial) -> dict[str, float]:
    """A trial's true parameters; cadence, speed and step length are those of the steps that were drawn."""
    parameters = trial.parameters
    drawn = plan_steps(parameters, trial.seconds, trial.generator()).realised()
    return {
        **vars(parameters), **{name.removeprefix("realised_"): value for name, value in drawn.items()},
        "arm_swing_deg_left": parameters.arm_swing_left_deg,
        "double_support_pct": 200 * parameters.double_support_share,
    }


# Training


def defaults(model: type[Settings], prefix: str = "") -> dict[str, str]:
    """Dotted key -> default as text, of a settings block and the blocks in it."""
    found: dict[str, str] = {}
    for name, item in model.model_fields.items():
        if isinstance(item.default, Settings):
            found |= defaults(type(item.default), f"{prefix}{name}.")
        else:
            found[prefix + name] = "required" if item.is_required() else str(item.default)
    return found


@pytest.mark.parametrize("group", BLOCKS)
def test_every_setting_is_explained_with_its_default(group: str) -> None:
    found = rows(TRAINING, f"`{group}.AGIR`")
    assert {names(row[0])[0]: row[1].strip("`") for row in found} == defaults(BLOCKS[group])
    assert all(len(row[2]) > 10 for row in found)


@pytest.mark.parametrize("name", CONFIGS)
def test_shipped_settings_are_known_and_have_a_comment(name: str) -> None:
    config = yaml.safe_load(CONFIGS[name])
    for group, model in BLOCKS.items():
        if "AGIR" in config[group]:
            check_settings(model, config[group]["AGIR"], f"{group}.AGIR")
    for block in re.findall(r"^  AGIR:\n((?:    .*\n)+)", CONFIGS[name], re.MULTILINE):
        bare = [line for line in block.splitlines() if not re.search(r"\w+:( .*# \S|$)", line)]
        assert not bare, f"no comment: {bare}"


def test_every_data_setting_stands_in_a_shipped_file() -> None:
    shipped = {key for text in CONFIGS.values() for key in yaml.safe_load(text)["DATASET"]["AGIR"]}
    assert shipped == set(DataSettings.model_fields)


def test_table_of_shipped_files_is_theirs() -> None:
    configs = [yaml.safe_load(text) for text in CONFIGS.values()]
    for cell, *written in rows(TRAINING, "The shipped files"):
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
    found = [(kind.split(), body.strip()) for kind, body in _FENCE.findall(TRAINING) if kind.startswith("row ")]
    texts = {(kind, part): body for (_, kind, part), body in found}
    answer = parse(texts["motion_to_answer", "target"])
    start, *codes, end = map(int, re.findall(r"<motion_id_(\d+)>", texts["motion_to_answer", "source"]))
    assert answer.well_formed and (start, end) == (512, 513)
    window = Window("walk", "", "", 0, np.array(codes), answer.score, answer.rationale)
    for task, kind in (("generative", "motion_to_description"), ("reasoning", "motion_to_answer")):
        row = RowWriter(DataSettings(cohort="", task=task), 512).evaluation_row(window)
        assert (row.kind, row.source, row.target) == (kind, texts[kind, "source"], texts[kind, "target"])
    writer = RowWriter(DataSettings(cohort="", task="generative", motion_to_text_share=0.0), 512)
    drawn = [writer.training_row(window, np.random.default_rng(seed)) for seed in range(100)]
    kind = "description_to_motion"
    assert (kind, texts[kind, "source"], texts[kind, "target"]) in {(row.kind, row.source, row.target) for row in drawn}


def returned_keys(file: str, function: str) -> set[str]:
    """The keys that a function of the bridge writes into the dictionary it returns (read, as importing it is slow)."""
    tree = ast.parse((ROOT / "agir_plugin" / "bridge" / file).read_text("utf8"))
    body = next(node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and node.name == function)
    values = [node.value for node in ast.walk(body) if isinstance(node, ast.Return)]
    found = [key for value in values if isinstance(value, ast.Dict) for key in value.keys]
    return {key.value for key in found if isinstance(key, ast.Constant)}


def test_result_files_have_the_written_keys() -> None:
    from agir_plugin.evaluation.summary import summarise

    answers = [{"walk": f"w{k}", "subject": f"s{k}", "score_true": k, "score": k} for k in range(3)]
    gait = GaitParameters("ok", 20.0, "test")
    summary = set(summarise(answers, [], {answer["walk"]: gait for answer in answers}, n=10))
    origin = returned_keys("results.py", "provenance")
    prediction, metrics = TRAINING.split("**`predictions.jsonl`**")[1].split("**`metrics.json`**")
    table = rows(metrics.partition("## Settings")[0])
    run = next(line for line in metrics.splitlines() if line.startswith("**`run.json`**"))
    assert {name for row in rows(prediction) for name in names(row[0])} == returned_keys("results.py", "_prediction")
    assert {name for row in table for name in names(row[0])} == {"headline"} | summary | origin
    assert set(names(table[0][1])) == returned_keys("results.py", "headline")
    assert set(names(run)) - {"run.json"} == returned_keys("run.py", "_facts") | origin


# Recordings


def test_readers_are_the_registered_ones() -> None:
    table = {names(row[0])[0]: tuple(names(row[1])) for row in rows(RECORDINGS, "Formats")}
    readers = {name: registry.get(registry.READERS, name) for name in registry.names(registry.READERS)}
    assert table == {name: reader.SUFFIXES for name, reader in readers.items()}


def test_written_labels_mean_their_landmark() -> None:
    known = landmark_table()
    found = [row for row in rows(RECORDINGS, "Marker sets") if len(row) == 2]
    assert len(found) > 10
    for cell, labels in found:
        assert set(labels.split(", ")) <= set(known[names(cell)[0]]), cell


def test_the_example_reader_reads(tmp_path: Path) -> None:
    reader: dict[str, Any] = {}
    exec(next(body for kind, body in _FENCE.findall(RECORDINGS) if kind == "python"), reader)
    file = tmp_path / f"walk{reader['SUFFIXES'][0]}"
    file.write_text("MARKS 1\nLASI 0 100 900\nRASI 0 -100 900\n\nLASI 10 100 900\nRASI 10 -100 900\n", encoding="utf8")
    assert reader["sniff"](file.read_bytes(), file) and not reader["sniff"](b"c3d", file)
    recording = reader["read"](file)
    assert recording.names == ("LASI", "RASI") and recording.positions_m.shape == (2, 2, 3)
    assert recording.positions_m[1, 0].tolist() == [0.01, 0.1, 0.9]
