"""Names become numbers and back; rectangles hold sequences; masks say who may look where."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stim_lib import baselines, sequences
from stim_lib.sequences import FIRST, PAD, UNKNOWN, Vocabulary


class TestVocabulary:
    def test_the_order_is_that_of_the_counters(self, nyc_parts):
        train = nyc_parts[0]
        catalogue = baselines.GlobalPopularity().fit(train).catalogue
        assert Vocabulary.fit(train["item_id"]).tokens.equals(catalogue)

    def test_unknown_and_missing_are_unknown_and_never_padding(self):
        vocabulary = Vocabulary.fit(["b", "a", "b", None])
        assert vocabulary.encode(["a", "b", "c", None, np.nan]).tolist() == [3, 2, 1, 1, 1]
        assert len(vocabulary) == 4

    def test_rare_tokens_stay_unknown(self):
        vocabulary = Vocabulary.fit(["a", "b", "b"], min_count=2)
        assert vocabulary.tokens.tolist() == ["b"]
        assert vocabulary.encode(["a"])[0] == UNKNOWN

    @given(st.lists(st.text(max_size=3), max_size=30))
    def test_decoding_undoes_encoding(self, values):
        vocabulary = Vocabulary.fit(pd.Series(values, dtype="str"))
        ids = vocabulary.encode(pd.Series(values, dtype="str"))
        assert vocabulary.decode(ids).tolist() == values
        assert ((ids >= FIRST) & (ids < len(vocabulary))).all() and ids.dtype == "int32"

    def test_numbers_can_be_tokens(self):
        assert Vocabulary.fit([7, 5, 7]).encode([5, 7, 9]).tolist() == [3, 2, 1]

    def test_nothing_decodes_to_missing(self):
        assert Vocabulary(pd.Index(["a"])).decode([PAD, UNKNOWN]).isna().all()
        assert Vocabulary(pd.Index([], dtype="str")).encode(["a"]).tolist() == [UNKNOWN]

    def test_errors(self):
        with pytest.raises(ValueError, match="2 missing and 1 repeated"):
            Vocabulary(pd.Index([None, None, "a"]))
        with pytest.raises(ValueError, match="min_count: expected 1 or more"):
            Vocabulary.fit(["a"], min_count=0)
        for wrong in (-1, 3):
            with pytest.raises(ValueError, match="expected 0 to 2"):
                Vocabulary(pd.Index(["a"])).decode([wrong])


class TestPadding:
    def test_short_ones_are_filled_and_long_ones_lose_their_beginning(self):
        padded = sequences.pad_left([[], [1], [1, 2, 3, 4]], 3)
        assert padded.tolist() == [[0, 0, 0], [0, 0, 1], [2, 3, 4]]

    def test_the_type_holds_entries_and_value(self):
        assert sequences.pad_left([np.array([1], dtype="int32")], 2).dtype == "int32"
        assert sequences.pad_left([[1.5]], 2, value=-1.0).tolist() == [[-1.0, 1.5]]
        assert sequences.pad_left([], 2).shape == (0, 2)

    def test_keras_pads_and_cuts_the_same_way(self):
        from keras.utils import pad_sequences

        rng = np.random.default_rng(0)
        ragged = [rng.integers(1, 9, n) for n in (0, 1, 5, 12)]
        assert (sequences.pad_left(ragged, 5) == pad_sequences(ragged, 5)).all()

    def test_masks(self):
        ids = np.array([[0, 0, 1, 5]])
        assert sequences.padding_mask(ids).tolist() == [[False, False, True, True]]
        assert (sequences.causal_mask(4) == np.tril(np.ones((4, 4), bool))).all()

    def test_errors(self):
        with pytest.raises(ValueError, match="one dimension"):
            sequences.pad_left([[[1]]], 2)
        for make in (sequences.causal_mask, lambda n: sequences.pad_left([[1]], n)):
            with pytest.raises(ValueError, match="length: expected 1 or more, found 0"):
                make(0)
