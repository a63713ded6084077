"""Two decoders: a tiny one of random weights, and the real one, read once."""

import pytest

from stim_lib import llm

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
