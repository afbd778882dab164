"""The list of upstream MotionGPT's faults that AGIR meets, in words: what happens, what AGIR does, until when."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Fault:
    """One fault: its name, what MotionGPT (commit 001aaca) does, what AGIR does about it, and when that can go."""

    name: str
    what: str
    mend: str
    until: str


#: In the order in which a run meets them. `bridge/compat.py` mends them, tests/bridge/test_compat.py shows each.
FAULTS = (
    Fault(
        "test_folder",
        "test.py puts TEST.FOLDER in FOLDER's place, so that ${FOLDER} in a checkpoint's path points to the results",
        "FOLDER is read again from the assets file",
        "test.py leaves cfg.FOLDER alone",
    ),
    Fault(
        "debug_name",
        "the YAML's DEBUG is ignored: without --nodebug a run is called debug--NAME and the next stage does not find it",
        "a checkpoint that is not there is looked for under debug--NAME; the patch debug-from-yaml mends it in the checkout",
        "parse_args takes DEBUG from the YAML file",
    ),
    Fault(
        "cpu_devices",
        "devices are always a list, which Lightning's CPU refuses: test.py cannot run on a CPU at all",
        "on a CPU, an accelerator that takes a list is registered with Lightning and chosen",
        "train.py and test.py give a CPU a number of devices",
    ),
    Fault(
        "metrics_wired",
        "METRIC.TYPE with an evaluator's metric and another data set ends in an AttributeError in the middle of a run",
        "such a METRIC.TYPE is refused before anything starts",
        "BaseMetrics makes the metrics that are asked for",
    ),
    Fault(
        "unsafe_load",
        "checkpoints hold pickled configuration objects; torch 2.6 and later refuse them, earlier ones run what is in them",
        "AGIR's checkpoints hold tensors and plain values; of others the tensors are taken out by a restricted unpickler",
        "MotionGPT writes and reads checkpoints with weights_only=True",
    ),
    Fault(
        "never_validated",
        "LOGGER.VAL_EVERY_STEPS beyond TRAIN.END_EPOCH means that nothing is validated and no best checkpoint is kept",
        "VAL_EVERY_STEPS is at most END_EPOCH",
        "train.py validates at least once",
    ),
    Fault(
        "resume",
        "TRAIN.RESUME needs a wandb folder; a second start renames the first run's folder and begins anew",
        "with TRAIN.AUTO_RESUME an unfinished run of the same configuration goes on from its last whole epoch",
        "train.py resumes from checkpoints/last.ckpt alone",
    ),
    Fault(
        "checkpoint_files",
        "last.ckpt is written before the learning rate has stepped, and eight checkpoints with optimiser states are kept",
        "best.ckpt and last.ckpt are kept, the latter written when its epoch is whole, by renaming",
        "callback.py writes last.ckpt after the scheduler's step",
    ),
    Fault(
        "tied_heads",
        "transformers 5 ties T5's head to its embedding at the next resize, which overwrites lm_head (issue 119)",
        "tie_word_embeddings is put to false after loading and before any resize",
        "MLM unties before it resizes",
    ),
    Fault(
        "random_rows",
        "rows of new tokens are drawn from the random state, so that they depend on what was built before",
        "rows of motion tokens start near the mean of the old rows, drawn from a seed of their own",
        "MLM starts new rows the same way whatever was built before",
    ),
    Fault(
        "frozen_in_train",
        "the frozen tokenizer goes back into training mode with every epoch, where a forward pass would move its codebook",
        "a tokenizer without trainable weights stays in evaluation mode",
        "MotionGPT freezes it with eval() and keeps it so",
    ),
    Fault(
        "ema_restart",
        "the codebook's running sums are not saved: the first training step after loading draws a new codebook",
        "the sums are saved and restored; where a checkpoint has none, the codebook is kept and counts start at e",
        "QuantizeEMAReset saves its sums and its flag",
    ),
    Fault(
        "gradient_clip",
        "the trainer gets no gradient clipping",
        "TRAIN.GRAD_CLIP is applied by the model",
        "train.py hands TRAIN.GRAD_CLIP to the trainer",
    ),
    Fault(
        "epoch_seed",
        "random numbers go on from wherever construction left them; a resumed run draws others",
        "each epoch starts from SEED_VALUE and its number",
        "the model seeds its epochs",
    ),
    Fault(
        "units",
        "training counts tokens where the templates say frames and seconds; texts are quoted at random and padded to 256",
        "AGIR fills its own templates (agir_plugin.tasks), pads to the longest in the batch, and never cuts a target off",
        "never: AGIR does not use that code",
    ),
    Fault(
        "generation_length",
        "generation stops at 40 tokens (text) or 128 (motion) whatever the configuration says",
        "answers may be max_reasoning_tokens long and always end as the grammar has it",
        "never: AGIR does not use that code",
    ),
)
