"""The adapter: nothing at first, learns eight examples, comes and goes without a trace."""

import numpy as np
import pytest

from stim_lib import llm

PROMPTS = [[3, 1, 4 + i, 2, 7] for i in range(8)]
CANDIDATES = [[5], [6], [8], [9]]
LONG = [[5], [6, 1], [6, 2, 2], [9]]
ANSWERS = [0, 1, 2, 3, 3, 2, 1, 0]
FAST = {"rank": 4, "layers": 2, "learning_rate": 0.05, "steps": 24, "batch_size": 8}


def logits(decoder):
    return np.asarray(decoder(np.array(PROMPTS))[0])


def scores(decoder, candidates=CANDIDATES):
    return llm.score_candidates(decoder, PROMPTS, candidates).log_likelihood


class TestAdapter:
    def test_new_one_changes_nothing(self, tiny):
        before, plain = logits(tiny), scores(tiny)
        llm.add_adapter(tiny, rank=4, layers=2)
        assert np.array_equal(logits(tiny), before)
        assert np.abs(scores(tiny) - plain).max() < 1e-5

    def test_product_is_added_to_the_matrix(self, tiny):
        llm.add_adapter(tiny, rank=2, alpha=6, layers=1)
        layer = tiny.blocks[2].attention.value
        before = np.array(layer.kernel)
        layer.lora_kernel_b.assign(np.ones(layer.lora_kernel_b.shape))
        product = np.asarray(layer.lora_kernel_a) @ np.ones((2, 8))
        assert np.asarray(layer.kernel) == pytest.approx(before + 3 * product, abs=1e-5)

    def test_is_seen_by_the_compiled_block(self, tiny):
        scores(tiny)  # compiled before there is an adapter
        for alpha in (2, 8):
            llm.add_adapter(tiny, rank=2, alpha=alpha, layers=2)
            for block in tiny.blocks[-2:]:
                block.attention.query.lora_kernel_b.assign(np.ones((2, 24)))
            states, _ = llm.run_blocks(tiny, tiny.embed(np.array(PROMPTS)), *llm.causal_layout([5]))
            assert np.asarray(tiny.compare(states)) == pytest.approx(logits(tiny), abs=1e-3)

    def test_only_the_top_has_one(self, tiny):
        llm.add_adapter(tiny, rank=2, layers=2)
        assert {name.split(".")[0] for name in llm.adapter_weights(tiny)} == {"block_1", "block_2"}

    def test_can_be_taken_away_and_put_again(self, tiny):
        before = logits(tiny)
        n_variables = len(tiny.variables)
        llm.train_lora(tiny, PROMPTS, CANDIDATES, ANSWERS, **FAST | {"steps": 3})
        assert np.abs(logits(tiny) - before).max() > 1e-3
        llm.remove_adapter(tiny)
        assert np.array_equal(logits(tiny), before)
        assert len(tiny.variables) == n_variables
        llm.add_adapter(tiny, rank=1, layers=3)
        assert np.array_equal(logits(tiny), before)

    @pytest.mark.parametrize("wrong", [{"layers": 4}, {"layers": 0}, {"rank": 0}])
    def test_refuses(self, tiny, wrong):
        with pytest.raises(ValueError, match="expected 1 to 3 layers"):
            llm.add_adapter(tiny, **{"layers": 1} | wrong)


