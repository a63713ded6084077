"""The reader of GGUF files: right on whole files, and never surprised by broken ones."""

import struct
import time
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stim_lib import assets
from stim_lib.llm import GgufError, read_gguf, unpack_q4_1, unpack_q8_0

FIXTURE = Path(__file__).parents[1] / "fixtures" / "llm" / "smollm2_logits.npz"
LETTERS = dict(
    zip([0, 1, 2, 3, 4, 5, 6, 7, 10, 11, 12], ["<" + c for c in "BbHhIif?Qqd"], strict=True)
)


def text(value):
    raw = value if isinstance(value, bytes) else value.encode()
    return struct.pack("<Q", len(raw)) + raw


def pair(key, kind, value):
    """A key and its value; `value` of an array is (kind, count, bytes)."""
    head = text(key) + struct.pack("<I", kind)
    if kind == 8:
        return head + text(value)
    if kind == 9:
        return head + struct.pack("<IQ", *value[:2]) + value[2]
    return head + struct.pack(LETTERS.get(kind, "<I"), value)


def entry(name, sizes, kind, offset):
    head = text(name) + struct.pack(f"<I{len(sizes)}Q", len(sizes), *sizes)
    return head + struct.pack("<IQ", kind, offset)


def build(pairs=(), entries=(), data=b"", *, counts=None, version=3, magic=b"GGUF", step=32):
    n_tensors, n_pairs = counts or (len(entries), len(pairs))
    head = magic + struct.pack("<IQQ", version, n_tensors, n_pairs)
    head += b"".join(pairs) + b"".join(entries)
    return head + bytes(-len(head) % step) + data


Q4 = struct.pack("<2e", 0.5, -1.0) + bytes(range(0, 256, 16))
Q8 = struct.pack("<e", 0.25) + struct.pack("32b", *range(-16, 16))
F32 = np.arange(6, dtype="<f4").tobytes()
F16 = np.array([1.5, -2, 0.25], "<f2").tobytes()
DATA = F32.ljust(32, b"\0") + F16.ljust(32, b"\0") + (Q4 + Q4).ljust(64, b"\0") + Q8
PAIRS = [
    pair("general.name", 8, "tiny 小"),
    pair("n", 4, 7),
    pair("minus", 5, -7),
    pair("half", 6, 0.5),
    pair("yes", 7, True),
    pair("big", 10, 2**63),
    pair("words", 9, (8, 3, text("a") + text("") + text("é"))),
    pair("numbers", 9, (5, 3, struct.pack("<3i", 1, -2, 3))),
    pair("flags", 9, (7, 2, b"\x00\x02")),
    pair("nested", 9, (9, 1, struct.pack("<IQB", 0, 1, 9))),
]
ENTRIES = [
    entry("single", [3, 2], 0, 0),
    entry("half", [3], 1, 32),
    entry("four", [32, 2], 3, 64),
    entry("eight", [32], 8, 128),
]
WHOLE = build(PAIRS, ENTRIES, DATA)


@pytest.fixture
def write(tmp_path):
    def make(content):
        path = tmp_path / "x.gguf"
        path.write_bytes(content)
        return path

    return make


class TestWholeFile:
    def test_metadata(self, write):
        found = read_gguf(write(WHOLE)).metadata
        numbers = found.pop("numbers")
        flags = found.pop("flags")
        nested = found.pop("nested")
        assert found == {
            "general.name": "tiny 小",
            "n": 7,
            "minus": -7,
            "half": 0.5,
            "yes": True,
            "big": 2**63,
            "words": ["a", "", "é"],
        }
        assert numbers.dtype == np.int32 and numbers.tolist() == [1, -2, 3]
        assert flags.dtype == bool and flags.tolist() == [False, True]
        assert [part.tolist() for part in nested] == [[9]]

    def test_shape_is_that_of_numpy_and_numbers_are_those_that_were_written(self, write):
        file = read_gguf(write(WHOLE))
        assert file.read("single").tolist() == [[0, 1, 2], [3, 4, 5]]
        assert file.read("half").tolist() == [1.5, -2, 0.25]
        assert file.read("eight").tolist() == (np.arange(-16, 16) / 4).tolist()
        four = file.read("four")
        assert four.shape == (2, 32) and four.dtype == np.float32
        assert four[0, :16].tolist() == [-1.0] * 16  # The low half bytes are all 0.
        assert four[1, 16:].tolist() == (np.arange(16) / 2 - 1).tolist()
        assert file.tensors["four"].n_bytes == 40

    def test_raw_bytes_are_a_view_and_what_is_read_is_not(self, write):
        file = read_gguf(write(WHOLE))
        assert bytes(file.raw("four")) == Q4 + Q4
        assert not file.raw("four").flags.writeable
        file.read("single")[:] = 9
        assert file.read("single").max() == 5

    def test_version_2_and_another_alignment(self, write):
        pairs = [pair("general.alignment", 4, 8)]
        entries = [entry("a", [2], 0, 0), entry("b", [1], 0, 8)]
        content = build(pairs, entries, struct.pack("<3f", 1, 2, 3), version=2, step=8)
        file = read_gguf(write(content))
        assert [file.read(name).tolist() for name in "ab"] == [[1, 2], [3]]

    def test_unknown_name_is_answered_by_the_nearest(self, write):
        with pytest.raises(GgufError, match=r"4 tensors of x\.gguf, found 'singel'.*'single'"):
            read_gguf(write(WHOLE)).read("singel")


