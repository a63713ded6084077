"""Read a GGUF file: the weights of a language model, and what it says about itself.

The file is untrusted. Every count and length is held against the bytes that are there before
anything is made of it. Introduced in chapter 09.
"""

from __future__ import annotations

import difflib
import math
import mmap
import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

MAGIC = b"GGUF"
VERSIONS = (2, 3)
BLOCK = 32  # Numbers in one block of a quantised tensor.
MAX_DIMENSIONS = 4
MAX_NESTING = 4
TEXT, ARRAY = 8, 9
# Number of a type in the file → how `struct` calls it; NumPy understands the same letters.
NUMBERS = {
    0: "<B", 1: "<b", 2: "<H", 3: "<h", 4: "<I", 5: "<i", 6: "<f", 7: "<?",
    10: "<Q", 11: "<q", 12: "<d",
}  # fmt: skip
U32, U64 = "<I", "<Q"
SMALLEST_PAIR = 13  # Bytes of a key of no letters, its type, and a value of one byte.
SMALLEST_TENSOR = 32  # Bytes of an entry without a name and with one dimension.


class GgufError(ValueError):
    """The file is not what a GGUF file should be; the message says what was found where."""


def unpack_q4_1(raw: bytes | np.ndarray) -> np.ndarray:
    """Numbers of blocks of type Q4_1: four bits each, with a step and a least value per block.

    Parameters
    ----------
    raw : bytes or uint8 array, n_blocks · 20 bytes

    Returns
    -------
    float32 array, shape (n_blocks, 32)

    Raises
    ------
    GgufError
        If the bytes are no whole number of blocks.

    Notes
    -----
    A block is two float16, the step d and the least value m, and 16 bytes. The low half of byte j
    is the integer q of number j, the high half that of number j + 16. The number is d · q + m.
    Five bits a number, all told. Introduced in chapter 09.

    Examples
    --------
    >>> step_and_least = np.array([0.5, -1.0], "<f2").tobytes()
    >>> unpack_q4_1(step_and_least + bytes([0x30] + 15 * [0x22]))[0, [0, 1, 16]].tolist()
    [-1.0, 0.0, 0.5]
    """
    blocks = _blocks(raw, 20, "Q4_1")
    step = blocks[:, 0:2].view("<f2").astype(np.float32)
    least = blocks[:, 2:4].view("<f2").astype(np.float32)
    numbers = np.empty((len(blocks), BLOCK), np.float32)
    numbers[:, :16] = blocks[:, 4:] & 0x0F
    numbers[:, 16:] = blocks[:, 4:] >> 4
    with np.errstate(invalid="ignore"):  # A step may be infinite in a damaged file.
        numbers *= step
        numbers += least
    return numbers


def unpack_q8_0(raw: bytes | np.ndarray) -> np.ndarray:
    """Numbers of blocks of type Q8_0: eight bits each, with one step per block.

    Parameters
    ----------
    raw : bytes or uint8 array, n_blocks · 34 bytes

    Returns
    -------
    float32 array, shape (n_blocks, 32)

    Raises
    ------
    GgufError
        If the bytes are no whole number of blocks.

    Notes
    -----
    A block is a float16, the step d, and 32 signed bytes q. The number is d · q. Introduced in
    chapter 09.

    Examples
    --------
    >>> unpack_q8_0(np.array([0.25], "<f2").tobytes() + bytes([4, 255] + 30 * [0]))[0, :3].tolist()
    [1.0, -0.25, 0.0]
    """
    blocks = _blocks(raw, 34, "Q8_0")
    step = blocks[:, 0:2].view("<f2").astype(np.float32)
    with np.errstate(invalid="ignore"):
        return blocks[:, 2:].view(np.int8) * step


def _blocks(raw: bytes | np.ndarray, size: int, kind: str) -> np.ndarray:
    flat = np.frombuffer(raw, np.uint8)
    if len(flat) % size:
        raise GgufError(
            f"raw: expected whole blocks of {kind}, {size} bytes each, found {len(flat)} bytes"
        )
    return flat.reshape(-1, size)


@dataclass(frozen=True)
class Kind:
    """How the numbers of a tensor are kept: `numbers` of them in `n_bytes`, and how to unpack."""

    name: str
    numbers: int
    n_bytes: int
    unpack: Callable[[np.ndarray], np.ndarray]


KINDS = {
    0: Kind("F32", 1, 4, lambda raw: np.frombuffer(raw, "<f4").astype(np.float32)),
    1: Kind("F16", 1, 2, lambda raw: np.frombuffer(raw, "<f2").astype(np.float32)),
    3: Kind("Q4_1", BLOCK, 20, unpack_q4_1),
    8: Kind("Q8_0", BLOCK, 34, unpack_q8_0),
}


