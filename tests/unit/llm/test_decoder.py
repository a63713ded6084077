"""The decoder: its parts by hand, and the whole against the reference implementation."""

from pathlib import Path

import numpy as np
import pytest

from stim_lib import llm
from stim_lib.llm import running

FIXTURE = Path(__file__).parents[1] / "fixtures" / "llm" / "smollm2_logits.npz"
TOKENS = np.array([[3, 1, 4, 1, 5, 9, 2, 6], [5, 3, 5, 8, 9, 7, 9, 3]])


@pytest.fixture(scope="module")
def reference():
    with np.load(FIXTURE) as file:
        return {name: file[name] for name in file.files}


@pytest.fixture(scope="module")
def real_logits(smollm2, reference):
    """Logits of each prompt, all by the one compiled block."""
    names = sorted(name.removesuffix(".ids") for name in reference if name.endswith(".ids"))
    made = {}
    for name in names:
        ids = reference[f"{name}.ids"].astype(int)[None]
        layout = llm.causal_layout([ids.shape[1]])
        states, _ = llm.run_blocks(smollm2, smollm2.embed(ids), *layout)
        made[name] = np.asarray(smollm2.compare(states))[0]
    return made


class TestReference:
    def test_logits_agree_at_every_position(self, reference, real_logits):
        assert len(real_logits) == 5
        for name, logits in real_logits.items():
            rows = np.arange(len(logits))[:, None]
            top = reference[f"{name}.top_ids"].astype(int)
            assert np.abs(logits[rows, top] - reference[f"{name}.top_logits"]).max() <= 1e-3
            probes = logits[:, reference["probe_ids"].astype(int)]
            assert np.abs(probes - reference[f"{name}.probe_logits"]).max() <= 1e-3
            assert (logits.argmax(axis=1) == top[:, 0]).all()
            total = np.log(np.exp(logits.astype(float)).sum(axis=1))
            assert np.abs(total - reference[f"{name}.logsumexp"]).max() <= 1e-3
            if f"{name}.last_row" in reference:
                assert np.abs(logits[-1] - reference[f"{name}.last_row"]).max() <= 1e-3

    def test_plain_call_is_that_of_the_compiled_block(self, smollm2, reference, real_logits):
        ids = reference["english.ids"].astype(int)[None]
        logits, _ = smollm2(ids)
        assert np.abs(np.asarray(logits)[0] - real_logits["english"]).max() <= 1e-3

    def test_states_of_each_layer_agree(self, smollm2, reference):
        ids, expected = reference["english.ids"].astype(int), reference["english.hidden"]
        for layer in (0, 1, 15, 29):
            found = llm.hidden_states(smollm2, [ids.tolist()], layer)[0]
            assert np.abs(found - expected[layer]).max() <= 1e-3 * np.abs(expected[layer]).max()
        last = smollm2.norm(llm.hidden_states(smollm2, [ids.tolist()]))
        assert np.abs(np.asarray(last)[0] - expected[30]).max() <= 1e-3

    def test_writes_what_the_reference_writes(self, smollm2, reference):
        prompt = reference["english.ids"].astype(int).tolist()
        expected = reference["english.greedy"].astype(int).tolist()
        assert llm.generate(smollm2, prompt, max_new=12) == expected[:12]


