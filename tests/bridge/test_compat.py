"""Each of upstream's faults is mended where it is met, and left alone where MotionGPT is free of it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import mGPT
import pytest
import torch
from mGPT.archs.mgpt_vq import VQVae
from omegaconf import OmegaConf
from pytorch_lightning import LightningModule, Trainer
from pytorch_lightning.accelerators import AcceleratorRegistry
from torch import nn

from agir_plugin.bridge import compat
from agir_plugin.bridge.faults import FAULTS
from agir_plugin.bridge.language import GaitLM
from agir_plugin.bridge.resuming import LastCheckpoint, go_on
from agir_plugin.errors import ConfigError

UPSTREAM = not hasattr(mGPT, "FREE_OF")


@pytest.fixture
def faulty(monkeypatch: pytest.MonkeyPatch) -> None:
    """A MotionGPT that declares itself free of nothing."""
    monkeypatch.setattr(mGPT, "FREE_OF", frozenset(), raising=False)


def config(folder: Path, **train: Any) -> Any:
    """What MotionGPT's scripts have made of an experiment file when the data module is built."""
    return OmegaConf.create(
        {
            "FOLDER": str(folder / "experiments"), "FOLDER_EXP": str(folder / "experiments" / "model" / "RUN"), "TIME": "T2",
            "ACCELERATOR": "cpu", "DEVICE": [0], "NAME": "RUN",
            "TRAIN": {"PRETRAINED": "", "PRETRAINED_VAE": "", "RESUME": "", "AUTO_RESUME": True, "END_EPOCH": 4, **train},
            "TEST": {"FOLDER": str(folder / "results"), "CHECKPOINTS": ""},
            "METRIC": {"TYPE": []}, "LOGGER": {"VAL_EVERY_STEPS": 1},
        }
    )  # fmt: skip


def write(path: Path, content: Any = None) -> Path:
    """A checkpoint of plain values."""
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.save({"state_dict": {"a": torch.ones(1)}} if content is None else content, path)
    return path


def test_every_fault_has_its_words_and_a_name_of_its_own() -> None:
    assert len({fault.name for fault in FAULTS}) == len(FAULTS)
    assert all(fault.what and fault.mend and fault.until for fault in FAULTS)
    with pytest.raises(KeyError):
        compat.has("no_such_fault")


def test_our_host_is_free_of_all_and_upstream_of_none() -> None:
    assert compat.faults() == (FAULTS if UPSTREAM else ())


@pytest.mark.skipif(UPSTREAM, reason="shows that our host needs no mends")
def test_nothing_is_changed_for_our_host(tmp_path: Path) -> None:
    cfg = config(tmp_path)
    before = OmegaConf.to_container(cfg)
    compat.mend_config(cfg)
    assert OmegaConf.to_container(cfg) == before


def test_folder_is_the_assets_again_in_a_test(tmp_path: Path, faulty: None, monkeypatch: pytest.MonkeyPatch) -> None:
    assets = tmp_path / "assets.yaml"
    assets.write_text("FOLDER: runs\nTEST: {FOLDER: results}\n")
    cfg = config(tmp_path)
    cfg.TEST.CHECKPOINTS = "${FOLDER}/model/RUN/checkpoints/best.ckpt"
    cfg.FOLDER = cfg.TEST.FOLDER
    monkeypatch.setattr(sys, "argv", ["test.py", "--cfg", "x.yaml", "--cfg_assets", str(assets)])
    compat.mend_config(cfg)
    assert cfg.TEST.CHECKPOINTS == "runs/model/RUN/checkpoints/best.ckpt"


def test_a_run_trained_without_nodebug_is_found(tmp_path: Path, faulty: None) -> None:
    there = write(tmp_path / "model" / "debug--S1" / "checkpoints" / "best.ckpt")
    cfg = config(tmp_path, PRETRAINED=str(tmp_path / "model" / "S1" / "checkpoints" / "best.ckpt"))
    compat.mend_config(cfg)
    assert str(there) == cfg.TRAIN.PRETRAINED
    own = write(tmp_path / "model" / "S1" / "checkpoints" / "best.ckpt")
    cfg = config(tmp_path, PRETRAINED=str(own))
    compat.mend_config(cfg)
    assert str(own) == cfg.TRAIN.PRETRAINED


def test_a_list_of_devices_runs_on_the_cpu(tmp_path: Path, faulty: None) -> None:
    cfg = config(tmp_path)
    compat.mend_config(cfg)
    assert cfg.ACCELERATOR in AcceleratorRegistry.available_accelerators()
    trainer = Trainer(accelerator=cfg.ACCELERATOR, devices=cfg.DEVICE, logger=False, default_root_dir=tmp_path)
    assert trainer.num_devices == 1 and trainer.strategy.root_device == torch.device("cpu")
    cfg = config(tmp_path)
    cfg.ACCELERATOR = "gpu"
    compat.mend_config(cfg)
    assert cfg.ACCELERATOR == "gpu"


