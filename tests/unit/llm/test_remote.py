"""A remote model against a stub of a server on this computer that behaves well, badly, or not."""

import contextlib
import json
import os
import threading
import time
import traceback
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest

from stim_lib.llm.remote import RemoteModel
from stim_lib.llm.replies import RemoteModelError, continuation_score
from stim_lib.llm.text_model import TextModel

KEY = "sk-test-7f3a9c51"


class Stub:
    """Answers the n-th request by the n-th of its answers; the last one is repeated."""

    def __init__(self):
        self.requests, self.answers = [], []
        stub = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["content-length"]))
                stub.requests.append((self.path, dict(self.headers), json.loads(body)))
                answer = stub.answers[min(len(stub.requests), len(stub.answers)) - 1]
                with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                    answer(self, json.loads(body))

            def log_message(self, *arguments):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}/v1"
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()


@pytest.fixture
def stub():
    server = Stub()
    yield server
    server.server.shutdown()
    server.server.server_close()


@pytest.fixture
def make(stub, tmp_path):
    def make_model(*answers, **settings):
        stub.answers = list(answers)
        settings = {"first_wait": 0.01, "timeout": 5.0, "cache_dir": tmp_path / "cache"} | settings
        return RemoteModel(stub.url, "small", **settings)

    return make_model


def reply(content, status=200, headers=()):
    content = content if isinstance(content, bytes) else json.dumps(content).encode()

    def answer(handler, request):
        handler.send_response(status)
        for name, value in headers:
            handler.send_header(name, value)
        handler.send_header("content-type", "application/json")
        handler.send_header("content-length", str(len(content)))
        handler.end_headers()
        handler.wfile.write(content)

    return answer


def chat(text):
    return reply({"id": "1", "choices": [{"index": 0, "message": {"content": text}}]})


def embed(handler, request):
    data = [
        {"index": i, "embedding": [float(len(text)), 1.0]}
        for i, text in enumerate(request["input"])
    ]
    # Out of order on purpose.
    reply({"data": data[::-1]})(handler, request)


def word_logprobs(text):
    """Tokens end before a space; the log-probability of each but the first is minus its length."""
    tokens = [" " + word if i else word for i, word in enumerate(text.split(" "))]
    offsets = np.cumsum([0, *map(len, tokens[:-1])]).tolist()
    values = [None, *(-float(len(token)) for token in tokens[1:])]
    return {"tokens": tokens, "token_logprobs": values, "text_offset": offsets}


def complete(handler, request):
    assert request["echo"] is True and request["max_tokens"] == 0
    choices = [
        {"index": i, "text": text, "logprobs": word_logprobs(text)}
        for i, text in enumerate(request["prompt"])
    ]
    reply({"choices": choices})(handler, request)


def slow(seconds):
    def answer(handler, request):
        time.sleep(seconds)
        chat("late")(handler, request)

    return answer


def dripping(status):
    def answer(handler, request):
        handler.send_response(status)
        handler.end_headers()
        for _ in range(200):
            handler.wfile.write(b" ")
            time.sleep(0.05)

    return answer


def cut_off(handler, request):
    handler.send_response(200)
    handler.send_header("content-length", "1000")
    handler.end_headers()
    handler.wfile.write(b'{"choices": [')


def files(model):
    return sorted(model.cache_dir.rglob("*.json"))


class TestGoodReplies:
    def test_is_a_text_model_and_asks_nothing_when_it_is_made(self, make, stub):
        model = make(chat("3"))
        assert isinstance(model, TextModel) and stub.requests == []
        assert not model.cache_dir.exists()

    def test_generate_sends_the_prompt_and_returns_the_reply(self, make, stub):
        model = make(chat("Food"), chat("餐饮"))
        assert model.generate(["a", "b"], 5, stop=["\n"], temperature=0.5, seed=7) == [
            "Food",
            "餐饮",
        ]
        path, _, body = stub.requests[0]
        assert path == "/v1/chat/completions" and body["model"] == "small"
        assert body["messages"] == [{"role": "user", "content": "a"}]
        assert (body["max_tokens"], body["temperature"], body["seed"]) == (5, 0.5, 7)
        assert body["stop"] == ["\n"]

    def test_embed_restores_the_order(self, make, stub):
        vectors = make(embed, batch_size=2, embedding_model="vectors").embed(["a", "bbb", "cc"])
        assert vectors.tolist() == [[1, 1], [3, 1], [2, 1]]
        assert [len(request[2]["input"]) for request in stub.requests] == [2, 1]
        assert stub.requests[0][2]["model"] == "vectors"

    def test_score_sums_the_tokens_of_the_candidate_alone(self, make, stub):
        scores = make(complete, batch_size=2).score(["to be", "or"], [" a", " bc de", " f"])
        assert scores.tolist() == [[-2, -6, -2]] * 2
        assert len(stub.requests) == 4

    def test_empty_questions_ask_nothing(self, make, stub):
        model = make(chat("x"))
        assert model.generate([]) == [] and model.score(["a"], []).shape == (1, 0)
        assert model.score([], ["a"]).shape == (0, 1) and model.embed([]).shape == (0, 0)
        assert stub.requests == []

    def test_progress_goes_to_stderr(self, make, capsys):
        make(chat("x"), progress=True).generate(["a", "b"])
        assert capsys.readouterr().err == "generate: 2 of 2 asked\n"


