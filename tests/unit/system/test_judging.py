"""The exam, the verdict and the sentences that follow from them."""

import dataclasses

import numpy as np
import pandas as pd
import pytest

from stim_lib import metrics, schema, system
from stim_lib.system.exam import LEAST_ACTIONS
from stim_lib.system.settings import LogSettings, SplitSettings


def as_log(table):
    text = pd.Series(np.nan, index=table.index, dtype="str")
    log = table.assign(action="visit", lat=np.nan, lon=np.nan, category=text)
    log["timestamp"] = log["timestamp"].astype(schema.TIME_DTYPE)
    return schema.sort_log(log.assign(local_time=log["timestamp"].dt.tz_localize(None)))


class TestExam:
    def test_parts_are_one_log_in_order(self, loaded, exam):
        total = sum(map(len, (exam.train, exam.validation, exam.test)))
        assert total == len(loaded.log)
        assert exam.train["timestamp"].max() < exam.validation["timestamp"].min()
        assert exam.validation["timestamp"].max() < exam.test["timestamp"].min()
        assert len(exam.asked) == 60 and exam.asked.index.isin(exam.test.index).all()

    def test_one_action_fewer_is_too_few(self, make_long_log):
        log = as_log(make_long_log(LEAST_ACTIONS))
        assert len(system.choose_exam(log, system.Settings()).train) == 240
        with pytest.raises(system.TooLittleData, match="299 actions; at least 300"):
            system.choose_exam(log.iloc[1:], system.Settings())

    def test_short_parts_of_time_fall_back_on_shares_of_actions(self, make_long_log):
        table = make_long_log(400)
        # A straggler a year later: the last tenth of the time holds one action.
        table.loc[399, "timestamp"] += pd.Timedelta("365D")
        exam = system.choose_exam(as_log(table), system.Settings())
        assert (len(exam.train), len(exam.validation), len(exam.test)) == (320, 40, 40)
        assert "shares of the actions" in exam.notes[0]

    def test_given_cutoffs_are_kept_or_refused(self, make_long_log):
        log = as_log(make_long_log(400))
        split = SplitSettings(cutoffs=["2024-01-12T00:00Z", "2024-01-15T00:00Z"])
        exam = system.choose_exam(log, system.Settings(split=split))
        assert exam.test["timestamp"].min() == pd.Timestamp("2024-01-15T00:00Z")
        late = SplitSettings(cutoffs=["2030-01-12T00:00Z", "2030-01-15T00:00Z"])
        with pytest.raises(ValueError, match="found none in validation"):
            system.choose_exam(log, system.Settings(split=late))

    @pytest.mark.parametrize(
        ("change", "said"),
        [
            ({"item_id": "p"}, "one item only"),
            ({"timestamp": pd.Timestamp("2024-01-01T00:00Z")}, "fewer than three different times"),
            ({"item_id": [f"order {i}" for i in range(400)]}, "items must come back"),
        ],
    )
    def test_what_cannot_be_learned_is_said(self, make_long_log, change, said):
        with pytest.raises(system.TooLittleData, match=said):
            system.choose_exam(as_log(make_long_log(400).assign(**change)), system.Settings())

    def test_a_large_log_is_cut_by_users(self, make_long_log):
        log = as_log(make_long_log(2000, users=10))
        small = system.Settings(log=LogSettings(most_actions=650))
        exam = system.choose_exam(log, small)
        assert len(exam.log) == 600 and exam.log["user_id"].nunique() == 3
        assert "3 users drawn at random from 10" in exam.notes[0]
        for user, part in exam.log.groupby("user_id"):
            assert len(part) == (log["user_id"] == user).sum()

    def test_one_giant_is_cut_to_its_latest(self, make_long_log):
        log = as_log(make_long_log(1000))
        drawn = system.draw_users(log, 400, np.random.default_rng(0))
        assert drawn["timestamp"].tolist() == log["timestamp"].tail(400).tolist()


class TestVerdict:
    def test_both_exams_hold_the_same_queries_and_never_mix(self, verdict, exam):
        assert list(verdict.results) == ["unknown", "known"]
        for name, results in verdict.results.items():
            assert {r.knowledge.time for r in results} == {name}
            assert all(r.queries.index.equals(exam.asked.index) for r in results)

    def test_leaderboard_is_the_evaluation(self, verdict):
        board = verdict.leaderboard("unknown")
        result = verdict.find("unknown", "user counter")
        scores = result.scores(k=verdict.k)
        assert board.loc["user counter", "mrr"] == pytest.approx(scores["mrr"].mean())
        assert board["mrr"].is_monotonic_increasing
        assert board.loc["user counter", "low"] < board.loc["user counter", "mrr"]

    def test_kinds_add_up(self, verdict):
        result = verdict.find("known", "user counter")
        back = result.queries["revisit"]
        row = verdict.by_kind("known").loc["user counter"]
        mean = row["MRR, revisits"] * back.mean()
        if not back.all():
            mean += row["MRR, new to the user"] * (~back).mean()
        assert mean == pytest.approx(result.scores()["mrr"].mean())

    def test_list_is_shorter_than_the_catalogue(self, exam):
        k, notes = system.fit_list_length(exam, 10)
        assert k == exam.train["item_id"].nunique() // 4 and len(notes) == 1
        assert system.fit_list_length(exam, 2) == (2, [])

    def test_one_user_has_no_interval_and_the_claims_say_so(self, make_long_log):
        log = as_log(make_long_log(400, items=8))
        chosen = system.Settings()
        exam = system.choose_exam(log, chosen)
        verdict = system.judge(exam, chosen, places=False)
        assert verdict.leaderboard("known")["low"].isna().all()
        assert list(verdict.recommenders) == ["unknown", "known"]
        assert "over 1 user<" in system.show_leaderboard(verdict, "known").body
        assert system.show_examples(verdict, exam).title == "Examples: 1 list with reasons"
        texts = [c.text for c in system.claims_of_exam(exam) + system.claims_of_verdict(verdict)]
        assert any(text.startswith("Any interval: one user") for text in texts)
        assert any("without an interval" in text for text in texts)
        assert not any(claim.holds for claim in system.claims_of_verdict(verdict))