class TestParts:
    def test_norm_by_hand(self):
        norm = llm.RMSNorm(epsilon=0.5)
        norm.build((None, 2))
        norm.scale.assign([1.0, 10.0])
        # mean square 1.5 and epsilon .5: the root is √2.
        assert np.asarray(norm(np.array([[1.0, np.sqrt(2)]]))) == pytest.approx(
            np.array([[1 / np.sqrt(2), 10.0]])
        )

    def test_turned_products_depend_on_the_distance_only(self):
        rng = np.random.default_rng(0)
        query, key = rng.normal(size=(2, 1, 1, 1, 8)).astype("float32")

        def product(here, there):
            turned = [
                np.asarray(llm.rotate(x, *llm.rotation([[at]], 8, 100.0))).ravel()
                for x, at in ((query, here), (key, there))
            ]
            return turned[0] @ turned[1]

        assert product(7, 3) == pytest.approx(product(104, 100), rel=1e-4)
        assert product(7, 3) != pytest.approx(product(7, 4), rel=1e-2)
        assert product(5, 5) == pytest.approx((query * key).sum(), rel=1e-5)

    def test_unpermuting_by_hand(self):
        rows = np.array([[0], [10], [1], [11]])
        assert llm.unpermute(rows, heads=1).ravel().tolist() == [0, 1, 10, 11]

    def test_attention_is_that_of_keras_with_equal_weights(self, tiny):
        import keras

        s, attention = tiny.settings, tiny.blocks[0].attention
        states = np.random.default_rng(1).normal(size=(2, 5, s.width)).astype("float32")
        turn = llm.rotation(np.zeros((1, 5)), s.head_width, 1.0)  # no rotation
        mask = np.tri(5, dtype=bool)[None]
        peer = keras.layers.GroupQueryAttention(s.head_width, s.heads, s.key_heads, use_bias=False)
        peer.build((2, 5, s.width), (2, 5, s.width))
        shapes = [
            (attention.query, (s.width, s.heads, -1)),
            (attention.value, (s.width, s.key_heads, -1)),
            (attention.key, (s.width, s.key_heads, -1)),
            (attention.output_projection, (s.heads, -1, s.width)),
        ]
        kernels = {tuple(v.path.split("/")[-2:]): v for v in peer.weights}
        names = ("query", "value", "key", "attention_output")
        for name, (layer, shape) in zip(names, shapes, strict=True):
            kernels[name, "kernel"].assign(np.reshape(layer.kernel, shape))
        expected = peer(states, states, attention_mask=np.broadcast_to(mask, (2, 5, 5)))
        found, _, weights = attention(states, *turn, mask)
        assert np.asarray(found) == pytest.approx(np.asarray(expected), abs=1e-5)
        assert np.asarray(weights).sum(axis=-1) == pytest.approx(np.ones((2, 2, 3, 5)), abs=1e-5)

    def test_gate_by_hand(self):
        from stim_lib.llm.decoder import SwiGLU

        layer = SwiGLU(llm.DecoderSettings(width=2, heads=1, key_heads=1, feed_forward=1))
        layer.build((None, None, 2))
        layer.gate.kernel.assign([[1.0], [0.0]])
        layer.up.kernel.assign([[0.0], [1.0]])
        layer.down.kernel.assign([[1.0, 2.0]])
        silu = 3 / (1 + np.exp(-3))
        found = np.asarray(layer(np.array([[[3.0, 5.0]]]))).ravel()
        assert found == pytest.approx([5 * silu, 10 * silu], rel=1e-5)


class TestWhole:
    def test_never_looks_ahead(self, tiny):
        changed = TOKENS.copy()
        changed[:, 5:] = 0
        before, after = (np.asarray(tiny(x)[0]) for x in (TOKENS, changed))
        assert np.abs(before[:, :5] - after[:, :5]).max() < 1e-5
        assert np.abs(before[:, 5:] - after[:, 5:]).max() > 0.1

    def test_cache_changes_nothing(self, tiny):
        whole, _ = tiny(TOKENS)
        first, cache = tiny(TOKENS[:, :3])
        second, cache = tiny(TOKENS[:, 3:], past=cache)
        parts = np.concatenate([first, second], axis=1)
        assert np.abs(parts - whole).max() < 1e-4
        assert cache[0][0].shape == (2, 2, 8, 4)

    def test_compiled_block_serves_all(self, tiny):
        steps = tiny.steps(TOKENS)
        states, cache = llm.run_blocks(tiny, tiny.embed(TOKENS), *llm.causal_layout([8, 8]))
        assert np.abs(np.asarray(states) - np.asarray(steps[-1][0])).max() < 1e-4
        assert np.abs(np.asarray(cache[2][1]) - np.asarray(steps[2][1][1])).max() < 1e-4
        assert len(tiny.compiled) == 1  # a graph for three blocks

    def test_one_past_serves_all_texts(self, tiny):
        prefix, rests = [[7, 8, 9]], TOKENS[:, :4]
        _, past = llm.run_blocks(tiny, tiny.embed(np.array(prefix)), *llm.causal_layout([3]))
        states, _ = llm.run_blocks(tiny, tiny.embed(rests), *llm.causal_layout([4], before=3), past)
        whole = tiny.steps(np.hstack([np.repeat(prefix, 2, axis=0), rests]))[-1][0]
        assert np.abs(np.asarray(states) - np.asarray(whole)[:, 3:]).max() < 1e-4

    def test_padding_and_company_change_nothing(self, tiny):
        prompts = [[3, 1, 4, 1, 5], [9], [2, 6]]
        together = llm.hidden_states(tiny, prompts)
        apart = np.concatenate([llm.hidden_states(tiny, [prompt]) for prompt in prompts])
        tight = llm.hidden_states(tiny, prompts, max_tokens=1)
        assert np.abs(together - apart).max() < 1e-4
        assert np.abs(together - tight).max() < 1e-4

    def test_layers_in_between(self, tiny):
        states = [states for states, *_ in tiny.steps(TOKENS)]
        prompts = TOKENS.tolist()
        assert np.allclose(
            llm.hidden_states(tiny, prompts, 0), np.asarray(tiny.embed(TOKENS))[:, -1]
        )
        for layer in (1, 2, 3):
            found = llm.hidden_states(tiny, prompts, layer)
            assert np.abs(found - np.asarray(states[layer - 1])[:, -1]).max() < 1e-4

    def test_queries_share_keys(self, tiny):
        names = [v.path for v in tiny.blocks[0].attention.variables]
        shapes = [tuple(v.shape) for v in tiny.blocks[0].attention.variables]
        assert shapes == [(24, 24), (24, 8), (24, 8), (24, 24)], names

    def test_same_seed_same_weights(self, tiny):
        again = llm.random_decoder(tiny.settings, seed=3)
        other = llm.random_decoder(tiny.settings, seed=4)
        assert np.array_equal(again.embedding.numpy(), tiny.embedding.numpy())
        assert not np.array_equal(other.embedding.numpy(), tiny.embedding.numpy())