@dataclass(frozen=True)
class TensorInfo:
    """One tensor of the file.

    Attributes
    ----------
    name : str
    kind : str
        F32, F16, Q4_1 or Q8_0.
    shape : tuple of int
        As NumPy counts, the last axis being the one that lies together: the file has it reversed.
    offset : int
        Its first byte, from the start of the file.
    n_bytes : int
    """

    name: str
    kind: str
    shape: tuple[int, ...]
    offset: int
    n_bytes: int


@dataclass(frozen=True)
class GgufFile:
    """An open file; nothing of the weights is read before it is asked for.

    Attributes
    ----------
    path : Path
    metadata : dict
        What the file says about the model. Arrays of numbers are NumPy arrays, others lists.
    tensors : dict
        Name → `TensorInfo`, in the order of the file.
    """

    path: Path
    metadata: dict[str, object]
    tensors: dict[str, TensorInfo]
    _bytes: mmap.mmap = field(repr=False)

    def raw(self, name: str) -> np.ndarray:
        """Bytes of one tensor as they lie in the file: a view, uint8, not writable."""
        if name not in self.tensors:
            near = difflib.get_close_matches(name, self.tensors, n=1)
            guess = f" Did you mean {near[0]!r}?" if near else ""
            raise GgufError(
                f"name: expected one of the {len(self.tensors)} tensors of {self.path.name}, "
                f"found {name!r}.{guess}"
            )
        tensor = self.tensors[name]
        return np.frombuffer(self._bytes, np.uint8, tensor.n_bytes, tensor.offset)

    def read(self, name: str) -> np.ndarray:
        """Numbers of one tensor: a new float32 array of its shape."""
        raw = self.raw(name)
        tensor = self.tensors[name]
        kind = next(kind for kind in KINDS.values() if kind.name == tensor.kind)
        return kind.unpack(raw).reshape(tensor.shape)


def read_gguf(path: str | Path) -> GgufFile:
    """Open a GGUF file of version 2 or 3.

    Parameters
    ----------
    path : path

    Returns
    -------
    GgufFile
        With `metadata`, `tensors` and `read(name)`.

    Raises
    ------
    GgufError
        If the file is no such file, is cut off, contradicts itself, or has tensors of a kind that
        is not read here.
    FileNotFoundError
        If there is none.

    Notes
    -----
    The format is that of ggml, ``docs/gguf.md``: the letters GGUF, a version, two counts; so many
    pairs of key and value; so many entries of tensors; then the tensors, each at a multiple of
    ``general.alignment``. Introduced in chapter 09.

    Examples
    --------
    >>> import tempfile
    >>> empty = Path(tempfile.mkdtemp()) / "empty.gguf"
    >>> _ = empty.write_bytes(b"GGUF" + struct.pack("<IQQ", 3, 0, 0))
    >>> read_gguf(empty).tensors
    {}
    """
    path = Path(path)
    with path.open("rb") as file:
        try:
            content = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        except ValueError:  # An empty file can't be mapped.
            raise GgufError(f"{path.name}: expected a GGUF file, found an empty one") from None
    header = _Header(content, path.name)
    n_tensors, n_pairs = header.start()
    metadata: dict[str, object] = {}
    for _ in range(n_pairs):
        key = header.text("a key")
        if key in metadata:
            raise header.error(f"each key once, found {_short(key)} again")
        metadata[key] = header.value(header.number(U32, "the type of a value"))
    entries = [header.entry() for _ in range(n_tensors)]
    return GgufFile(path, metadata, header.place(entries, metadata), content)


def _short(text: str) -> str:
    return repr(text if len(text) <= 60 else text[:60] + "…")