class TestCache:
    def test_a_second_time_makes_no_request(self, make, stub):
        model = make(chat("x"))
        model.generate(["a", "a"])
        assert len(stub.requests) == 1
        assert make(chat("y")).generate(["a"]) == ["x"]
        assert len(stub.requests) == 1

    def test_vectors_and_scores_come_back_equal(self, make, stub):
        model = make(embed)
        assert np.array_equal(model.embed(["a", "bb"]), model.embed(["a", "bb"]))
        assert len(stub.requests) == 1
        model = make(complete)
        assert np.array_equal(model.score(["to"], [" a"]), model.score(["to"], [" a"]))
        assert len(stub.requests) == 2

    @pytest.mark.parametrize("change", [{"max_tokens": 9}, {"seed": 1}, {"temperature": 1.0}])
    def test_another_request_is_another_entry(self, make, stub, change):
        model = make(chat("x"))
        model.generate(["a"])
        model.generate(["a"], **change)
        assert len(stub.requests) == 2

    def test_another_model_or_address_is_another_entry(self, make, stub, tmp_path):
        make(chat("x")).generate(["a"])
        RemoteModel(stub.url, "large", cache_dir=tmp_path / "cache").generate(["a"])
        RemoteModel(stub.url[:-3], "small", cache_dir=tmp_path / "cache").generate(["a"])
        assert len(stub.requests) == 3

    @pytest.mark.parametrize(
        "content", ["", "{", "[]", "null", '{"version": 1}', "\x00" * 10, None, "number", "other"]
    )
    def test_a_damaged_entry_is_asked_anew(self, make, stub, content):
        model = make(chat("x"))
        model.generate(["a"])
        (path,) = files(model)
        entry = json.loads(path.read_text())
        whole = {
            None: path.read_text()[:-9],
            "number": json.dumps(entry | {"answer": 3}),
            "other": json.dumps(entry | {"request": {"kind": "other"}}),
        }
        path.write_text(whole.get(content, content))
        with pytest.warns(UserWarning, match=r"damaged"):
            assert model.generate(["a"]) == ["x"]
        assert len(stub.requests) == 2
        assert model.generate(["a"]) == ["x"]
        assert len(stub.requests) == 2

    def test_an_answer_of_another_kind_is_asked_anew(self, make, stub):
        model = make(complete)
        model.score(["to"], [" a", " b"])
        (path,) = files(model)
        path.write_text(json.dumps(json.loads(path.read_text()) | {"answer": [-1.0]}))
        assert model.score(["to"], [" a", " b"]).tolist() == [[-2, -2]]

    def test_a_folder_that_cannot_be_written_costs_a_warning(self, make, tmp_path):
        (tmp_path / "file").write_text("")
        model = make(chat("x"), cache_dir=tmp_path / "file" / "cache")
        with pytest.warns(UserWarning):
            assert model.generate(["a"]) == ["x"]

    def test_failures_are_not_kept_and_leave_nothing_unfinished(self, make):
        model = make(chat("x"), reply(b"nonsense"))
        with pytest.raises(RemoteModelError):
            model.generate(["a", "b"])
        assert len(files(model)) == 1
        assert [path for path in model.cache_dir.rglob("*") if path.is_file()] == files(model)

    @pytest.mark.skipif(os.name != "posix", reason="rights of files are another thing there")
    def test_an_entry_is_for_its_owner_alone(self, make):
        model = make(chat("x"))
        model.generate(["a"])
        assert files(model)[0].stat().st_mode & 0o077 == 0