class TestUsersNeeded:
    @pytest.mark.parametrize(
        ("half", "n", "gap", "expected"),
        [(0.02, 87, 0.01, 348), (0.01, 50, 0.01, 50), (0.01, 50, -0.02, 13), (1e-9, 5, 1, 2)],
    )
    def test_by_hand(self, half, n, gap, expected):
        assert system.users_needed(half, n, gap) == expected

    def test_it_shows_every_other_time(self):
        rng, n, gap, spread = np.random.default_rng(0), 30, 0.01, 0.05
        needed = system.users_needed(1.96 * spread / np.sqrt(n), n, gap)
        logs = rng.normal(gap, spread, (4000, needed))
        low = logs.mean(axis=1) - 1.96 * logs.std(axis=1, ddof=1) / np.sqrt(needed)
        assert (low > 0).mean() == pytest.approx(0.5, abs=0.03)

    def test_it_is_what_the_bootstrap_does(self):
        rng = np.random.default_rng(0)

        def half(n):
            table = metrics.bootstrap_means(pd.Series(rng.normal(size=n)), np.arange(n))
            return (table["high"] - table["low"]).iloc[0] / 2

        wide = half(50)
        needed = system.users_needed(wide, 50, wide / 4)
        assert needed == 800 and half(needed) == pytest.approx(wide / 4, rel=0.25)

    @pytest.mark.parametrize("bad", [(0, 5, 1), (1, 0, 1), (1, 5, 0)])
    def test_nonsense(self, bad):
        with pytest.raises(ValueError, match="expected a positive half_width"):
            system.users_needed(*bad)


class TestClaims:
    def test_a_column_less_is_a_claim_less(self, loaded):
        log = loaded.log.assign(lat=np.nan, lon=np.nan)
        poorer = dataclasses.replace(loaded, log=log)
        held = {c.text for c in system.claims_of_log(loaded) if c.holds}
        left = {c.text for c in system.claims_of_log(poorer) if c.holds}
        assert held - left == {"Distances: coordinates are known."}

    def test_clock(self, loaded):
        for clock, said in (("UTC", "those of UTC"), ("dates only", "dates only")):
            other = dataclasses.replace(loaded, clock=clock)
            assert any(said in c.text for c in system.claims_of_log(other) if not c.holds)

    def test_a_sure_gap_holds_and_a_model_against_itself_does_not(self, verdict):
        from stim_lib.system.claims import _compare

        best = verdict.find("known", "user counter")
        perfect = dataclasses.replace(best, model="oracle", queries=best.queries.assign(rank=1.0))
        assert _compare(verdict, perfect, best, "x").holds
        assert "other way round" in _compare(verdict, best, perfect, "x").text
        same = _compare(verdict, best, best, "x")
        assert not same.holds and "may be luck" in same.text

    @pytest.mark.parametrize(("n", "holds"), [(2, False), (5, False), (6, True)])
    def test_a_few_users_who_agree_are_no_support(self, verdict, n, holds):
        from stim_lib.system.claims import _compare

        result = verdict.find("known", "user counter")
        users = [f"u{i % n}" for i in range(len(result.queries))]
        first, second = (
            dataclasses.replace(result, queries=result.queries.assign(user_id=users, rank=rank))
            for rank in (1.0, 2.0)
        )
        claim = _compare(verdict, first, second, "x")
        assert claim.holds == holds and ("agree by luck" in claim.text) != holds

    def test_users_are_asked_for_only_where_they_would_help(self, verdict):
        from stim_lib.system.claims import _compare

        result = verdict.find("known", "user counter")
        n = len(result.queries)
        users = [f"u{i % 8}" for i in range(n)]
        # Five of eight users are a little better off with the first, three much worse.
        uneven = np.where(np.arange(n) % 8 < 5, 2.0, 1.0)
        first, second = (
            dataclasses.replace(result, queries=result.queries.assign(user_id=users, rank=rank))
            for rank in (1.5, uneven)
        )
        texts = [_compare(verdict, *pair, "x").text for pair in ((first, second), (second, first))]
        assert all("may be luck" in text for text in texts)
        assert sorted("every other time" in text for text in texts) == [False, True]
        assert sorted("points the other way" in text for text in texts) == [False, True]
        for text in texts:
            assert ("−" in text.split("(x): MRR ")[1][:1]) == ("other way" in text)

    def test_a_test_part_with_a_hole_is_thin(self, exam):
        late = exam.test.assign(timestamp=exam.test["timestamp"] + pd.Timedelta("100D"))
        said = [c.text for c in system.claims_of_exam(dataclasses.replace(exam, test=late))]
        assert any("times as many actions a day as training" in text for text in said)

    def test_thinned_future(self, exam):
        crowd = pd.concat([exam.test] * 20)
        crowded = dataclasses.replace(exam, test=crowd)
        said = [c.text for c in system.claims_of_exam(crowded)]
        assert any("as many actions a day as training" in text for text in said)
        assert not any("as many" in c.text for c in system.claims_of_exam(exam))