class TestGenerate:
    def test_with_and_without_cache(self, tiny):
        for temperature in (0.0, 1.0):
            kwargs = {"max_new": 12, "temperature": temperature, "seed": 5}
            fast = llm.generate(tiny, [3, 1], **kwargs)
            assert len(fast) == 12
            assert fast == llm.generate(tiny, [3, 1], use_cache=False, **kwargs)

    def test_stops(self, tiny):
        text = llm.generate(tiny, [3, 1], max_new=12)
        end = text[3]
        assert llm.generate(tiny, [3, 1], max_new=12, stop=[end]) == text[: text.index(end)]

    def test_seed_is_the_only_luck(self, tiny):
        texts = [
            tuple(llm.generate(tiny, [3], max_new=8, temperature=2.0, seed=s)) for s in (0, 0, 1, 2)
        ]
        assert texts[0] == texts[1]
        assert len(set(texts)) > 1

    def test_drawing_by_hand(self):
        logits, rng = np.log([0.5, 0.3, 0.2]), np.random.default_rng(0)
        drawn = [llm.draw_token(logits, temperature=1.0, rng=rng) for _ in range(4000)]
        assert np.bincount(drawn) / 4000 == pytest.approx([0.5, 0.3, 0.2], abs=0.03)
        drawn = [llm.draw_token(logits, temperature=1.0, top_p=0.6, rng=rng) for _ in range(4000)]
        assert np.bincount(drawn, minlength=3) / 4000 == pytest.approx([0.625, 0.375, 0], abs=0.03)
        drawn = [llm.draw_token(logits, temperature=0.5, rng=rng) for _ in range(4000)]
        squares = np.array([0.25, 0.09, 0.04])
        assert np.bincount(drawn) / 4000 == pytest.approx(squares / squares.sum(), abs=0.03)

    @pytest.mark.parametrize(
        "wrong", [{"temperature": -1.0}, {"top_p": 0.0, "temperature": 1.0}, {"max_new": 99}]
    )
    def test_refuses(self, tiny, wrong):
        with pytest.raises(ValueError, match="expected"):
            llm.generate(tiny, [3], **wrong)


class TestErrors:
    def test_settings(self):
        with pytest.raises(ValueError, match="twice the heads"):
            llm.DecoderSettings(width=10, heads=3, key_heads=3)
        with pytest.raises(ValueError, match="multiple of key_heads"):
            llm.DecoderSettings(width=12, heads=3, key_heads=2)

    def test_metadata(self):
        with pytest.raises(ValueError, match="'llama', found 'qwen2'"):
            llm.DecoderSettings.from_metadata({"general.architecture": "qwen2"}, 5)
        with pytest.raises(ValueError, match=r"llama\.embedding_length"):
            llm.DecoderSettings.from_metadata({"general.architecture": "llama"}, 5)

    def test_layers(self, tiny):
        with pytest.raises(ValueError, match="0 to 3, found 4"):
            llm.hidden_states(tiny, [[1]], 4)
        with pytest.raises(ValueError, match="3 pairs, found 1"):
            llm.run_blocks(tiny, tiny.embed(TOKENS), *llm.causal_layout([8]), [(0, 0)])

    @pytest.mark.parametrize(
        ("prompts", "message"),
        [([], "at least one list"), ([[1], []], "none in 1"), ([[1], [23]], "found 23"),
         ([[-1]], "found -1")],
    )  # fmt: skip
    def test_tokens(self, tiny, prompts, message):
        with pytest.raises(ValueError, match=message):
            running.check_tokens(tiny, prompts, "prompts")
