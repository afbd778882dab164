"""Templates from files and names: what is refused, what is exported, what a new one looks like."""
from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from sample_template import GOOD

from agir_plugin import registry
from agir_plugin.errors import ConfigError, UnreadableFile, UsageError
from agir_plugin.tasks import (
    DESCRIPTION,
    MOTION,
    RATIONALE,
    export,
    fill,
    lint,
    load,
    new_template,
    read,
    write_export,
)
from agir_plugin.tasks.load import generative, reasoning


def without(key: str) -> dict[str, object]:
    """The good template less one key."""
    return {name: value for name, value in GOOD.items() if name != key}


#: Content of a file -> a piece of the message.
UNUSABLE = {
    "empty": ("", "expected the keys name, version"),
    "a list": ("- a\n- b\n", "got list; `agir task new`"),
    "not YAML": ("name: [1\n", "not valid YAML"),
    "a key twice": ("name: a\nname: b\n", "the key 'name' is given twice"),
    "unknown key": ({**GOOD, "sumary": "x"}, "template.sumary: unknown key; did you mean 'summary'?"),
    "missing key": (without("version"), "template.version: this key is required"),
    "no directions": (without("directions"), "directions: expected a list of directions, got None"),
    "empty directions": ({**GOOD, "directions": []}, "template.directions"),
    "a bad name": ({**GOOD, "name": "My Task"}, "template.name: String should match pattern"),
    "version zero": ({**GOOD, "version": 0}, "template.version: Input should be greater than or equal to 1"),
    "the reader's own field": ({**GOOD, "source": "x"}, "template.source: unknown key"),
    "a direction that is text": (
        {**GOOD, "directions": ["x"]}, "directions.1: expected the keys kind, input, output, got 'x'"),
    "an unknown kind": (
        {**GOOD, "directions": [{"kind": "m2t", "input": ["a"], "output": ["b"]}]}, "directions.1.kind"),
    "a misspelt side": (
        {**GOOD, "directions": [{"kind": "motion_to_answer", "inputs": ["a"], "output": ["b"]}]},
        "directions.1.inputs: unknown key; did you mean 'input'?"),
    "a side that is text": (
        {**GOOD, "directions": [{"kind": "motion_to_answer", "input": "a", "output": ["b"]}]},
        "directions.1.input: expected a list of strings, got 'a'"),
    "an unquoted colon": (
        {**GOOD, "directions": [{"kind": "motion_to_answer", "input": ["a", {"Rate": "b"}], "output": ["b"]}]},
        "directions.1.input: expected a string as entry 2, got dict {'Rate': 'b'}; put the entry in double quotes"),
    "an unquoted yes": (
        {**GOOD, "directions": [{"kind": "motion_to_answer", "input": ["a"], "output": [True]}]},
        "directions.1.output: expected a string as entry 1, got bool True"),
}


@pytest.mark.parametrize("case", UNUSABLE)
def test_an_unusable_file_is_told_with_file_key_and_cause(case: str, written) -> None:
    content, message = UNUSABLE[case]
    path = written(content)
    with pytest.raises(ConfigError) as caught:
        load(path)
    assert str(caught.value).startswith(str(path))
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_missing_and_undecodable_files(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFile, match="none.yaml: expected a task template, found no such file"):
        load(str(tmp_path / "none.yaml"))
    (tmp_path / "latin.yaml").write_bytes("summary: gêne".encode("latin-1"))
    with pytest.raises(UnreadableFile, match="expected a task template, a YAML text in UTF-8"):
        load(tmp_path / "latin.yaml")
    with pytest.raises(UnreadableFile, match="cannot be read"):
        load(tmp_path)