class TestPanels:
    def test_hostile_text_stays_text(self, loaded, exam, verdict):
        bad = "<script>alert(1)</script>"
        log = loaded.log.assign(text=bad, category=bad, item_id=loaded.log["item_id"] + bad)
        hostile = dataclasses.replace(
            loaded, log=log, columns={"user_id": bad}, notes=[bad], guessed=[]
        )
        pages = [system.show_quality(hostile), system.show_who(hostile), system.show_where(hostile)]
        page = system.make_page(pages, title=bad, about=[bad])
        assert "<script>alert" not in page and "&lt;script&gt;alert" in page

    def test_page_is_read_back_as_it_was_written(self):
        panels = [system.Panel("A", "<p>1</p>"), system.Panel("B & C", "<p>2</p>", first=True)]
        from stim_lib.system.report import read_panels

        assert read_panels([panel._repr_html_() for panel in panels]) == panels
        page = system.make_page(panels, title="T")
        assert page.index("B &amp; C") < page.index('<h2 id="part-2">A</h2>')

    def test_map_leaves_out_what_few_people_do(self, loaded):
        n = loaded.log["user_id"].nunique()
        assert "no map" in system.show_where(loaded, fewest_people=n + 1).title
        shown = system.show_where(loaded, fewest_people=3)
        assert "<iframe" in shown.body and "openstreetmap" not in shown.body.lower()

    def test_examples_name_no_user_and_no_small_place(self, loaded, exam):
        from stim_lib.system.show import _names

        names = _names(exam.log, 5)
        people = exam.log.groupby("item_id")["user_id"].nunique()
        small = people.index[people < 5]
        assert len(small) and (names[small] == "an item of fewer than 5 people").all()
        assert not any(item in names[item] for item in small)
        known = people.index[people >= 5]
        assert all(item in names[item] for item in known)

    def test_an_item_without_a_name_is_called_by_its_kind(self, exam):
        from stim_lib.system.show import _names

        log = exam.log.assign(text=exam.log["text"].mask(exam.log.index % 2 == 0))
        assert _names(log, 1).notna().all()

    def test_a_reason_does_not_tell_what_the_item_column_hides(self, exam):
        from stim_lib.recommend.reasons import plain_name
        from stim_lib.system.show import _secrets, hush

        secrets = _secrets(exam.log, 5)
        assert secrets
        item, words = next(iter(secrets.items()))
        kind = exam.log.loc[exam.log["item_id"] == item, "category"].iloc[0]
        assert words == {plain_name(item), plain_name(kind)}
        for reason in (
            f"you came here after a stop of the kind {kind} before",
            f"people come here after {item}",
            f"9% of what you do is {kind}",
            f"you have been to {kind} before",
        ):
            said = hush(reason, words)
            assert "(not named)" in said and kind not in said and item not in said
        assert hush("you were here 12 times", {"12", "Bar"}) == "you were here 12 times"
        assert hush("people come here after 12", {"12"}) == "people come here after (not named)"

    def test_secrets_stay_secret_in_the_page(self, exam):
        class Gossip:
            def rank(self, queries, k, *, history):
                items = exam.log["item_id"].unique()[:k]
                names = exam.log.drop_duplicates("item_id").set_index("item_id")["category"]
                rows = [
                    (q, n + 1, i, f"1% of what you do is {names[i]}")
                    for q in queries.index for n, i in enumerate(items)
                ]  # fmt: skip
                return pd.DataFrame(rows, columns=["query_id", "rank", "item_id", "reason"])

        verdict = system.Verdict({}, {"unknown": Gossip()}, {}, 10)
        body = system.show_examples(verdict, exam, n=2, fewest_people=1000).body
        assert not any(kind in body for kind in exam.log["category"].dropna().unique())

    def test_an_untuned_mix_is_said_to_be_untuned(self, exam):
        from stim_lib.system.judge import NOT_TUNED

        chosen = system.Settings(models={"recommender": False, "time_known": False})
        strange = dataclasses.replace(exam, tuned_on=exam.tuned_on.assign(item_id="new"))
        verdict = system.judge(strange, chosen)
        assert NOT_TUNED in verdict.notes
