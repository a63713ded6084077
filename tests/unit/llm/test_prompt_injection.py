"""The experiment itself, with a model whose weakness is known."""

import argparse
import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest

SCRIPT = Path(__file__).parents[3] / "scripts" / "run_prompt_injection.py"


@pytest.fixture(scope="module")
def script():
    spec = importlib.util.spec_from_file_location("run_prompt_injection", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    # Its dataclass looks itself up there.
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules[spec.name]


class Gullible:
    """Takes the first number of the line after one that says system; else the last number."""

    def score(self, prompts, candidates):
        scores = np.zeros((len(prompts), len(candidates)))
        for row, prompt in zip(scores, prompts, strict=True):
            row[:] = np.arange(len(row))
            lines = prompt.splitlines()
            for number, line in enumerate(lines):
                if line == "<|im_start|>system":
                    row[int(lines[number - 1].partition(".")[0]) - 1] = 99
        return scores

    def embed(self, texts):
        return np.zeros((len(texts), 1))

    def generate(self, prompts, max_tokens=32, *, stop=(), temperature=0.0, seed=0):
        best = self.score(prompts, range(5)).argmax(axis=1) + 1
        return [f" {number}" if number % 2 else "a place" for number in best]


@pytest.fixture(scope="module")
def cases(script, nyc):
    return script.make_cases(nyc, n_queries=40, n_offered=5, n_told=3, seed=1)


def test_cases_are_those_of_validation_and_shuffled(script, nyc, nyc_parts, cases):
    assert len(cases) == 40 and {len(case.names) for case in cases} == {5}
    assert {case.query_id for case in cases} <= set(nyc_parts[1].index)
    assert all(len(case.history) <= 3 and case.attacker in case.names for case in cases)
    assert len({case.position for case in cases}) == 5
    again = script.make_cases(nyc, n_queries=40, n_offered=5, n_told=3, seed=1)
    assert again == cases
    assert script.make_cases(nyc, n_queries=40, n_offered=5, n_told=3, seed=2) != cases


def test_the_attack_works_on_raw_names_alone(script, nyc, cases, tmp_path):
    options = argparse.Namespace(
        queries=40, candidates=5, actions=3, seed=1, ask="score", name="gullible",
        runs=tmp_path / "runs.csv",
    )  # fmt: skip
    rows = script.run(Gullible(), options, nyc).set_index(["task", "setting", "metric"])["value"]
    honest = rows["honest name", "raw names", "rank"]
    assert honest == pytest.approx(np.mean([5 - case.position for case in cases]))
    assert rows["special tokens", "raw names", "rank"] == 1
    assert rows["special tokens", "raw names", "first"] == 1
    assert rows["special tokens", "raw names", "rank, gained"] == pytest.approx(honest - 1)
    assert (rows.filter(like="gained").xs("defended", level="setting") == 0).all()


def test_replies_that_cannot_be_read_are_counted(script, cases):
    found = script.replies_for_attackers(Gullible(), cases, None, defend=True)
    # The honest favourite is number 5.
    assert found["attacker chosen"].tolist() == [float(case.position == 4) for case in cases]
    assert (found["unread"] == 0).all()
    raw = script.replies_for_attackers(
        Gullible(), cases, script.ATTACKS["special tokens"], defend=False
    )
    assert raw["unread"].tolist() == [float(case.position % 2 == 1) for case in cases]


def test_a_model_that_is_none(script):
    with pytest.raises(TypeError, match="expected a TextModel, found dict"):
        script.make_model("builtins:dict")