def test_blanks_inside_a_string_are_made_even(written) -> None:
    folded = "Score this\n   walk,  please: <Motion_Placeholder>\n"
    direction = {**GOOD["directions"][0], "input": [folded]}
    template = load(written({**GOOD, "directions": [direction]}))
    assert template.direction("motion_to_answer").input == ("Score this walk, please: <Motion_Placeholder>",)
    with pytest.raises(UsageError, match="of kind 'motion_to_description', found motion_to_answer"):
        template.direction("motion_to_description")


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A package beside ours that registers the tasks `ours_a` (a function), `ours_b` (a path) and `broken`."""
    (tmp_path / "neighbour.py").write_text(
        "from agir_plugin.tasks.load import generative\nfile = str(generative())\nnumber = 5\n", encoding="utf8")
    info = tmp_path / "neighbour-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: neighbour\nVersion: 1.0\n", encoding="utf8")
    (info / "entry_points.txt").write_text(
        "[agir_plugin.tasks]\nours_a = agir_plugin.tasks.load:reasoning\nours_b = neighbour:file\n"
        "broken = neighbour:number\n", encoding="utf8")
    monkeypatch.syspath_prepend(str(tmp_path))
    registry._points.cache_clear()
    yield
    registry._points.cache_clear()


def test_templates_are_found_by_entry_point(installed: None) -> None:
    assert load("ours_a").source == str(reasoning())
    assert load("ours_b").source == str(generative())
    with pytest.raises(UsageError, match="'broken': expected its entry point .* to be a path or a function .* got 5"):
        load("broken")
    with pytest.raises(UsageError, match="did you mean 'ours_a'"):
        load("ours_aa")


def test_filling_is_one_pass() -> None:
    caption = f"A caption that says {MOTION} and {RATIONALE}."
    assert fill(f"{DESCRIPTION} | {MOTION}", {DESCRIPTION: caption, MOTION: "m"}) == f"{caption} | m"
    assert fill("No placeholder.", {MOTION: r"\1 \g<0>"}) == "No placeholder."
    assert fill(MOTION, {MOTION: r"\1 \g<0>"}) == r"\1 \g<0>"


def test_filling_refuses_what_it_cannot_fill() -> None:
    with pytest.raises(UsageError, match="expected a value for <Second_Placeholder> in the template 'In <Second"):
        fill("In <Second_Placeholder> s.", {MOTION: "m"})
    with pytest.raises(UsageError, match="expected values for the placeholders .* did you mean '<Motion_Placeholder>'"):
        fill(MOTION, {"<Motion_Placeholdr>": "m"})


def test_export_has_the_form_of_motiongpt(tmp_path: Path) -> None:
    paths = write_export(tmp_path, [load(generative()), load(reasoning())])
    assert [path.name for path in paths] == ["template_pretrain.json", "template_instructions.json"]
    pretrain, instructions = (json.loads(path.read_text(encoding="utf8")) for path in paths)
    assert {group: list(tasks) for group, tasks in pretrain.items()} == {
        "Gait-Description": ["motion_to_description", "description_to_motion"]}
    assert list(instructions) == ["Gait-Assessment"]
    subtask = instructions["Gait-Assessment"]["motion_to_answer"]
    assert list(subtask) == ["class", "input", "output"]
    assert (subtask["class"], len(subtask["input"]), subtask["output"]) == ("gait", 200, [RATIONALE])


def test_exports_are_repeatable_and_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    templates = [load(generative()), load(reasoning())]
    first = [path.read_bytes() for path in write_export(tmp_path)]
    assert [path.read_bytes() for path in write_export(tmp_path, templates)] == first
    monkeypatch.setattr(os, "replace", lambda *_: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        write_export(tmp_path, templates)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["template_instructions.json", "template_pretrain.json"]
    assert [path.read_bytes() for path in sorted(tmp_path.iterdir(), reverse=True)] == first


def test_export_refuses_a_clash_nothing_and_nowhere(tmp_path: Path) -> None:
    template = load(reasoning())
    with pytest.raises(UsageError, match="the group 'Gait-Assessment' already has a subtask 'motion_to_answer'"):
        export([template, template])
    with pytest.raises(UsageError, match="expected at least one task template"):
        write_export(tmp_path, [])
    with pytest.raises(UsageError, match="expected an existing folder"):
        write_export(tmp_path / "none", [template])
    assert [path.name for path in write_export(tmp_path, [template])] == ["template_instructions.json"]


def test_a_new_template_lints_clean_and_says_what_to_do(tmp_path: Path) -> None:
    path = new_template("balance", tmp_path)
    assert path == tmp_path / "balance.yaml"
    template = load(path)
    assert (template.name, lint(template)) == ("balance", [])
    comments = [line for line in path.read_text(encoding="utf8").splitlines() if line.lstrip().startswith("#")]
    assert len(comments) >= 8
    assert read(new_template("other", tmp_path / "file.yaml")).name == "other"


def test_a_new_template_never_overwrites(tmp_path: Path) -> None:
    path = new_template("balance", tmp_path)
    before = path.read_bytes()
    with pytest.raises(UsageError, match="expected a path where no file is yet"):
        new_template("balance", path)
    assert path.read_bytes() == before
    with pytest.raises(UsageError, match="expected a task name of lower-case letters"):
        new_template("My Task", tmp_path)
    with pytest.raises(UsageError, match="expected an existing folder"):
        new_template("balance", tmp_path / "none" / "x.yaml")


def test_importing_the_package_loads_nothing_heavy() -> None:
    code = (
        "import sys, agir_plugin.tasks, agir_plugin.tasks.structure; "
        "print([n for n in ('torch','transformers','ezc3d','pandas','scipy','mGPT') if n in sys.modules])"
    )
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_example_of_the_guide_is_a_good_template(written) -> None:
    guide = (Path(__file__).resolve().parents[2] / "docs" / "task-templates.md").read_text(encoding="utf8")
    example = guide.split("```yaml\n")[1].split("```")[0]
    assert lint(load(written(example))) == []