@settings(max_examples=50)
@given(st.binary(min_size=16, max_size=16), st.floats(-9, 9, width=16), st.floats(-9, 9, width=16))
def test_q4_1_is_step_times_half_byte_plus_least(halves, step, least):
    found = unpack_q4_1(struct.pack("<2e", step, least) + halves)[0]
    low, high = [byte % 16 for byte in halves], [byte // 16 for byte in halves]
    expected = np.float32(step) * np.array(low + high, np.float32) + np.float32(least)
    assert np.array_equal(found, expected)


@pytest.mark.parametrize(("unpack", "size"), [(unpack_q4_1, 20), (unpack_q8_0, 34)])
def test_unpacking_wants_whole_blocks(unpack, size):
    assert unpack(b"").shape == (0, 32)
    assert unpack(bytes(3 * size)).tolist() == np.zeros((3, 32)).tolist()
    with pytest.raises(GgufError, match=f"{size} bytes each, found {size + 1} bytes"):
        unpack(bytes(size + 1))


def one(*sizes, kind=0, offset=0, data=bytes(64)):
    return build((), [entry("w", sizes, kind, offset)], data)


def nested(depth):
    return struct.pack("<IQ", 9, 1) * depth + struct.pack("<IQ", 0, 0)


HUGE = 2**64 - 1
BROKEN = {
    "empty": (b"", "found an empty one"),
    "magic": (build(magic=b"GGML"), r"begins b'GGUF', found b'GGML'"),
    "version": (build(version=1), "version 2 or 3, found 1"),
    "big-endian": (build(version=3 << 24), "big-endian"),
    "no counts": (WHOLE[:12], "number of tensors of at least 8 bytes, found 4"),
    "many keys": (build(counts=(0, 2**60)), rf"{2**60} keys with values"),
    "many tensors": (build(counts=(HUGE, 0)), rf"{HUGE} entries of tensors"),
    "long key": (build([struct.pack("<Q", HUGE) + b"k" * 40]), f"a key of at least {HUGE} bytes"),
    "long array": (build([pair("k", 9, (4, 2**62, b"1234"))]), rf"array of {2**62} numbers"),
    "many texts": (build([pair("k", 9, (8, 2**40, b"1234"))]), rf"array of {2**40} values"),
    "key not UTF-8": (build([pair(b"\xff\xfe", 4, 1)]), r"a key in UTF-8, found b'\\xff"),
    "text not UTF-8": (build([pair("k", 8, b"\xc3")]), r"a text in UTF-8"),
    "type of value": (build([pair("k", 13, 0)]), "type of value from 0 to 12, found 13"),
    "key twice": (build([pair("k", 4, 1)] * 2), "each key once, found 'k' again"),
    "nested": (build([pair("k", 9, (9, 1, nested(9)))]), "at most 4 deep"),
    "alignment 0": (build([pair("general.alignment", 4, 0)]), "power of two, found '0'"),
    "alignment 48": (build([pair("general.alignment", 4, 48)]), "power of two, found '48'"),
    "alignment yes": (build([pair("general.alignment", 7, True)]), "power of two, found 'True'"),
    "kind": (one(32, kind=12), r"F32\), 1 \(F16\), 3 \(Q4_1\), 8 \(Q8_0\) for 'w', found 12"),
    "no dimension": (one(), "1 to 4 dimensions for 'w', found 0"),
    "dimensions": (one(1, 1, 1, 1, 1), "1 to 4 dimensions for 'w', found 5"),
    "size 0": (one(4, 0), r"of at least 1.*found \[4, 0\]"),
    "part of a block": (one(33, kind=3), r"first a multiple of 32.*found \[33\]"),
    "too large": (one(HUGE, HUGE, HUGE, HUGE), "'w' to end by byte 160"),
    "past the end": (one(17), "'w' to end by byte 128, where the file ends, found 132"),
    "offset far": (one(1, offset=2**63), "'w' to end by byte"),
    "offset odd": (one(1, offset=4), "'w' at a multiple of 32 bytes, found 4"),
    "tensor twice": (build((), ENTRIES[:1] * 2, DATA), "each tensor once, found 'single' again"),
    "overlap": (
        build((), [entry("a", [9], 0, 0), entry("b", [1], 0, 32)], bytes(64)),
        "'b' begin at byte 128, inside 'a'",
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_broken_file_is_refused_in_words(write, name):
    content, message = BROKEN[name]
    with pytest.raises(GgufError, match=message):
        read_gguf(write(content))


def test_every_cut_is_refused(write):
    """The last bytes belong to a tensor, so no shorter file is whole."""
    for length in range(len(WHOLE)):
        with pytest.raises(GgufError):
            read_gguf(write(WHOLE[:length]))


def read_all(path):
    """Everything that a reader may ask of a file, or the one error that may come."""
    try:
        file = read_gguf(path)
        for name, tensor in file.tensors.items():
            assert file.read(name).shape == tensor.shape
    except GgufError as error:
        assert len(str(error)) < 1000
        return None
    return file


# What an attacker would write: lengths at the edges, next to plain noise.
EDGES = [0, 1, 2, 3, 8, 9, 31, 32, 2**31 - 1, 2**32 - 1, 2**32, 2**63 - 1, 2**63, HUGE]
CHANGE = st.tuples(
    st.integers(0, len(WHOLE) - 1),
    st.one_of(
        st.binary(min_size=1, max_size=8),
        st.sampled_from([struct.pack("<Q", edge) for edge in EDGES]),
        st.sampled_from([struct.pack("<I", edge % 2**32) for edge in EDGES]),
    ),
)


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(CHANGE, min_size=1, max_size=4), st.integers(0, len(WHOLE)), st.booleans())
def test_damaged_file_is_read_or_refused(tmp_path_factory, changes, length, cut):
    content = bytearray(WHOLE)
    for place, new in changes:
        content[place : place + len(new)] = new
    path = tmp_path_factory.getbasetemp() / "damaged.gguf"
    path.write_bytes(content[:length] if cut else content)
    tracemalloc.start()
    started = time.process_time()
    try:
        read_all(path)
        assert tracemalloc.get_traced_memory()[1] < 2e6
    finally:
        tracemalloc.stop()
    assert time.process_time() - started < 1


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=200))
def test_noise_after_a_good_beginning_is_read_or_refused(tmp_path_factory, noise):
    path = tmp_path_factory.getbasetemp() / "noise.gguf"
    path.write_bytes(b"GGUF" + struct.pack("<IQQ", 3, 1, 1) + noise)
    read_all(path)