class TestTryingAgain:
    @pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
    def test_an_error_that_may_pass_is_tried_again(self, make, stub, status):
        assert make(reply(b"busy", status), chat("x")).generate(["a"]) == ["x"]
        assert len(stub.requests) == 2

    @pytest.mark.parametrize("status", [301, 307, 400, 401, 403, 404, 422])
    def test_one_that_stays_is_not(self, make, stub, status):
        headers = [("location", "/elsewhere")] if status < 400 else []
        with pytest.raises(RemoteModelError, match=f"status {status} .no.*1 of 4 tries"):
            make(reply(b"no", status, headers)).generate(["a"])
        assert len(stub.requests) == 1

    def test_tries_are_bounded(self, make, stub):
        with pytest.raises(RemoteModelError, match=r"3 of 3 tries"):
            make(reply(b"busy", 500), attempts=3).generate(["a"])
        assert len(stub.requests) == 3

    def test_waits_double(self, make, monkeypatch):
        waits = []
        monkeypatch.setattr("stim_lib.llm.connection.time.sleep", waits.append)
        with pytest.raises(RemoteModelError):
            make(reply(b"busy", 500), first_wait=0.5).generate(["a"])
        assert waits == [0.5, 1.0, 2.0]

    @pytest.mark.parametrize(
        ("asked", "expected"), [("3", 3.0), ("0", 0.0), ("-1", 0.0), ("soon", 0.5), ("nan", 0.5)]
    )
    def test_retry_after_goes_first(self, make, monkeypatch, asked, expected):
        waits = []
        monkeypatch.setattr("stim_lib.llm.connection.time.sleep", waits.append)
        model = make(reply(b"", 429, [("retry-after", asked)]), chat("x"), first_wait=0.5)
        assert model.generate(["a"]) == ["x"]
        assert waits == [expected]

    def test_retry_after_may_be_a_date(self, make, monkeypatch):
        waits = []
        monkeypatch.setattr("stim_lib.llm.connection.time.sleep", waits.append)
        date = formatdate(time.time() + 20, usegmt=True)
        make(reply(b"", 429, [("retry-after", date)]), chat("x")).generate(["a"])
        assert 15 < waits[0] <= 20

    def test_a_wait_that_is_too_long_ends_the_tries(self, make, stub):
        with pytest.raises(RemoteModelError, match=r"asks to wait 3600 s"):
            make(reply(b"", 429, [("retry-after", "3600")])).generate(["a"])
        assert len(stub.requests) == 1

    def test_a_timeout_is_tried_again_and_named(self, make, stub):
        with pytest.raises(RemoteModelError, match=r"none within 0.5 s, after 2 of 2"):
            make(slow(2.0), timeout=0.5, attempts=2).generate(["a"])
        assert len(stub.requests) == 2
        assert make(slow(3.0), chat("x"), chat("x"), chat("x"), timeout=1.0).generate(["a"]) == [
            "x"
        ]

    @pytest.mark.parametrize(("status", "found"), [(200, "none within 0.3 s"), (400, "status 400")])
    def test_a_reply_that_drips_is_not_waited_for(self, make, status, found):
        make(chat("x")).generate(["the client is imported"])
        model = make(dripping(status), timeout=0.3, attempts=1)
        started = time.monotonic()
        with pytest.raises(RemoteModelError, match=found):
            model.generate(["a"])
        assert time.monotonic() - started < 6

    def test_a_reply_that_is_cut_off_is_tried_again(self, make, stub):
        assert make(cut_off, chat("x")).generate(["a"]) == ["x"]

    def test_no_server_at_all(self, tmp_path):
        model = RemoteModel("http://127.0.0.1:9/v1", "m", attempts=2, first_wait=0.0,
                            cache_dir=tmp_path)  # fmt: skip
        with pytest.raises(RemoteModelError, match=r"broken connection.*Is the server running"):
            model.generate(["a"])


