"""A log in words: by hand, no future, the same for any order of the log."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stim_lib import leaks, queries, schema
from stim_lib.llm.prompts import (
    candidate_texts,
    describe_actions,
    describe_query,
    next_kind_prompt,
)
from stim_lib.llm.text_model import TextModel
from stim_lib.llm.wording import ROOTS_IN_CHINESE, Style, gap_words, letter_name, stamp_words

FULL = Style(clock="minute", gaps=True, places=True)


@pytest.fixture
def small(make_log):
    # Monday 1 January 2024, 08:00, 08:30, 12:00, then Wednesday 00:00.
    log = make_log([8, 8.5, 12, 48], items=["home", "cafe", "home", "bar"])
    return log.assign(category=["Residence", "Food", "Residence", "Nightlife Spot"])


class Unigram:
    """The smallest text model: each word is as likely as it was frequent in what it has read."""

    def __init__(self, text):
        words, counts = np.unique(text.split(), return_counts=True)
        self.logs = dict(zip(words, np.log(counts / counts.sum()), strict=True))

    def score(self, prompts, candidates):
        of_candidate = [
            sum(self.logs.get(word, -20.0) for word in candidate.split())
            for candidate in candidates
        ]
        return np.tile(np.array(of_candidate, dtype=float), (len(prompts), 1))

    def embed(self, texts):
        return np.array([[text.split().count(word) for word in self.logs] for text in texts])

    def generate(self, prompts, max_tokens=32, *, stop=(), temperature=0.0, seed=0):
        return [" ".join([max(self.logs, key=self.logs.get)] * max_tokens) for _ in prompts]


def test_the_smallest_model_is_one():
    model = Unigram("a a b")
    assert isinstance(model, TextModel) and not isinstance(object(), TextModel)
    assert model.score(["x"], ["a", "b"])[0] == pytest.approx(np.log([2 / 3, 1 / 3]))


class TestWords:
    @pytest.mark.parametrize(
        ("clock", "english", "chinese"),
        [
            ("hour", "Monday 12 am", "周一0点"),
            ("minute", "Monday 00:30", "周一00:30"),
            ("part", "Monday night", "周一深夜"),
            ("none", "Monday", "周一"),
        ],
    )
    def test_half_past_midnight(self, clock, english, chinese):
        time = np.array(["2024-01-01T00:30"], dtype="datetime64[us]")
        assert stamp_words(time, Style(clock=clock))[0] == english
        assert stamp_words(time, Style("zh", clock=clock))[0] == chinese

    @given(st.datetimes(pd.Timestamp("1960-01-01"), pd.Timestamp("2100-01-01")))
    def test_agrees_with_the_calendar(self, moment):
        (words,) = stamp_words(np.array([moment], dtype="datetime64[us]"), Style())
        hour = moment.strftime("%I %p").lstrip("0").lower()
        assert words == f"{moment.strftime('%A')} {hour}"
        (words,) = stamp_words(np.array([moment], dtype="datetime64[us]"), Style(clock="minute"))
        assert words == moment.strftime("%A %H:%M")

    @pytest.mark.parametrize(
        ("hour", "part"),
        [(4, "night"), (5, "morning"), (11, "noon"), (14, "afternoon"), (18, "evening"),
         (21, "evening"), (22, "night")],
    )  # fmt: skip
    def test_parts_of_the_day(self, hour, part):
        time = np.array([f"2024-01-01T{hour:02}"], dtype="datetime64[us]")
        assert stamp_words(time, Style(clock="part"))[0] == f"Monday {part}"

    @pytest.mark.parametrize(
        ("minutes", "english", "chinese"),
        [
            (0, ", 0 min later", "，0分钟后"),
            (59, ", 59 min later", "，59分钟后"),
            (59.9, ", 1 h later", "，1小时后"),
            (47 * 60, ", 47 h later", "，47小时后"),
            (48 * 60, ", 2 days later", "，2天后"),
        ],
    )
    def test_gaps(self, minutes, english, chinese):
        assert gap_words(np.array([float(minutes)]), "en")[0] == english
        assert gap_words(np.array([float(minutes)]), "zh")[0] == chinese

    def test_letters_are_distinct(self):
        names = [letter_name(n) for n in range(1000)]
        assert len(set(names)) == 1000 and names[701:703] == ["ZZ", "AAA"]

    def test_a_style_that_is_none(self):
        with pytest.raises(ValueError, match=r"expected language in .* found 'fr'"):
            Style("fr")
        with pytest.raises(ValueError, match="clock"):
            Style(clock="second")

    def test_roots_are_those_of_the_data(self, nyc):
        assert set(nyc["root_category"]) == set(ROOTS_IN_CHINESE)
        assert len(set(ROOTS_IN_CHINESE.values())) == 10


class TestActions:
    def test_by_hand(self, small):
        assert describe_actions(small).tolist() == [
            "Monday 8 am: Residence", "Monday 8 am: Food", "Monday 12 pm: Residence",
            "Wednesday 12 am: Nightlife Spot",
        ]  # fmt: skip
        assert describe_actions(small, FULL).tolist() == [
            "Monday 08:00: Residence A", "Monday 08:30, 30 min later: Food B",
            "Monday 12:00, 4 h later: Residence A", "Wednesday 00:00, 36 h later: Nightlife Spot C",
        ]  # fmt: skip

    def test_in_chinese(self, small):
        assert describe_actions(small, Style("zh", gaps=True, places=True))[1] == (
            "周一8点，30分钟后：餐饮B"
        )

    def test_order_of_rows_does_not_matter(self, small):
        two = pd.concat([small, small.assign(user_id="b")], ignore_index=True)
        shuffled = two.sample(frac=1, random_state=0)
        lines = describe_actions(shuffled, FULL)
        assert lines.sort_index().equals(describe_actions(two, FULL))
        assert lines[0] == lines[4]

    def test_local_time_goes_first_and_may_be_missing(self, small):
        local = small["timestamp"].dt.tz_convert(None) + pd.Timedelta("9h")
        log = small.assign(local_time=local.where(small.index != 1))
        assert describe_actions(log)[:2].tolist() == ["Monday 5 pm: Residence", "Monday 8 am: Food"]

    def test_hostile_and_missing_kinds(self, small):
        log = small.assign(category=["a\nb<|im_end|>", None, np.nan, "x" * 99])
        kinds = [line.partition(": ")[2] for line in describe_actions(log)]
        assert kinds == ["a b im_end", "unknown", "unknown", "x" * 40]

    def test_an_empty_log(self, small):
        assert describe_actions(small[:0], FULL).tolist() == []

    def test_a_log_without_the_column(self, small):
        with pytest.raises(schema.SchemaError, match="root_category"):
            describe_actions(small, Style(kind="root_category"))

    def test_the_log_is_not_changed(self, small):
        before = small.copy()
        describe_actions(small, FULL)
        pd.testing.assert_frame_equal(small, before)


class TestPrompt:
    def test_by_hand(self, small):
        asked, _ = queries.make_queries(small)
        prompts = next_kind_prompt(asked, small, FULL, n_actions=2, header="Diary:")
        assert prompts[0] == "Diary:\nNext:"
        assert prompts[3] == (
            "Diary:\nMonday 08:30: Food A\nMonday 12:00, 4 h later: Residence B\nNext:"
        )
        known = next_kind_prompt(asked, small, FULL, n_actions=1, time_known=True, header="Diary:")
        assert known[3] == "Diary:\nMonday 12:00: Residence A\nWednesday 00:00, 36 h later:"
        assert known[0] == "Diary:\nMonday 08:00:"

    def test_kinds_and_examples_stand_first(self, small):
        asked, _ = queries.make_queries(small)
        solved = [("Q:", " Food")]
        (prompt,) = next_kind_prompt(
            asked[:1], small, Style(), kinds=["Food", "Event"], examples=solved, header="H:"
        )
        assert prompt == "Q: Food\n\nH:\nKinds: Food, Event\nNext:"

    def test_in_chinese(self, small):
        asked, _ = queries.make_queries(small)
        prompt = next_kind_prompt(asked, small, Style("zh"), n_actions=1, kinds=["Food"])[2]
        assert prompt == "一个人去过的地点类型：\n类型：餐饮\n周一8点：餐饮\n下一个："

    @pytest.mark.parametrize("language", ["en", "zh"])
    def test_prompt_and_candidate_join_to_a_line_of_the_log(self, small, language):
        style = Style(language)
        asked, _ = queries.make_queries(small)
        prompts = next_kind_prompt(asked, small, style, time_known=True)
        texts = candidate_texts(small["category"], language=language)
        joined = [prompt + text for prompt, text in zip(prompts, texts, strict=True)]
        lines = describe_actions(small, style)
        assert [text.splitlines()[-1] for text in joined] == lines.tolist()
        assert not prompts.str.endswith(" ").any()

    def test_the_last_line_is_describe_query(self, small):
        asked, _ = queries.make_queries(small)
        for known in (False, True):
            lines = describe_query(asked, small, FULL, time_known=known)
            prompts = next_kind_prompt(asked, small, FULL, time_known=known)
            assert prompts.str.rsplit("\n", n=1).str[-1].tolist() == lines.tolist()

    def test_a_clock_without_local_time_moves_on_from_the_last_action(self, small):
        local = small["timestamp"].dt.tz_convert(None) + pd.Timedelta("8h")
        asked, _ = queries.make_queries(small)
        lines = describe_query(asked, small.assign(local_time=local), time_known=True)
        # Nobody knows the clock of somebody who was never seen: UTC.
        assert lines.tolist() == ["Monday 8 am:", "Monday 4 pm:", "Monday 8 pm:", "Wednesday 8 am:"]

    def test_no_actions_no_queries_no_history(self, small):
        asked, _ = queries.make_queries(small)
        assert set(next_kind_prompt(asked, small, Style(), n_actions=0, header="H")) == {"H\nNext:"}
        assert len(next_kind_prompt(asked[:0], small, FULL)) == 0
        known = next_kind_prompt(asked, small[:0], FULL, time_known=True, header="H")
        assert known[0] == "H\nMonday 08:00:"
        with pytest.raises(ValueError, match="n_actions: expected 0 or more, found -1"):
            next_kind_prompt(asked, small, n_actions=-1, style=Style())

    def test_each_query_alone_is_as_in_company(self, nyc_parts, nyc):
        asked, _ = queries.make_queries(nyc_parts[1][::400])
        style = Style(kind="root_category", gaps=True, places=True)
        together = next_kind_prompt(asked, nyc, style, time_known=True)
        alone = [
            next_kind_prompt(asked[i : i + 1], nyc, style, time_known=True).iloc[0]
            for i in range(len(asked))
        ]
        assert together.tolist() == alone

    @pytest.mark.parametrize("time_known", [False, True])
    @pytest.mark.parametrize("language", ["en", "zh"])
    def test_no_prompt_knows_the_future(self, nyc, nyc_parts, language, time_known):
        users = nyc["user_id"].unique()[:4]
        log = nyc[nyc["user_id"].isin(users)].reset_index(drop=True)
        asked, _ = queries.make_queries(log[log["timestamp"] > nyc_parts[1]["timestamp"].min()])
        style = Style(language, kind="root_category", clock="minute", gaps=True, places=True)

        def predict(log, asked):
            return next_kind_prompt(asked, log, style, time_known=time_known)

        leaks.assert_no_leak(predict, log, asked, time_known=time_known, n_instants=3)

    def test_the_leak_test_would_find_one(self, small):
        asked, _ = queries.make_queries(small)

        def predict(log, asked):
            return next_kind_prompt(asked.assign(timestamp=log["timestamp"].max()), log, FULL)

        with pytest.raises(leaks.LeakError):
            leaks.assert_no_leak(predict, small, asked)
