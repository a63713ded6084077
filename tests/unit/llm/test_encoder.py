"""The Keras encoder computes what transformers does, whatever the batch."""

import json
from types import MappingProxyType

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stim_lib.llm import encoder

SHAPE = encoder.EncoderShape(2, 2, 8, 16, vocabulary=12, positions=9)
WORDS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "park", "bar", "cafe", "gym", "at", "the", "on", "ok")


@pytest.fixture(scope="module")
def tiny():
    """Two random layers over twelve words."""
    import keras
    from tokenizers import Tokenizer, models, pre_tokenizers, processors

    keras.utils.set_random_seed(0)
    tokenizer = Tokenizer(models.WordLevel({w: i for i, w in enumerate(WORDS)}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    return encoder.SentenceEncoder(tokenizer, encoder.build_encoder(SHAPE), longest=9)


def bert_arrays(shape, rng):
    """Random arrays with the names and shapes of a BERT file."""
    d, f = shape.width, shape.feed_forward
    sizes = {
        "embeddings.word_embeddings.weight": (shape.vocabulary, d),
        "embeddings.position_embeddings.weight": (shape.positions, d),
        "embeddings.token_type_embeddings.weight": (2, d),
        "embeddings.LayerNorm.weight": (d,),
        "embeddings.LayerNorm.bias": (d,),
    }
    for i in range(shape.layers):
        here = f"encoder.layer.{i}"
        dense = {f"attention.self.{p}": (d, d) for p in ("query", "key", "value")}
        dense |= {"attention.output.dense": (d, d)}
        dense |= {"intermediate.dense": (f, d), "output.dense": (d, f)}
        for name, size in dense.items():
            sizes |= {f"{here}.{name}.weight": size, f"{here}.{name}.bias": size[:1]}
        for name in ("attention.output.LayerNorm", "output.LayerNorm"):
            sizes |= {f"{here}.{name}.weight": (d,), f"{here}.{name}.bias": (d,)}
    return {name: rng.normal(size=size).astype("float32") for name, size in sizes.items()}


def by_hand(w, tokens, shape):
    """A BERT sentence vector for one row of tokens, in loops of plain NumPy."""
    from scipy.special import erf, softmax

    def norm(x, name):
        centred = x - x.mean(-1, keepdims=True)
        y = centred / np.sqrt((centred**2).mean(-1, keepdims=True) + 1e-12)
        return y * w[f"{name}.LayerNorm.weight"] + w[f"{name}.LayerNorm.bias"]

    def dense(x, name):
        return x @ w[f"{name}.weight"].T + w[f"{name}.bias"]

    x = w["embeddings.word_embeddings.weight"][tokens]
    x = x + w["embeddings.position_embeddings.weight"][: len(tokens)]
    x = norm(x + w["embeddings.token_type_embeddings.weight"][0], "embeddings")
    size = shape.width // shape.heads
    for i in range(shape.layers):
        here = f"encoder.layer.{i}"
        q, k, v = (dense(x, f"{here}.attention.self.{p}") for p in ("query", "key", "value"))
        parts = [slice(h * size, (h + 1) * size) for h in range(shape.heads)]
        seen = [softmax(q[:, p] @ k[:, p].T / np.sqrt(size), axis=1) @ v[:, p] for p in parts]
        change = dense(np.concatenate(seen, axis=1), f"{here}.attention.output.dense")
        x = norm(x + change, f"{here}.attention.output")
        inner = dense(x, f"{here}.intermediate.dense")
        inner = inner * (1 + erf(inner / np.sqrt(2))) / 2
        x = norm(x + dense(inner, f"{here}.output.dense"), f"{here}.output")
    mean = x.mean(axis=0)
    return mean / np.linalg.norm(mean)


class TestReference:
    def test_tokens_are_those_of_transformers(self, minilm, minilm_reference):
        texts, ids, _ = minilm_reference
        assert len(texts) >= 40
        assert minilm.tokenize(texts) == ids
        assert max(map(len, ids)) == minilm.longest == 256, "no text was long enough to be cut"

    def test_vectors_are_those_of_transformers(self, minilm, minilm_reference):
        texts, _, expected = minilm_reference
        cosine = (minilm.encode(texts) * expected).sum(axis=1)
        assert cosine.min() >= 0.999999

    def test_kin_lie_closer_than_strangers(self, minilm):
        coffee, cafe, dentist = minilm.encode(["Coffee Shop", "Café", "Dentist's Office"])
        assert coffee @ cafe > coffee @ dentist + 0.2


class TestNetwork:
    def test_arrays_go_where_they_belong(self):
        arrays = MappingProxyType(bert_arrays(SHAPE, np.random.default_rng(1)))
        network = encoder.build_encoder(SHAPE)
        encoder.set_encoder_weights(network, arrays, SHAPE)
        tokens = np.array([[2, 5, 7, 7, 3]])
        found = network([tokens, np.ones(tokens.shape, bool)]).numpy()[0]
        np.testing.assert_allclose(found, by_hand(arrays, tokens[0], SHAPE), atol=1e-5)

    def test_a_missing_array_is_named(self):
        arrays = bert_arrays(SHAPE, np.random.default_rng(1))
        del arrays["encoder.layer.1.output.dense.bias"]
        with pytest.raises(ValueError, match=r"expected 'encoder.layer.1.output.dense.bias'"):
            encoder.set_encoder_weights(encoder.build_encoder(SHAPE), arrays, SHAPE)

    def test_an_array_of_another_shape_is_named(self):
        arrays = bert_arrays(SHAPE, np.random.default_rng(1))
        arrays["encoder.layer.0.intermediate.dense.bias"] = np.zeros(15, "float32")
        with pytest.raises(ValueError, match=r"inner_0: expected shapes .*16,.*found .*15,"):
            encoder.set_encoder_weights(encoder.build_encoder(SHAPE), arrays, SHAPE)

    def test_padding_says_nothing(self, tiny):
        tokens = np.array([[2, 5, 3]])
        short = tiny.network([tokens, np.ones((1, 3), bool)])
        junk = np.array([[2, 5, 3, 9, 9]])
        padded = tiny.network([junk, np.array([[True, True, True, False, False]])])
        np.testing.assert_allclose(short, padded, atol=1e-6)


class TestEncode:
    @settings(deadline=None, max_examples=30)
    @given(st.lists(st.text(max_size=12), min_size=1, max_size=9), st.integers(1, 4), st.randoms())
    def test_company_and_order_do_not_matter(self, tiny, texts, batch_size, random):
        together = tiny.encode(texts, batch_size=batch_size)
        np.testing.assert_allclose(np.linalg.norm(together, axis=1), 1, atol=1e-5)
        order = random.sample(range(len(texts)), len(texts))
        shuffled = tiny.encode([texts[i] for i in order], batch_size=9)
        np.testing.assert_allclose(shuffled, together[order], atol=1e-5)

    def test_other_words_and_another_order_of_words_are_other_vectors(self, tiny):
        a, b, c = tiny.encode(["park bar", "bar park", "park gym"])
        assert a @ b < 0.9999
        assert a @ c < 0.9999

    def test_same_bits_twice(self, tiny):
        texts = ["park", "the gym at the park", ""]
        assert (tiny.encode(texts) == tiny.encode(texts)).all()

    def test_one_graph_for_all_shapes(self, tiny):
        for n in (1, 2, 5):
            tiny.encode(["park " * n] * n)
        assert tiny._run.experimental_get_tracing_count() == 1

    def test_a_long_text_is_cut_and_keeps_its_end_token(self, tiny):
        assert tiny.tokenize(["park " * 50]) == [[2] + [4] * 7 + [3]]
        long, longer = tiny.encode(["park " * 50, "park " * 90])
        np.testing.assert_allclose(long, longer, atol=1e-6)

    def test_no_texts_no_rows(self, tiny):
        assert tiny.encode([]).shape == (0, 8)

    def test_what_is_no_text_is_named(self, tiny):
        with pytest.raises(TypeError, match="position 1"):
            tiny.encode(["park", 5])


class TestFolder:
    def write(self, folder, tiny, **changes):
        from safetensors.numpy import save_file

        config = {
            "model_type": "bert", "hidden_act": "gelu", "num_hidden_layers": 2,
            "num_attention_heads": 2, "hidden_size": 8, "intermediate_size": 16,
            "vocab_size": 12, "max_position_embeddings": 9, "layer_norm_eps": 1e-12,
        }  # fmt: skip
        (folder / "config.json").write_text(json.dumps(config | changes))
        tiny.tokenizer.save(str(folder / "tokenizer.json"))
        save_file(bert_arrays(SHAPE, np.random.default_rng(1)), folder / "model.safetensors")

    def test_any_bert_of_the_same_make_can_be_read(self, tiny, tmp_path):
        self.write(tmp_path, tiny)
        mine = encoder.load_encoder(tmp_path)
        assert mine.longest == 9
        expected = by_hand(bert_arrays(SHAPE, np.random.default_rng(1)), [2, 4, 5, 3], SHAPE)
        np.testing.assert_allclose(mine.encode(["park bar"])[0], expected, atol=1e-5)

    @pytest.mark.parametrize("change", [{"model_type": "roberta"}, {"hidden_act": "relu"}])
    def test_another_make_is_refused(self, tiny, tmp_path, change):
        self.write(tmp_path, tiny, **change)
        with pytest.raises(ValueError, match=rf"expected {next(iter(change))} .*found"):
            encoder.load_encoder(tmp_path)