def test_many_small_values_cost_time_and_memory_in_proportion(write):
    """Empty texts and empty arrays are the most values that a file of some size can hold."""
    count = 200_000
    texts = pair("k", 9, (8, count, bytes(8 * count)))
    arrays = pair("m", 9, (9, count, struct.pack("<IQ", 0, 0) * count))
    path = write(build([texts, arrays]))
    started = time.process_time()
    assert len(read_gguf(path).metadata["m"]) == count
    assert time.process_time() - started < 10


@pytest.fixture(scope="module")
def file():
    return read_gguf(assets.fetch("smollm2"))


class TestRealModel:
    def test_counts(self, file):
        kinds = [tensor.kind for tensor in file.tensors.values()]
        assert {kind: kinds.count(kind) for kind in kinds} == {"Q8_0": 1, "F32": 61, "Q4_1": 210}
        assert sum(np.prod(tensor.shape) for tensor in file.tensors.values()) == 134_515_008
        assert file.metadata["llama.block_count"] == 30
        last = max(file.tensors.values(), key=lambda tensor: tensor.offset)
        assert last.offset + last.n_bytes == file.path.stat().st_size

    def test_embedding_of_a_token_is_the_first_state_of_the_reference(self, file):
        with np.load(FIXTURE) as reference:
            token, state = reference["english.ids"][-1], reference["english.hidden"][0]
        assert np.array_equal(file.read("token_embd.weight")[token], state)
