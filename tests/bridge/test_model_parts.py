"""The bridge's parts one at a time: order of rows, drawn rows, joined answers, settings, means, host, grammar masks."""

from __future__ import annotations

import math
from collections import Counter
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from omegaconf import DictConfig, OmegaConf
from pytorch_lightning.utilities import move_data_to_device
from torch.utils.data import TensorDataset

import agir_plugin.bridge.host as host
from agir_plugin.bridge.answers import Answer, figures, walk_answers
from agir_plugin.bridge.datamodule import EpochSampler, collate
from agir_plugin.bridge.decoding import GrammarProcessor
from agir_plugin.bridge.language import Written
from agir_plugin.bridge.rows import Row, RowWriter, Window, motion_text
from agir_plugin.bridge.settings import DataSettings, data_settings, experiment_folder, loss_settings, run_settings
from agir_plugin.bridge.term_means import TERMS, TermMeans
from agir_plugin.errors import ConfigError, HostError, ModelError, UsageError
from agir_plugin.records import Rationale
from agir_plugin.tasks import load
from agir_plugin.tasks.structure import AnswerAutomaton, TokenIds, build, parse, section_text

from .conftest import CODES, RATIONALES

#: A window of ten different codes.
WINDOW = Window("SUB01_off_walk_1", "SUB01", "off", 0, np.arange(10), 2, RATIONALES[1])
#: Draws behind each measured share; one standard deviation of a share of one half is then 0.005.
DRAWS = 10_000


@cache
def writer(task: str, **more: object) -> RowWriter:
    return RowWriter(DataSettings(cohort="none", task=task, **more), CODES)


def drawn(rows: RowWriter, count: int, window: Window = WINDOW) -> list[Row]:
    """Rows of `count` draws, seeded as the data module seeds them."""
    return [rows.training_row(window, np.random.default_rng([7, 0, number])) for number in range(count)]


def order(rows: int, seed: int, epoch: int) -> list[tuple[int, int]]:
    sampler = EpochSampler(TensorDataset(torch.zeros(rows)), seed)
    sampler.set_epoch(epoch)
    return list(sampler)


@given(st.integers(1, 60), st.integers(0, 2**31), st.integers(0, 500))
def test_each_row_comes_once_per_epoch_with_the_epochs_number(rows: int, seed: int, epoch: int) -> None:
    once = order(rows, seed, epoch)
    assert sorted(once) == [(epoch, row) for row in range(rows)]
    assert once == order(rows, seed, epoch)


def test_order_changes_with_epoch_and_with_seed() -> None:
    first = [row for _, row in order(40, 1, 0)]
    assert first != [row for _, row in order(40, 1, 1)] and first != [row for _, row in order(40, 2, 0)]


@pytest.mark.parametrize(("rows", "twice"), [(8, 0), (7, 1)])
def test_two_processes_share_all_rows_and_repeat_one_only_to_be_even(
    monkeypatch: pytest.MonkeyPatch, rows: int, twice: int
) -> None:
    monkeypatch.setattr(torch.distributed, "is_initialized", lambda: True)
    monkeypatch.setattr(torch.distributed, "get_world_size", lambda: 2)
    shares = []
    for rank in (0, 1):
        monkeypatch.setattr(torch.distributed, "get_rank", lambda rank=rank: rank)
        shares.append([row for _, row in order(rows, 3, 2)])
    counts = Counter(shares[0] + shares[1])
    assert set(counts) == set(range(rows)) and len(shares[0]) == len(shares[1])
    assert sum(count - 1 for count in counts.values()) == twice


def test_half_of_the_generative_rows_read_a_motion() -> None:
    kinds = Counter(row.kind for row in drawn(writer("generative"), DRAWS))
    assert set(kinds) == {"motion_to_description", "description_to_motion"}
    assert kinds["motion_to_description"] / DRAWS == pytest.approx(0.5, abs=0.015)