class TestTraining:
    @pytest.mark.parametrize("candidates", [CANDIDATES, LONG])
    def test_learns_eight_examples_by_heart(self, tiny, candidates):
        run = llm.train_lora(tiny, PROMPTS, candidates, ANSWERS, **FAST)
        assert run["nats"].iloc[0] > 1
        assert run["nats"].iloc[-1] < 0.1
        assert scores(tiny, candidates).argmax(axis=1).tolist() == ANSWERS

    def test_first_loss_is_that_of_the_scores(self, tiny):
        for candidates in (CANDIDATES, LONG):
            llm.remove_adapter(tiny)
            chosen = llm.score_candidates(tiny, PROMPTS, candidates).probabilities()
            expected = -np.log(chosen[np.arange(8), ANSWERS]).mean()
            run = llm.train_lora(tiny, PROMPTS, candidates, ANSWERS, **FAST | {"steps": 1})
            assert run.loc[1, "nats"] == pytest.approx(expected, abs=2e-3)

    def test_gradient_is_the_slope_of_the_loss(self, tiny):
        from stim_lib.llm import lora

        trainer = llm.LoraTrainer(tiny, PROMPTS, layers=2, cache_lower=False)
        llm.add_adapter(tiny, rank=2, layers=2)
        trainer.variables = list(lora.adapter_variables(tiny).values())
        questions = trainer.prepare(PROMPTS, LONG, ANSWERS)
        _, gradients = trainer.gradients(questions, np.arange(8))
        names = list(lora.adapter_variables(tiny))
        for name in ("block_1.query.b", "block_1.value.b", "block_2.value.b"):
            variable = lora.adapter_variables(tiny)[name]
            slope = np.asarray(gradients[names.index(name)])
            step = np.zeros(slope.shape, "float32")
            place = np.unravel_index(np.abs(slope).argmax(), slope.shape)
            step[place] = 1e-2
            ends = []
            for sign in (1, -1):
                variable.assign(sign * step)
                ends.append(trainer.nats(questions))
            variable.assign(0 * step)
            assert (ends[0] - ends[1]) / 2e-2 == pytest.approx(slope[place], rel=0.02), name

    def test_frozen_blocks_may_be_run_once(self, tiny):
        """Up to the rounding to float16."""
        runs, options = {}, FAST | {"steps": 6, "learning_rate": 0.005}
        for cached in (True, False):
            runs[cached] = llm.train_lora(
                tiny, PROMPTS, LONG, ANSWERS, cache_lower=cached, **options
            )
        difference = (runs[True] - runs[False])["nats"].abs()
        assert 0 < difference.max() < 5e-3

    def test_same_seed_same_weights(self, tiny):
        made = []
        for seed in (1, 1, 2):
            options = FAST | {"steps": 4, "batch_size": 3}
            llm.train_lora(tiny, PROMPTS, CANDIDATES, ANSWERS, seed=seed, **options)
            made.append(llm.adapter_weights(tiny))
        for name, first in made[0].items():
            assert first == pytest.approx(made[1][name], abs=1e-6)
        assert np.abs(made[0]["block_2.query.a"] - made[2]["block_2.query.a"]).max() > 1e-3

    def test_keeps_the_best_check_and_stops(self, tiny):
        """What is learned is the opposite of what is asked: the fresh adapter is the best."""
        opposite = [(answer + 2) % 4 for answer in ANSWERS]
        before = logits(tiny)
        run = llm.train_lora(
            tiny, PROMPTS, CANDIDATES, opposite, validation=(PROMPTS, CANDIDATES, ANSWERS),
            check_every=3, patience=2, **FAST,
        )  # fmt: skip
        checks = run["val_nats"].dropna()
        best = checks.idxmin()
        assert run.index[-1] < 24
        assert (checks.index[-2:] > best).all()
        if best == 0:
            assert np.array_equal(logits(tiny), before)
        probabilities = llm.score_candidates(tiny, PROMPTS, CANDIDATES).probabilities()
        found = -np.log(probabilities[np.arange(8), ANSWERS]).mean()
        assert found == pytest.approx(checks.min(), abs=2e-3)

    def test_model_itself_stays(self, tiny):
        frozen = [v.numpy().copy() for v in tiny.variables]
        llm.train_lora(tiny, PROMPTS, CANDIDATES, ANSWERS, **FAST | {"steps": 3})
        llm.remove_adapter(tiny)
        for before, after in zip(frozen, tiny.variables, strict=True):
            assert np.array_equal(before, after.numpy())

    def test_refuses_answers_that_are_no_candidates(self, tiny):
        with pytest.raises(ValueError, match="8 places from 0 to 3, found 8, from 0 to 4"):
            llm.train_lora(tiny, PROMPTS, CANDIDATES, [*ANSWERS[:7], 4], layers=1)


