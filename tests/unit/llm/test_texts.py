"""Texts are checked, and batches hold every row once."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stim_lib.llm._texts import batches_by_length, check_texts


@settings(deadline=None)
@given(st.lists(st.lists(st.integers(1, 9), min_size=1, max_size=7)), st.integers(1, 5))
def test_every_row_stands_in_one_batch_whole_and_padded_with_zeros(rows, batch_size):
    seen = {}
    for places, tokens, valid in batches_by_length(rows, batch_size):
        assert len(places) <= batch_size
        assert (tokens[~valid] == 0).all()
        assert valid.any(axis=0).all(), "a column of padding alone"
        seen |= {
            place: row[ok].tolist() for place, row, ok in zip(places, tokens, valid, strict=True)
        }
    assert [seen[i] for i in range(len(rows))] == rows


def test_rows_of_one_length_keep_their_order():
    (places, tokens, _) = next(batches_by_length([[1], [2], [3]], 3))
    assert places.tolist() == [0, 1, 2]
    assert tokens.ravel().tolist() == [1, 2, 3]


@pytest.mark.parametrize("size", [0, -1])
def test_a_batch_holds_at_least_one(size):
    with pytest.raises(ValueError, match=f"batch_size: expected 1 or more, found {size}"):
        next(batches_by_length([[1]], size))


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        ("Park", "expected a list of strings, found one str"),
        (b"Park", "found one bytes"),
        (["Park", None], "found None .* at position 1"),
        (["Park", "Bar", np.nan], "found nan .float. at position 2"),
        ([3], "found 3 .int. at position 0"),
    ],
)
def test_what_is_no_text_is_named(texts, message):
    with pytest.raises(TypeError, match=message):
        check_texts(texts)


def test_half_a_surrogate_pair_is_named():
    with pytest.raises(ValueError, match="position 1"):
        check_texts(["ok", "broken \ud83d"])


def test_a_series_will_do():
    import pandas as pd

    assert check_texts(pd.Series(["Park", "公园"], index=[7, 7])) == ["Park", "公园"]