@pytest.mark.parametrize(
    ("on", "share", "expected"), [(True, 0.5, 0.5), (True, 0.2, 0.2), (True, 0.0, 0.0), (True, 1.0, 1.0), (False, 0.5, 0.0)]
)
def test_ego_mixes_in_its_share_of_generative_rows(on: bool, share: float, expected: float) -> None:
    rows = drawn(writer("reasoning", ego=on, ego_share=share), 4000)
    generative = [row for row in rows if row.kind != "motion_to_answer"]
    assert len(generative) / len(rows) == pytest.approx(expected, abs=0.025 if 0 < expected < 1 else 0)
    if generative:
        reading = sum(row.kind == "motion_to_description" for row in generative)
        assert reading / len(generative) == pytest.approx(0.5, abs=0.06)


def test_no_stage_1_text_holds_the_summary() -> None:
    rows = [
        *drawn(writer("generative"), 500),
        *drawn(writer("reasoning", ego=True, ego_share=1.0), 200),
        writer("generative").evaluation_row(WINDOW),
    ]
    for row in rows:
        assert "Overall:" not in row.source + row.target and RATIONALES[1].overall not in row.source + row.target
        assert section_text(RATIONALES[1]) in row.source + row.target


def test_a_generative_row_is_the_description_on_one_side_and_the_motion_on_the_other() -> None:
    motion, description = motion_text(WINDOW.codes, CODES), section_text(RATIONALES[1])
    for row in drawn(writer("generative"), 100):
        sides = (motion, description) if row.kind == "motion_to_description" else (description, motion)
        assert sides[0] in row.source and sides[1] == row.target and sides[1] not in row.source


def test_all_200_instructions_are_drawn_and_the_target_never_changes() -> None:
    rows = drawn(writer("reasoning"), 3000)
    sources = Counter(row.source for row in rows)
    assert len(sources) == 200 and max(sources.values()) < 50
    assert {row.target for row in rows} == {build(RATIONALES[1], 2)}


@given(st.integers(0, 2**63), st.sampled_from(["generative", "reasoning"]), st.booleans())
def test_equal_generators_give_equal_rows(seed: int, task: str, ego: bool) -> None:
    rows = writer(task, ego=ego, crop_tokens=3)
    one, two = (rows.training_row(WINDOW, np.random.default_rng(seed)) for _ in range(2))
    assert (one.kind, one.source, one.target) == (two.kind, two.source, two.target)
    assert one.window.codes.tolist() == two.window.codes.tolist()


@given(st.integers(1, 60), st.integers(0, 80), st.integers(0, 2**32))
def test_a_crop_keeps_a_connected_half_or_more(length: int, most: int, seed: int) -> None:
    window = Window("w", "s", "", 0, np.arange(length), 0, RATIONALES[0])
    kept = writer("reasoning", crop_tokens=most).training_row(window, np.random.default_rng(seed)).window.codes
    assert len(kept) >= max(1, length / 2, length - 2 * most)
    assert kept.tolist() == list(range(kept[0], kept[0] + len(kept)))


def test_evaluation_uses_the_first_instruction_the_whole_window_and_needs_no_label() -> None:
    rows = writer("reasoning", crop_tokens=4, ego=True)
    first = load("reasoning").direction("motion_to_answer").input[0]
    blind = rows.evaluation_row(Window("w", "", "", 0, WINDOW.codes))
    assert (
        blind.source == rows.evaluation_row(WINDOW).source == first.replace("<Motion_Placeholder>", motion_text(range(10), CODES))
    )
    assert blind.target == "" and rows.evaluation_row(WINDOW).target == build(RATIONALES[1], 2)


def test_a_batch_of_rows_passes_through_lightning_untouched() -> None:
    items = drawn(writer("reasoning"), 3)
    batch = move_data_to_device(collate(items), torch.device("cpu"))
    assert list(batch["rows"]) == items and len(batch["rows"]) == 3 and batch["rows"][1] is items[1]
    assert batch["length"] == [10, 10, 10]


def test_feature_clips_are_padded_with_zeros_to_the_longest() -> None:
    batch = collate([{"motion": torch.ones(n, 263), "length": n} for n in (4, 8)])
    assert batch["motion"].shape == (2, 8, 263) and batch["length"] == [4, 8]
    assert batch["motion"].sum(dim=2).tolist() == [[263.0] * 4 + [0.0] * 4, [263.0] * 8]


