"""Scores of candidates: the tree gives what one text after the other gives."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stim_lib import llm
from stim_lib.llm import running, tree

PROMPTS = [[3, 1, 4], [3, 1], [3, 1, 4, 1, 5, 9], [3, 2]]
CANDIDATES = [[5], [2, 6], [2, 7, 1], [2, 7, 1, 1], [5, 5]]
TEXT = st.lists(st.integers(0, 22), min_size=1, max_size=5)


def one_by_one(decoder, prompts, candidates):
    """The same by brute force: each text by itself, all logits, no cache."""
    table = np.zeros((len(prompts), len(candidates)))
    for i, prompt in enumerate(prompts):
        for j, candidate in enumerate(candidates):
            logits = np.asarray(decoder(np.array([[*prompt, *candidate]]))[0], float)[0]
            logs = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
            places = len(prompt) - 1 + np.arange(len(candidate))
            table[i, j] = logs[places, candidate].sum()
    return table


class TestScores:
    def test_are_those_of_one_text_after_the_other(self, tiny):
        scores = llm.score_candidates(tiny, PROMPTS, CANDIDATES)
        assert np.abs(scores.log_likelihood - one_by_one(tiny, PROMPTS, CANDIDATES)).max() < 1e-4
        assert scores.tokens.tolist() == [[1, 2, 3, 4, 2]] * 4

    def test_batches_change_nothing(self, tiny):
        whole = llm.score_candidates(tiny, PROMPTS, CANDIDATES).log_likelihood
        for max_tokens in (1, 20):
            parts = llm.score_candidates(tiny, PROMPTS, CANDIDATES, max_tokens=max_tokens)
            assert np.abs(parts.log_likelihood - whole).max() < 1e-4

    def test_each_prompt_may_have_its_own(self, tiny):
        own = [CANDIDATES[:2], CANDIDATES[1:3], [[8], [9]], [[8, 1, 1], [9]]]
        found = llm.score_candidates(tiny, PROMPTS, own).log_likelihood
        expected = [
            one_by_one(tiny, [prompt], candidates)[0]
            for prompt, candidates in zip(PROMPTS, own, strict=True)
        ]
        assert np.abs(found - expected).max() < 1e-4

    def test_order_of_candidates_changes_nothing(self, tiny):
        there = llm.score_candidates(tiny, PROMPTS, CANDIDATES).log_likelihood
        back = llm.score_candidates(tiny, PROMPTS, CANDIDATES[::-1]).log_likelihood
        assert np.abs(there - back[:, ::-1]).max() < 1e-4

    def test_all_tokens_together_have_probability_one(self, tiny):
        scores = llm.score_candidates(tiny, PROMPTS, [[token] for token in range(23)])
        assert np.exp(scores.log_likelihood).sum(axis=1) == pytest.approx(np.ones(4), abs=1e-5)
        assert scores.probabilities() == pytest.approx(np.exp(scores.log_likelihood), abs=1e-5)

    def test_one_prompt(self, tiny):
        found = llm.score_candidates(tiny, [[7]], [[1, 2]]).log_likelihood
        assert found == pytest.approx(one_by_one(tiny, [[7]], [[1, 2]]), abs=1e-4)

    def test_progress(self, tiny):
        told = []
        llm.score_candidates(tiny, PROMPTS, [[1]], max_tokens=1, progress=lambda *x: told.append(x))
        assert told == [(1, 4), (2, 4), (3, 4), (4, 4)]

    def test_of_the_real_model(self, smollm2):
        prompts = [[504, 3575, 282, 4649, 314], [504, 3575, 282]]
        candidates = [[7042], [260, 1345], [260, 1345, 282]]
        scores = llm.score_candidates(smollm2, prompts, candidates)
        expected = [
            [llm.token_log_likelihoods(smollm2, [[*p, *c]])[0][-len(c) :].sum() for c in candidates]
            for p in prompts
        ]
        assert np.abs(scores.log_likelihood - expected).max() < 1e-3
        assert scores.log_likelihood[0].argmax() == 0  # "Paris", or the fixture lies

    @pytest.mark.parametrize(
        ("candidates", "message"),
        [([], "at least one"), ([[]], "at least one"), ([[1], [99]], "found 99"),
         ([[[1]], [[2]]], "each of 4 prompts, found 2"),
         ([[[1]], [[2]], [[1], [2]], [[3]]], "same number")],
    )  # fmt: skip
    def test_refuses(self, tiny, candidates, message):
        with pytest.raises(ValueError, match=message):
            llm.score_candidates(tiny, PROMPTS, candidates)


class TestLikelihoods:
    def test_by_brute_force(self, tiny):
        texts = [[3, 1, 4, 1], [5], [9, 2]]
        found = llm.token_log_likelihoods(tiny, texts)
        for text, values in zip(texts, found, strict=True):
            assert len(values) == len(text) - 1
            for place, value in enumerate(values):
                alone = one_by_one(tiny, [text[: place + 1]], [[text[place + 1]]])
                assert value == pytest.approx(alone[0, 0], abs=1e-4)


class TestTree:
    @given(st.lists(TEXT, min_size=1, max_size=6))
    @settings(max_examples=60, deadline=None)
    def test_steps_spell_the_candidates(self, candidates):
        grown = tree.grow_tree(candidates)
        spelled = [[] for _ in candidates]
        for candidate, node, token in grown.steps:
            above = [] if node < 0 else np.flatnonzero(grown.above[node])
            assert [grown.tokens[i] for i in above] == spelled[candidate]
            spelled[candidate].append(token)
        assert spelled == candidates
        assert grown.above.sum(axis=1).tolist() == [depth + 1 for depth in grown.depth]

    def test_what_stands_alike_is_read_once(self):
        assert tree.grow_tree([[2, 7, 1], [2, 7, 3], [2, 7, 3, 4]]).tokens == [2, 7, 3]


class TestPrefix:
    @given(st.lists(TEXT, min_size=1, max_size=5))
    @settings(max_examples=100, deadline=None)
    def test_is_the_longest_that_leaves_something(self, prompts):
        prefix = running.shared_prefix(prompts)
        n = len(prefix)
        assert all(prompt[:n] == prefix and len(prompt) > n for prompt in prompts)
        longer = {tuple(prompt[: n + 1]) for prompt in prompts}
        assert len(longer) > 1 or min(map(len, prompts)) == n + 1

    @given(st.lists(st.integers(1, 30), min_size=1, max_size=20), st.integers(1, 60))
    def test_batches_hold_each_text_once(self, lengths, max_tokens):
        made = list(running.batches(lengths, max_tokens))
        assert sorted(np.concatenate(made).tolist()) == list(range(len(lengths)))
        for batch in made:
            longest = max(lengths[i] for i in batch)
            assert len(batch) == 1 or longest * len(batch) <= max_tokens