class _Header:
    """Reads from the front of the file; knows where it is and how much is left."""

    def __init__(self, content: mmap.mmap, name: str) -> None:
        self.content = content
        self.name = name
        self.at = 0

    def error(self, rest: str) -> GgufError:
        return GgufError(f"{self.name}, byte {self.at}: expected {rest}")

    def need(self, size: int, what: str) -> None:
        """Refuse what can't be there, before it is read or room is made for it."""
        left = len(self.content) - self.at
        if size > left:
            raise self.error(
                f"{what} of at least {size} bytes, found {left} bytes to the end. "
                "The file is cut off or damaged: fetch it again."
            )

    def take(self, size: int, what: str) -> bytes:
        self.need(size, what)
        self.at += size
        return self.content[self.at - size : self.at]

    def number(self, kind: str, what: str) -> int | float | bool:
        return struct.unpack(kind, self.take(struct.calcsize(kind), what))[0]

    def text(self, what: str) -> str:
        length = self.number(U64, f"the length of {what}")
        raw = self.take(length, what)
        try:
            return raw.decode("utf-8")
        except UnicodeDecodeError:
            raise self.error(f"{what} in UTF-8, found {raw[:20]!r}") from None

    def start(self) -> tuple[int, int]:
        """Magic, version and the two counts."""
        magic = self.take(4, "the letters GGUF")
        if magic != MAGIC:
            raise GgufError(f"{self.name}: expected a file that begins {MAGIC!r}, found {magic!r}")
        version = self.number(U32, "the version")
        if version not in VERSIONS:
            swapped = int.from_bytes(version.to_bytes(4, "little"), "big") in VERSIONS
            why = " Its numbers are big-endian, which is not read here." if swapped else ""
            raise self.error(f"version 2 or 3, found {version}.{why}")
        n_tensors = self.number(U64, "the number of tensors")
        n_pairs = self.number(U64, "the number of keys")
        self.need(n_pairs * SMALLEST_PAIR, f"{n_pairs} keys with values")
        self.need(n_tensors * SMALLEST_TENSOR, f"{n_tensors} entries of tensors")
        return n_tensors, n_pairs

    def value(self, kind: int, depth: int = 0) -> object:
        if kind == TEXT:
            return self.text("a text")
        if kind == ARRAY:
            return self.array(depth + 1)
        if kind not in NUMBERS:
            raise self.error(f"a type of value from 0 to 12, found {kind}")
        return self.number(NUMBERS[kind], "a number")

    def array(self, depth: int) -> np.ndarray | list[object]:
        if depth > MAX_NESTING:
            raise self.error(f"arrays in arrays at most {MAX_NESTING} deep, found more")
        kind = self.number(U32, "the type of an array")
        count = self.number(U64, "the length of an array")
        if kind in NUMBERS:
            raw = self.take(count * struct.calcsize(NUMBERS[kind]), f"an array of {count} numbers")
            is_flags = NUMBERS[kind] == "<?"  # A byte that is neither 0 nor 1 counts as true.
            numbers = np.frombuffer(raw, "u1" if is_flags else NUMBERS[kind])
            return numbers != 0 if is_flags else numbers.copy()
        smallest = 12 if kind == ARRAY else 8
        self.need(count * smallest, f"an array of {count} values")
        return [self.value(kind, depth) for _ in range(count)]

    def entry(self) -> tuple[str, Kind, tuple[int, ...], int]:
        """Name, kind, shape and offset of a tensor."""
        name = self.text("the name of a tensor")
        label = _short(name)
        n_dimensions = self.number(U32, f"the number of dimensions of {label}")
        if not 1 <= n_dimensions <= MAX_DIMENSIONS:
            raise self.error(f"1 to {MAX_DIMENSIONS} dimensions for {label}, found {n_dimensions}")
        sizes = [self.number(U64, f"a dimension of {label}") for _ in range(n_dimensions)]
        code = self.number(U32, f"the kind of {label}")
        if code not in KINDS:
            known = ", ".join(f"{number} ({kind.name})" for number, kind in KINDS.items())
            raise self.error(f"one of the kinds {known} for {label}, found {code}")
        kind = KINDS[code]
        if min(sizes) < 1 or sizes[0] % kind.numbers:
            raise self.error(
                f"dimensions of at least 1, the first a multiple of {kind.numbers}, for {label} "
                f"of kind {kind.name}, found {sizes}"
            )
        offset = self.number(U64, f"the offset of {label}")
        return name, kind, tuple(reversed(sizes)), offset

    def place(
        self, entries: list[tuple[str, Kind, tuple[int, ...], int]], metadata: dict[str, object]
    ) -> dict[str, TensorInfo]:
        """Tensors by name, once it is sure that each lies in the file and none on another."""
        step = metadata.get("general.alignment", BLOCK)
        if type(step) is not int or step < 1 or step & (step - 1):
            raise self.error(f"general.alignment to be a power of two, found {_short(str(step))}")
        start = -(-self.at // step) * step
        tensors: dict[str, TensorInfo] = {}
        for name, kind, shape, offset in entries:
            if name in tensors:
                raise self.error(f"each tensor once, found {_short(name)} again")
            if offset % step:
                raise self.error(f"{_short(name)} at a multiple of {step} bytes, found {offset}")
            n_bytes = math.prod(shape) // kind.numbers * kind.n_bytes
            if start + offset + n_bytes > len(self.content):
                raise self.error(
                    f"{_short(name)} to end by byte {len(self.content)}, where the file ends, "
                    f"found {start + offset + n_bytes}. It is cut off or damaged: fetch it again."
                )
            tensors[name] = TensorInfo(name, kind.name, shape, start + offset, n_bytes)
        end, before = start, ""
        for tensor in sorted(tensors.values(), key=lambda tensor: tensor.offset):
            if tensor.offset < end:
                raise self.error(
                    f"tensors side by side, found {_short(tensor.name)} begin at byte "
                    f"{tensor.offset}, inside {_short(before)}"
                )
            end, before = tensor.offset + tensor.n_bytes, tensor.name
        return tensors