def answer(
    number: int,
    p: tuple[float, float, float],
    *,
    walk: str = "A",
    score: int | None = None,
    rationale: Rationale | None = RATIONALES[0],
    free: bool | None = None,
) -> Answer:
    """A window's answer with these probabilities; without a rationale its text is malformed."""
    text = build(rationale, int(np.argmax(p))) if rationale else "<reasoning_start>nothing"
    written = Written((), text, tuple(math.log(x) for x in p))
    window = Window(walk, "S", "on", number, np.arange(3), score)
    loose = (None, None) if free is None else (written, parse(text if free else "no grammar at all"))
    return Answer(window, written, parse(text), *loose)


def test_log_probabilities_of_two_windows_are_averaged() -> None:
    # square roots of .6*.1, .3*.35, .1*.55: geometric means, not (.35, .325, .325), for which score 0 would win
    joined = walk_answers([answer(0, (0.6, 0.3, 0.1)), answer(1, (0.1, 0.35, 0.55))])[0]
    means = [math.sqrt(0.06), math.sqrt(0.105), math.sqrt(0.055)]
    assert joined.probabilities == pytest.approx([mean / sum(means) for mean in means])
    assert (joined.score, joined.windows) == (1, 2)
    assert sum(joined.probabilities) == pytest.approx(1)


def test_the_lowest_score_wins_a_tie() -> None:
    assert walk_answers([answer(0, (0.4, 0.4, 0.2))])[0].score == 0
    assert walk_answers([answer(0, (0.2, 0.4, 0.4))])[0].score == 1
    assert walk_answers([answer(0, (0.5, 0.25, 0.25)), answer(1, (0.25, 0.5, 0.25))])[0].score == 0


def test_the_rationale_is_that_of_the_window_that_is_surest_of_the_walks_score() -> None:
    windows = [answer(0, (0.1, 0.2, 0.7)), answer(1, (0.05, 0.05, 0.9), rationale=RATIONALES[1]), answer(2, (0.4, 0.2, 0.4))]
    assert walk_answers(windows)[0].rationale == RATIONALES[1]
    assert walk_answers(windows[::-1])[0].rationale == RATIONALES[1]


def test_a_window_without_a_readable_rationale_gives_its_probabilities_only() -> None:
    joined = walk_answers([answer(0, (0.1, 0.1, 0.8), rationale=None), answer(1, (0.2, 0.3, 0.5))])[0]
    assert (joined.score, joined.rationale, joined.well_formed_constrained) == (2, RATIONALES[0], False)
    assert walk_answers([answer(0, (0.1, 0.1, 0.8), rationale=None)])[0].rationale == Rationale("", "", "")


@pytest.mark.parametrize(("free", "expected"), [((None, None), None), ((True, True), True), ((True, False), False)])
def test_a_walk_is_well_formed_where_all_its_windows_are(free: tuple[bool | None, bool | None], expected: bool | None) -> None:
    joined = walk_answers([answer(number, (0.2, 0.3, 0.5), free=one) for number, one in enumerate(free)])[0]
    assert joined.well_formed_constrained and joined.well_formed_free is expected


def test_walks_come_by_name_whatever_the_order_of_their_windows() -> None:
    mixed = [answer(1, (0.1, 0.8, 0.1), walk="B"), answer(0, (0.8, 0.1, 0.1), walk="A"), answer(0, (0.1, 0.8, 0.1), walk="B")]
    assert [(walk.walk, walk.windows, walk.score) for walk in walk_answers(mixed)] == [("A", 1, 0), ("B", 2, 1)]


def test_figures_by_hand() -> None:
    p = (0.5, 0.25, 0.25)
    found = figures([answer(0, p, walk="A", score=0), answer(0, p, walk="B", score=2), answer(0, p, walk="C")])
    assert found["accuracy"] == 0.5
    assert found["score_nll"] == pytest.approx((math.log(2) + math.log(4)) / 2)