class TestGarbage:
    @pytest.mark.parametrize(
        "content",
        [
            b"", b"<html>404</html>", b"[]", b"null", b"{}", b'{"choices": []}', b"\xff\xfe\x00",
            b'{"choices": [{"message": {"content": null}}]}', b"[" * 100_000,
            b'{"choices": [{"message": {"content": 3}}]}', b'{"choices": [{"message": {"con',
            b'{"choices": [{"message": {"content": "a"}}, {"message": {"content": "b"}}]}',
        ],
    )  # fmt: skip
    def test_a_chat_that_is_none(self, make, stub, content):
        with pytest.raises(RemoteModelError, match=r"expected a ChatReply.*found.*right address"):
            make(reply(content)).generate(["a"])
        assert len(stub.requests) == 1

    def test_the_message_does_not_quote_the_reply(self, make):
        content = "".join(map(chr, range(97, 123)))
        with pytest.raises(RemoteModelError) as caught:
            make(reply({"choices": content})).generate(["a"])
        assert content not in "".join(traceback.format_exception(caught.value))

    @pytest.mark.parametrize("status", [200, 400])
    def test_one_that_is_huge(self, make, status):
        huge = reply(b'{"x": "' + b"a" * 3_000_000 + b'"}', status)
        with pytest.raises(RemoteModelError, match=r"at most 1,000 bytes|status 400") as caught:
            make(huge, max_bytes=1000).generate(["a"])
        assert len(str(caught.value)) < 500

    def test_one_that_is_packed(self, make):
        with pytest.raises(RemoteModelError, match=r"compressed"):
            make(reply(b"x", 200, [("content-encoding", "gzip")])).generate(["a"])

    def test_control_characters_of_an_error_do_not_reach_the_terminal(self, make):
        with pytest.raises(RemoteModelError) as caught:
            make(reply("\x1b[31m\u202eno\r\n".encode(), 400)).generate(["a"])
        assert str(caught.value).isprintable()

    @pytest.mark.parametrize(
        "data",
        [
            [], [{"index": 0, "embedding": [1.0]}], "two",
            [{"index": 0, "embedding": [1.0]}] * 2,
            [{"index": 0, "embedding": [1.0]}, {"index": 5, "embedding": [1.0]}],
            [{"index": i, "embedding": [1.0]} for i in range(3)],
            [{"index": i, "embedding": []} for i in range(2)],
            [{"index": i, "embedding": ["1"]} for i in range(2)],
            [{"index": i, "embedding": [float("nan")]} for i in range(2)],
            [{"index": i, "embedding": [float("inf")]} for i in range(2)],
            [{"index": i, "embedding": [1.0] * (1 + i)} for i in range(2)],
        ],
    )  # fmt: skip
    def test_vectors_that_are_none(self, make, data):
        with pytest.raises(RemoteModelError, match=r"expected"):
            make(reply({"data": data})).embed(["a", "b"])

    @pytest.mark.parametrize(
        "logprobs",
        [
            None, {}, [], {"content": []}, {"tokens": [], "token_logprobs": [], "text_offset": []},
            {"tokens": ["to", " a"], "token_logprobs": [None], "text_offset": [0, 2]},
            {"tokens": ["to", " a"], "token_logprobs": [None, "x"], "text_offset": [0, 2]},
            {"tokens": ["to", " a"], "token_logprobs": [None, float("nan")], "text_offset": [0, 2]},
        ],
    )  # fmt: skip
    def test_a_server_without_logprobs_is_told_so(self, make, logprobs):
        answer = reply({"choices": [{"index": 0, "text": "to a", "logprobs": logprobs}]})
        with pytest.raises(RemoteModelError, match=r"log-probabilities of the prompt|expected"):
            make(answer).score(["to"], [" a"])

    def test_what_is_missing_is_named(self, make):
        answer = reply({"choices": [{"index": 0, "text": " b"}]})
        with pytest.raises(RemoteModelError, match=r"token_logprobs.*found none.*generate"):
            make(answer).score(["to"], [" a"])


class TestContinuation:
    def test_a_mark_of_the_beginning_is_left_out(self):
        marked = {
            "tokens": ["<s>", "to", " a"], "token_logprobs": [None, -9.0, -2.0],
            "text_offset": [0, 3, 5],
        }  # fmt: skip
        assert continuation_score(marked, "to", " a") == -2.0

    def test_a_token_over_the_edge_is_refused(self):
        read = {"tokens": ["t", "o a"], "token_logprobs": [None, -2.0], "text_offset": [0, 1]}
        with pytest.raises(RemoteModelError, match=r"End the prompt without a space"):
            continuation_score(read, "to", " a")

    def test_a_probability_above_one_is_refused(self):
        read = {"tokens": ["to", " a"], "token_logprobs": [None, 2.0], "text_offset": [0, 2]}
        with pytest.raises(RemoteModelError, match=r"at most 0"):
            continuation_score(read, "to", " a")


