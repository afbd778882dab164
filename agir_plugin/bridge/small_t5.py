"""Texts -> a small T5 folder (own tokenizer, random weights) that stands in for flan-t5-base where none can be had."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from agir_plugin.errors import UsageError


def make_small_t5(
    folder: Path,
    texts: Iterable[str],
    *,
    width: int = 128,
    layers: int = 2,
    heads: int = 4,
    vocabulary: int = 2000,
    seed: int = 0,
) -> Path:
    """Train a BPE tokenizer on `texts` and save it with a randomly started T5 of the given size; returns the folder.

    It appears whole or not at all, in the place of an older one. It has the form MotionGPT expects of `deps/flan-t5-base`
    (tokenizer.json, config.json, model.safetensors): gated feed-forward, head apart from the embedding, `</s>` after every
    text. Same texts and seed, same folder.
    """
    if width % heads:
        raise UsageError(f"expected a width that {heads} heads divide, got {width}; choose for instance {heads * 32}")
    words = _fast(_bpe(sorted(set(texts)), vocabulary))
    sizes = {"d_model": width, "d_kv": width // heads, "d_ff": 2 * width, "num_heads": heads}
    model = _random_t5({**sizes, "num_layers": layers, "num_decoder_layers": layers}, words, seed)
    part = folder.with_name(f".{folder.name}.part{os.getpid()}")
    model.save_pretrained(part)
    words.save_pretrained(part)
    if folder.is_dir():
        shutil.rmtree(folder)
    os.replace(part, folder)
    return folder


def _random_t5(sizes: dict[str, int], words: Any, seed: int) -> Any:
    """A T5 of the given sizes with random weights; the random state of the process is left as it was."""
    import torch
    from transformers import T5Config, T5ForConditionalGeneration

    config = T5Config(
        **sizes,
        vocab_size=len(words),
        dropout_rate=0.1,
        feed_forward_proj="gated-gelu",
        tie_word_embeddings=False,  # decides in transformers 5 whether the head's input is scaled down
        decoder_start_token_id=words.pad_token_id,
        pad_token_id=words.pad_token_id,
        eos_token_id=words.eos_token_id,
    )
    config.tie_word_embeddings = False  # transformers 5 sets it to True all the same
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = T5ForConditionalGeneration(config)
        with torch.no_grad():  # T5's own start of a separate head gives logits of spread sqrt(width); this gives 1
            model.lm_head.weight.mul_(config.d_model**-0.5)
    return model


def _fast(tokenizer: object) -> Any:
    from transformers import PreTrainedTokenizerFast

    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token="<pad>",
        eos_token="</s>",
        unk_token="<unk>",
        model_max_length=512,
        clean_up_tokenization_spaces=False,
    )


def _bpe(texts: list[str], vocabulary: int) -> object:
    from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

    tokenizer = Tokenizer(models.BPE(unk_token="<unk>"))
    tokenizer.normalizer = normalizers.NFKC()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Punctuation(), pre_tokenizers.Metaspace(prepend_scheme="never")]
    )
    tokenizer.decoder = decoders.Metaspace(prepend_scheme="never")
    trainer = trainers.BpeTrainer(vocab_size=vocabulary, special_tokens=["<pad>", "</s>", "<unk>"], show_progress=False)
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="$A </s>", pair="$A </s> $B </s>", special_tokens=[("</s>", tokenizer.token_to_id("</s>"))]
    )
    return tokenizer