def test_figures_of_no_labelled_walk_are_none_at_all_and_certainty_of_the_wrong_score_is_finite() -> None:
    assert figures([]) == {} == figures([answer(0, (0.2, 0.3, 0.5))])
    assert figures([answer(0, (1 - 2e-13, 1e-13, 1e-13), score=2)])["score_nll"] == pytest.approx(-math.log(1e-12))


#: What the plugin reads of a configuration beside its own blocks.
BARE = "{FOLDER: runs, NAME: one, model: {target: agir_plugin.bridge.model.AgirModel}}"


def config(**agir: object) -> DictConfig:
    blocks = {"DATASET": {"AGIR": agir} if agir else {}, "METRIC": {"TYPE": []}, "LOSS": {}}
    return OmegaConf.merge(OmegaConf.create(BARE), blocks)


@pytest.mark.parametrize(
    ("block", "says"),
    [
        ({}, r"expected the block DATASET\.AGIR in the configuration; start from configs/agir_stage2\.yaml"),
        ({"task": "reasoning"}, r"DATASET\.AGIR\.cohort: this key is required"),
        ({"cohort": "c", "windw_tokens": 9}, r"DATASET\.AGIR\.windw_tokens: unknown key; did you mean 'window_tokens'\?"),
        ({"cohort": "c", "task": "stage2"}, r"DATASET\.AGIR\.task: .*'tokenizer', 'generative' or 'reasoning'.*got 'stage2'"),
        ({"cohort": "c", "fold": "first"}, r"DATASET\.AGIR\.fold: .*got 'first'"),
        ({"cohort": "c", "fold": "x", "ego": "perhaps"}, r"DATASET\.AGIR\.fold: .*; DATASET\.AGIR\.ego: "),
    ],
)
def test_a_wrong_block_is_one_line_that_names_the_key(block: dict[str, object], says: str) -> None:
    with pytest.raises(ConfigError, match=says) as error:
        data_settings(config(**block))
    assert error.value.exit_code == 2 and "\n" not in str(error.value)


def test_interpolations_are_resolved_and_absent_blocks_mean_defaults() -> None:
    cfg = config(cohort="${NAME}/cohort", fold=3)
    assert (data_settings(cfg).cohort, data_settings(cfg).fold) == ("one/cohort", 3)
    assert (loss_settings(cfg).lm, loss_settings(cfg).fmt.weight, run_settings(cfg).mode) == (1.0, 1.0, "min")
    assert experiment_folder(cfg) == Path("runs/model/one")


def test_wrong_loss_and_metric_settings_are_named_in_full() -> None:
    cfg = OmegaConf.merge(config(cohort="c"), {"LOSS": {"AGIR": {"fmt": {"wieght": 1}}}, "METRIC": {"AGIR": {"mode": "least"}}})
    with pytest.raises(ConfigError, match=r"LOSS\.AGIR\.fmt\.wieght: unknown key"):
        loss_settings(cfg)
    with pytest.raises(ConfigError, match=r"METRIC\.AGIR\.mode: .*'min' or 'max'"):
        run_settings(cfg)


def test_term_means_by_hand_and_anew_after_each_reading() -> None:
    means = TermMeans()
    assert means.compute("train") == {}
    for step, rows in ((1.0, 1), (4.0, 3)):
        means.update({name: torch.tensor(step * (place + 1), dtype=torch.bfloat16) for place, name in enumerate(TERMS)}, rows)
    found = means.compute("val")
    assert list(found) == [f"loss/{name}/val" for name in TERMS] == means.names("val")
    assert [value.item() for value in found.values()] == [3.25 * (place + 1) for place in range(len(TERMS))]
    assert means.compute("val") == {}


def test_term_means_keep_no_graph_and_are_no_part_of_a_checkpoint() -> None:
    means = TermMeans()
    means.update(dict.fromkeys(TERMS, torch.ones((), requires_grad=True) * 2), rows=2)
    assert not means.sums.requires_grad and means.state_dict() == {}
    means.reset()
    assert means.compute("test") == {}


def checkout(root: Path, code: str = "") -> Path:
    (root / "mGPT").mkdir(parents=True)
    for script in ("train", "test"):
        (root / f"{script}.py").write_text(code, "utf8")
    return root