def test_metrics_of_other_data_are_refused_before_anything_starts(tmp_path: Path, faulty: None) -> None:
    cfg = config(tmp_path)
    cfg.METRIC.TYPE = ["MRMetrics", "TM2TMetrics"]
    with pytest.raises(ConfigError, match="METRIC.TYPE: TM2TMetrics belong to MotionGPT's own data sets"):
        compat.mend_config(cfg)


def test_a_run_is_validated_at_least_once(tmp_path: Path, faulty: None) -> None:
    cfg = config(tmp_path, END_EPOCH=2)
    cfg.LOGGER.VAL_EVERY_STEPS = 50
    compat.mend_config(cfg)
    assert cfg.LOGGER.VAL_EVERY_STEPS == 2


def test_only_tensors_of_a_raw_checkpoint_are_handed_on(tmp_path: Path, faulty: None) -> None:
    state = {"state_dict": {"vae.a": torch.arange(3.0)}, "hyper_parameters": OmegaConf.create({"a": 1})}
    raw = write(tmp_path / "raw.ckpt", state)
    cfg = config(tmp_path, PRETRAINED=str(raw))
    compat.mend_config(cfg)
    assert str(raw) != cfg.TRAIN.PRETRAINED
    assert torch.load(cfg.TRAIN.PRETRAINED, weights_only=True)["state_dict"]["vae.a"].tolist() == [0, 1, 2]


def saved_run(folder: Path, cfg: Any, **state: Any) -> Path:
    """The folder of an earlier run: its configuration and its last checkpoint."""
    write(folder / "checkpoints" / "last.ckpt", {"epoch": 2, **state})
    (folder / "config_T1_train.yaml").write_text(OmegaConf.to_yaml(cfg))
    return folder


def test_an_unfinished_run_goes_on_although_its_folder_was_renamed(tmp_path: Path) -> None:
    cfg = config(tmp_path)
    folder = Path(cfg.FOLDER_EXP)
    renamed = saved_run(folder.with_name("RUN_T2"), cfg)
    folder.mkdir(parents=True)
    go_on(cfg)
    assert str(folder) == cfg.TRAIN.RESUME
    assert Path(cfg.TRAIN.PRETRAINED).is_file() and not (renamed / "checkpoints").exists()


@pytest.mark.parametrize(
    ("change", "state"), [({"END_EPOCH": 9}, {}), ({}, {"finished": True}), ({"AUTO_RESUME": False}, {})]
)
def test_another_run_or_a_finished_one_is_left_where_it_is(tmp_path: Path, change: dict, state: dict) -> None:
    renamed = saved_run(Path(config(tmp_path).FOLDER_EXP).with_name("RUN_T2"), config(tmp_path), **state)
    cfg = config(tmp_path, **change)
    Path(cfg.FOLDER_EXP).mkdir(parents=True)
    go_on(cfg)
    assert cfg.TRAIN.RESUME == "" and cfg.TRAIN.PRETRAINED == "" and (renamed / "checkpoints" / "last.ckpt").is_file()


def test_in_the_same_folder_another_run_is_set_aside(tmp_path: Path) -> None:
    cfg = config(tmp_path, END_EPOCH=9)
    folder = saved_run(Path(cfg.FOLDER_EXP), config(tmp_path))
    go_on(cfg)
    assert cfg.TRAIN.RESUME == "" and (folder / "checkpoints_before_T2" / "last.ckpt").is_file()


class Counting(LightningModule):
    """One weight, a rate that halves each epoch; stops itself in an epoch if asked to."""

    def __init__(self, stop_in: int | None = None) -> None:
        super().__init__()
        self.weight, self.stop_in, self.rates = nn.Parameter(torch.ones(1)), stop_in, []

    def training_step(self, batch: Any, index: int) -> torch.Tensor:
        """A loss that depends on the weight and the batch."""
        if self.stop_in == self.current_epoch:
            raise RuntimeError("killed")
        self.rates.append(self.optimizers().param_groups[0]["lr"])
        return (self.weight * batch[0]).pow(2).sum()

    def configure_optimizers(self) -> Any:
        """SGD whose rate halves after each epoch."""
        optimizer = torch.optim.SGD(self.parameters(), lr=0.08)
        return [optimizer], [torch.optim.lr_scheduler.StepLR(optimizer, 1, 0.5)]


def fit(folder: Path, model: Counting, resume: Path | None = None) -> Counting:
    """Train three epochs with a last checkpoint."""
    folder.mkdir(exist_ok=True)
    loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(torch.linspace(0.1, 1, 4)), batch_size=2)
    trainer = Trainer(
        accelerator="cpu", max_epochs=3, logger=False, enable_progress_bar=False, enable_model_summary=False,
        enable_checkpointing=False, callbacks=[LastCheckpoint(folder)], default_root_dir=folder,
    )  # fmt: skip
    trainer.fit(model, loader, ckpt_path=resume, weights_only=True)
    return model