class TestFile:
    @pytest.fixture
    def saved(self, tiny, tmp_path):
        llm.train_lora(tiny, PROMPTS, CANDIDATES, ANSWERS, **FAST | {"steps": 3})
        llm.save_adapter(tiny, tmp_path / "adapter.npz")
        return tmp_path / "adapter.npz"

    def test_round_trip(self, tiny, saved):
        expected = logits(tiny)
        llm.remove_adapter(tiny)
        llm.load_adapter(tiny, saved)
        assert np.array_equal(logits(tiny), expected)

    def test_what_is_no_adapter(self, tiny, tmp_path):
        for name, content in (("a.npz", b"no"), ("b.npz", b""), ("c.npz", b"PK\x03\x04rest")):
            (tmp_path / name).write_bytes(content)
            with pytest.raises(ValueError, match=f"{name}: expected an adapter"):
                llm.load_adapter(tiny, tmp_path / name)
        np.savez(tmp_path / "pickled.npz", alpha=np.array([{}], dtype=object))
        with pytest.raises(ValueError, match="another kind of file"):
            llm.load_adapter(tiny, tmp_path / "pickled.npz")

    @pytest.mark.parametrize("harm", ["missing", "more", "shape", "nan", "alpha", "no_alpha"])
    def test_what_does_not_fit(self, tiny, saved, harm):
        with np.load(saved) as file:
            arrays = dict(file)
        name = "block_2.value.b"
        match harm:
            case "missing":
                del arrays[name]
            case "more":
                arrays["block_9.query.a"] = arrays[name]
            case "shape":
                arrays[name] = arrays[name][:, :-1]
            case "nan":
                arrays[name] = arrays[name] * np.nan
            case "alpha":
                arrays["alpha"] = np.float64("inf")
            case "no_alpha":
                del arrays["alpha"]
        np.savez(saved, **arrays)
        llm.remove_adapter(tiny)
        with pytest.raises(ValueError, match=r"adapter\.npz: expected"):
            llm.load_adapter(tiny, saved)
        assert llm.adapter_weights(tiny) == {}

    def test_of_another_model(self, saved):
        other = llm.random_decoder(llm.DecoderSettings(23, 32, 3, 4, 2, 16))
        with pytest.raises(ValueError, match="3 layers and width 32"):
            llm.load_adapter(other, saved)

    def test_nothing_to_save(self, tiny, tmp_path):
        with pytest.raises(ValueError, match="found 0 matrices"):
            llm.save_adapter(tiny, tmp_path / "adapter.npz")


def test_what_is_read_once_trains_as_what_is_read_each_time(tiny):
    prompts, offered, right = [[3, 1, 4], [3, 2], [3, 5, 6], [3, 7]], [[8], [9]], [0, 1, 0, 1]
    alone = llm.train_lora(tiny, prompts[:2], offered, right[:2], steps=3, layers=1, seed=1)
    trainer = llm.LoraTrainer(tiny, prompts[:2], layers=1)
    questions = trainer.prepare(prompts[:2], offered, right[:2])
    again = trainer.fit(questions, steps=3, seed=1)
    assert np.allclose(alone["nats"], again["nats"], atol=1e-5)
    one = trainer.probabilities(questions.take([1]))
    assert np.allclose(one, trainer.probabilities(questions)[[1]], atol=1e-5)


def test_prompts_of_another_beginning_are_refused(tiny):
    trainer = llm.LoraTrainer(tiny, [[3, 1], [3, 4]], layers=1)
    with pytest.raises(ValueError, match="beginning"):
        trainer.prepare([[2, 1]], [[8], [9]], [0])