def test_the_named_checkout_comes_first_then_this_folder_then_the_variable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    named, here, variable = (checkout(tmp_path / name) for name in ("named", "here", "variable"))
    (tmp_path / "none").mkdir()
    monkeypatch.setenv(host.ROOT_VARIABLE, str(variable))
    monkeypatch.chdir(here)
    assert host.find_host(named).root == named
    assert host.find_host().root == here
    monkeypatch.chdir(tmp_path / "none")
    assert host.find_host().root == variable
    monkeypatch.delenv(host.ROOT_VARIABLE)
    assert host.find_host() == host.Host(None)


def test_a_wrong_root_is_named_with_the_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(host.ROOT_VARIABLE, str(tmp_path / "nothing"))
    with pytest.raises(HostError, match=r"nothing: expected a MotionGPT checkout \(train\.py and mGPT/ .* MOTIONGPT_ROOT"):
        host.find_host()
    (tmp_path / "nothing").mkdir()
    (tmp_path / "nothing" / "train.py").touch()
    with pytest.raises(HostError, match="expected a MotionGPT checkout"):
        host.find_host(tmp_path / "nothing")


def test_no_host_at_all_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv(host.ROOT_VARIABLE, raising=False)
    monkeypatch.setattr(host, "find_spec", lambda name: None)
    with pytest.raises(HostError, match=r"no MotionGPT found: install the host with .*agir-plugin\[host\]"):
        host.find_host()


ECHO = "import sys\nprint(*sys.argv[1:])\nsys.exit(0 if 'ok' in sys.argv[-1] else 'it broke')\n"


def test_a_script_gets_config_and_settings_and_its_failure_is_told_with_its_last_lines(tmp_path: Path) -> None:
    root, log = checkout(tmp_path / "root", ECHO), tmp_path / "logs" / "x.log"
    (root / "mGPT" / "command.py").touch()  # the mark of a MotionGPT that takes settings
    host.run_script("train", "/a.yaml", ["KEY=1", "NAME=ok"], root=root, log=log)
    assert log.read_text("utf8").split() == ["--cfg", "/a.yaml", "KEY=1", "NAME=ok"]
    told = r"train script ended with code 1: --cfg /a\.yaml KEY=2 \| it broke \(whole log: .*x\.log\)"
    with pytest.raises(HostError, match=told):
        host.run_script("train", "/a.yaml", ["KEY=2"], root=root, log=log)


def test_relative_paths_are_meant_from_the_folder_the_user_is_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root, log = checkout(tmp_path / "root", ECHO), tmp_path / "x.log"
    (root / "mGPT" / "command.py").touch()
    monkeypatch.chdir(tmp_path)
    words = ["DATASET.AGIR.cohort=cohort", "TRAIN.PRETRAINED=", "TEST.FOLDER=/r", "NAME=ok"]
    host.run_script("train", "a.yaml", words, root=root, log=log)
    assert log.read_text("utf8").split()[1:] == [
        str(tmp_path / "a.yaml"), f"DATASET.AGIR.cohort={tmp_path}/cohort", "TRAIN.PRETRAINED=", "TEST.FOLDER=/r", "NAME=ok"
    ]  # fmt: skip


def test_settings_reach_a_motiongpt_that_takes_none_as_files(tmp_path: Path) -> None:
    script = "import sys\nfor i in (2, 4):\n    print(open(sys.argv[i]).read())\nprint(sys.argv[5:])\n"
    root, log, cfg = checkout(tmp_path / "root", script), tmp_path / "x.log", tmp_path / "a.yaml"
    (root / "configs").mkdir()
    (root / "configs" / "assets.yaml").write_text("FOLDER: experiments\n")
    cfg.write_text("NAME: a\nDEBUG: False\nTRAIN: {END_EPOCH: 9}\n")
    host.run_script("train", cfg, ["TRAIN.END_EPOCH=2", "FOLDER=/runs"], root=root, log=log)
    said = log.read_text("utf8")
    assert "NAME: a" in said and "END_EPOCH: 2" in said and said.count("FOLDER: /runs") == 2  # assets win upstream
    assert said.rstrip().endswith("['--nodebug']")
    with pytest.raises(UsageError, match="lm.default.params.model_path=x: upstream MotionGPT takes this from its group files"):
        host.run_script("train", cfg, ["lm.default.params.model_path=x"], root=root, log=log)