@pytest.mark.filterwarnings("ignore")
def test_a_run_that_goes_on_from_the_last_whole_epoch_ends_as_one_that_was_not_stopped(tmp_path: Path) -> None:
    whole = fit(tmp_path / "whole", Counting())
    with pytest.raises(RuntimeError, match="killed"):
        fit(tmp_path / "cut", Counting(stop_in=2))
    resumed = fit(tmp_path / "cut", Counting(), tmp_path / "cut" / "last.ckpt")
    assert resumed.rates == [0.02, 0.02] and whole.rates == [0.08, 0.08, 0.04, 0.04, 0.02, 0.02]
    assert torch.equal(resumed.weight, whole.weight)
    assert torch.load(tmp_path / "cut" / "last.ckpt", weights_only=True)["finished"] is True


class Frozen(compat.Mended, LightningModule):
    """A model with a tokenizer, frozen or not."""

    def __init__(self, frozen: bool) -> None:
        super().__init__()
        self.vae = nn.Linear(2, 2).requires_grad_(not frozen)


@pytest.mark.parametrize("frozen", [True, False])
def test_a_frozen_tokenizer_never_trains(faulty: None, frozen: bool) -> None:
    model = Frozen(frozen).train()
    assert model.training and model.vae.training is not frozen


class Clipped(compat.Mended, Counting):
    """A model with a gradient of known length."""

    def __init__(self, longest: float) -> None:
        super().__init__()
        self.cfg = OmegaConf.create({"TRAIN": {"GRAD_CLIP": longest}, "SEED_VALUE": 3})
        self.vae = nn.Identity()
        self.vae.quantizer = nn.Identity()
        self.lengths: list[float] = []

    def optimizer_step(self, *args: Any, **kwargs: Any) -> None:
        """Note the gradient's length after clipping."""
        super().optimizer_step(*args, **kwargs)
        self.lengths.append(float(self.weight.grad.norm()))


@pytest.mark.filterwarnings("ignore")
def test_gradients_are_clipped_where_the_trainer_does_not(tmp_path: Path, faulty: None) -> None:
    assert max(fit(tmp_path / "a", Clipped(0.01)).lengths) <= 0.0101
    assert max(fit(tmp_path / "b", Clipped(0.0)).lengths) > 0.1


def test_epochs_start_from_their_own_seed(faulty: None) -> None:
    model = Clipped(0.0)
    model.trainer = type("T", (), {"current_epoch": 5})()
    draws = []
    for noise in (1, 100):
        torch.rand(noise)
        model.on_train_epoch_start()
        draws.append(torch.rand(1))
    assert torch.equal(*draws)


#: A small tokenizer.
VQ = dict(nfeats=6, code_num=8, code_dim=4, output_emb_width=4, down_t=1, stride_t=2, width=4, depth=1)


def test_the_codebook_survives_loading_and_the_next_training_step() -> None:
    torch.manual_seed(0)
    trained = compat.mend_vae(VQVae(**VQ)).train()
    for _ in range(3):
        trained(torch.randn(8, 16, 6))
    weights = {name: value for name, value in trained.state_dict().items() if name.endswith(("weight", "bias", "codebook"))}
    loaded = compat.mend_vae(VQVae(**VQ))
    loaded.load_state_dict(dict(weights))
    assert torch.equal(loaded.quantizer.codebook, trained.quantizer.codebook)
    loaded.train()(torch.randn(8, 16, 6))
    moved = (loaded.quantizer.codebook - trained.quantizer.codebook).norm(dim=1)
    assert (moved < 0.5 * trained.quantizer.codebook.norm(dim=1) + 1e-3).float().mean() > 0.5


@pytest.mark.skipif(not UPSTREAM, reason="needs MOTIONGPT_ROOT: our host saves its codebook's sums itself")
def test_sums_of_a_host_checkpoint_are_taken_over_by_upstream() -> None:
    vae = compat.mend_vae(VQVae(**VQ))
    state = dict(vae.state_dict())
    book = torch.randn(8, 4)
    state |= {"quantizer.codebook": book, "quantizer.code_sum": 2 * book, "quantizer.code_count": torch.full((8,), 2.0)}
    state["quantizer.initted"] = torch.ones((), dtype=torch.bool)
    vae.load_state_dict(state)
    assert vae.quantizer.init and torch.equal(vae.quantizer.code_sum, 2 * book)


@pytest.mark.skipif(not UPSTREAM, reason="needs MOTIONGPT_ROOT: our host starts these rows itself")
def test_rows_of_motion_tokens_do_not_depend_on_what_was_drawn_before(t5_folder: Path) -> None:
    tables = []
    for seed in (1, 2):
        torch.manual_seed(seed)
        lm = GaitLM(str(t5_folder), stage="lm_instruct", motion_codebook_size=4, max_length=200)
        tables.append(lm.language_model.lm_head.weight.detach().clone())
    assert torch.equal(*tables)