class TestKey:
    def model(self, make, monkeypatch, *answers, **settings):
        monkeypatch.setenv("STIM_TEST_KEY", KEY)
        return make(*answers, key_variable="STIM_TEST_KEY", **settings)

    def test_it_is_sent_and_stands_nowhere_else(self, make, stub, monkeypatch, caplog, capsys):
        caplog.set_level("DEBUG")
        model = self.model(make, monkeypatch, chat("x"), progress=True)
        model.generate(["a"])
        assert stub.requests[0][1]["authorization"] == f"Bearer {KEY}"
        kept = "".join(path.read_text() for path in files(model))
        output = "".join(capsys.readouterr())
        assert kept and KEY not in kept + repr(model) + str(vars(model)) + caplog.text + output

    @pytest.mark.parametrize("status", [401, 500])
    def test_a_server_that_sends_it_back_in_an_error(self, make, monkeypatch, status):
        model = self.model(make, monkeypatch, reply({"error": f"bad key {KEY}"}, status))
        with pytest.raises(RemoteModelError) as caught:
            model.generate(["a"])
        text = "".join(traceback.format_exception(caught.value))
        assert KEY not in text and "[key]" in text
        assert caught.value.__cause__ is None and caught.value.__context__ is None

    def test_a_server_that_sends_it_back_in_a_reply(self, make, monkeypatch):
        model = self.model(make, monkeypatch, chat(f"your key is {KEY}"))
        with pytest.raises(RemoteModelError, match=r"the reply.*found the key"):
            model.generate(["a"])
        assert files(model) == []

    def test_a_prompt_that_holds_it_is_not_sent(self, make, stub, monkeypatch):
        model = self.model(make, monkeypatch, chat("x"))
        with pytest.raises(RemoteModelError, match=r"a prompt.*found the key"):
            model.generate([f"hello {KEY}"])
        assert stub.requests == []

    def test_without_a_variable_no_key_is_sent_whatever_is_set(self, make, stub, monkeypatch):
        for name in ("OPENAI_API_KEY", "OPENAI_ORG_ID", "OPENAI_PROJECT_ID", "OPENAI_ADMIN_KEY"):
            monkeypatch.setenv(name, KEY)
        monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", f"x-secret: {KEY}")
        monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")
        make(chat("x")).generate(["a"])
        headers = {name.lower() for name in stub.requests[0][1]}
        assert KEY not in str(stub.requests) and "authorization" not in headers
        strange = {name for name in headers if name.startswith(("x-", "openai"))}
        assert strange <= {"x-stainless-raw-response"}

    def test_a_proxy_does_not_see_what_stays_here(self, make, stub, monkeypatch):
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, "http://127.0.0.1:9")
        assert make(chat("x"), attempts=1).generate(["a"]) == ["x"]

    @pytest.mark.parametrize("value", [None, "", "  ", "k\u00e9y", "a\nb"])
    def test_a_variable_without_a_key(self, make, stub, monkeypatch, value):
        monkeypatch.delenv("STIM_TEST_KEY", raising=False)
        if value is not None:
            monkeypatch.setenv("STIM_TEST_KEY", value)
        with pytest.raises(RemoteModelError, match=r"STIM_TEST_KEY: expected an environment"):
            make(chat("x"), key_variable="STIM_TEST_KEY").generate(["a"])
        assert stub.requests == []

    def test_the_key_in_place_of_its_name_is_refused_and_not_quoted(self, make):
        with pytest.raises(ValueError, match=r"belongs into that variable") as caught:
            make(chat("x"), key_variable=KEY)
        assert KEY not in str(caught.value)


class TestSettings:
    @pytest.mark.parametrize(
        "address",
        [
            "", "host", "ftp://host", "http://", "http://me:secret@host/v1", "http://h/v1?key=secret",
            "http://h/#x", "http://h:99999/", "http://a b/", None, "http://h\n/v1",
        ],
    )  # fmt: skip
    def test_an_address_that_is_none(self, address):
        with pytest.raises(ValueError, match=r"base_url: expected http") as caught:
            RemoteModel(address, "m")
        assert "secret" not in str(caught.value)

    def test_there_is_no_default(self):
        with pytest.raises(TypeError):
            RemoteModel()
        with pytest.raises(TypeError):
            RemoteModel("http://127.0.0.1:1/v1")

    @pytest.mark.parametrize("host", ["example.org", "192.168.0.7", "127.0.0.1.example.org"])
    def test_a_key_does_not_travel_unencrypted(self, host):
        with pytest.raises(ValueError, match=r"expected https"):
            RemoteModel(f"http://{host}/v1", "m", key_variable="MY_KEY")
        RemoteModel(f"https://{host}/v1", "m", key_variable="MY_KEY")

    @pytest.mark.parametrize(
        "wrong", [{"attempts": 0}, {"timeout": 0}, {"max_bytes": -1}, {"batch_size": 0}]
    )
    def test_numbers_out_of_range(self, wrong):
        with pytest.raises(ValueError, match=f"{next(iter(wrong))}: expected more than 0"):
            RemoteModel("http://127.0.0.1:1/v1", "m", **wrong)

    def test_one_text_in_place_of_a_list(self, make):
        with pytest.raises(ValueError, match=r"prompts: expected a list of texts, found str"):
            make(chat("x")).generate("abc")