def test_a_stopped_script_leaves_no_scratch_folder(tmp_path: Path) -> None:
    root, cfg = checkout(tmp_path / "root", "input()\n"), tmp_path / "a.yaml"
    (root / "configs").mkdir()
    (root / "configs" / "assets.yaml").write_text("FOLDER: experiments\n")
    cfg.write_text("NAME: a\n")
    started = host.start_script("train", cfg, root=root, log=tmp_path / "x.log")
    scratch = started.scratch
    assert scratch is not None
    started.stop()
    assert started.process.returncode is not None and not scratch.exists()


VOCABULARY = 24
#: Words are 10 to 19 but for 13, which is forbidden; `Foot:` is 10, `Arm:` 11 10, `Overall:` 12.
IDS = TokenIds(
    reasoning_start=2,
    reasoning_end=3,
    score_start=4,
    score_end=5,
    scores=(6, 7, 8),
    eos=1,
    pad=0,
    forbidden_in_body=frozenset({13, *range(20, VOCABULARY)}),
    blank=frozenset({19}),
    headings=((10,), (11, 10), (12,)),
)


def test_masks_equal_the_automaton_and_are_made_once_for_each_kind_of_place() -> None:
    automaton = AnswerAutomaton(IDS, 14)
    processor = GrammarProcessor(automaton, VOCABULARY, 8, torch.device("cpu"))
    draw = torch.Generator().manual_seed(0)
    ids = torch.zeros(8, 1, dtype=torch.long)
    for _ in range(14 + 6):
        masked = processor(ids, torch.randn(8, VOCABULARY, generator=draw))
        for row, written in enumerate(ids[:, 1:].tolist()):
            options = automaton.allowed(written)
            assert [token for token in range(VOCABULARY) if masked[row, token] > -math.inf] == [
                token for token in range(VOCABULARY) if token in options
            ]
        ids = torch.cat([ids, masked.softmax(dim=1).multinomial(1, generator=draw)], dim=1)
    assert all(automaton.accepts(row) for row in ids[:, 1:].tolist())
    assert len({tuple(row) for row in ids.tolist()}) == 8  # eight different answers, and yet few masks
    assert len(processor.masks) <= 20
    assert all(mask is processor._mask(option, torch.device("cpu")) for option, mask in list(processor.masks.values()))


def test_score_probabilities_are_those_of_the_three_tokens_where_the_score_was_written() -> None:
    processor = GrammarProcessor(AnswerAutomaton(IDS, 8), VOCABULARY, 1, torch.device("cpu"))
    assert processor.score_log_probs.isnan().all()
    prefix = [0, 2, 10, 14, 11, 10, 15, 12, 16, 3, 4]
    for length in range(1, len(prefix) + 1):
        logits = torch.zeros(1, VOCABULARY)
        if length == len(prefix):
            logits[0, 6:9] = torch.log(torch.tensor([1.0, 2.0, 5.0]))
            logits[0, 15] = 50.0  # a word that is far more likely, but cannot stand here
        masked = processor(torch.tensor([prefix[:length]]), logits)
    assert processor.score_log_probs.exp()[0].tolist() == pytest.approx([0.125, 0.25, 0.625])
    assert masked[0].argmax().item() == 8


@pytest.mark.parametrize("token", [13, 7])
def test_a_token_against_the_grammar_is_an_error_and_no_guess(token: int) -> None:
    processor = GrammarProcessor(AnswerAutomaton(IDS, 8), VOCABULARY, 1, torch.device("cpu"))
    for ids in ([0], [0, 2], [0, 2, 10]):
        processor(torch.tensor([ids]), torch.zeros(1, VOCABULARY))
    with pytest.raises(ModelError, match=rf"decoding wrote token {token} where the grammar \(body\) does not allow it"):
        processor(torch.tensor([[0, 2, 10, token]]), torch.zeros(1, VOCABULARY))
