"""SentencePiece's file, read without SentencePiece: fields of a message, then a tokenizer."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

# Numbers of fields and kinds, as sentencepiece_model.proto gives them.
PIECE, NORMALIZER = 1, 3
TEXT, SCORE, KIND = 1, 2, 3
CHARACTER_MAP = 2
NORMAL, UNKNOWN, CONTROL = 1, 2, 3


def read_fields(message: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Fields of a protocol-buffers message, one level deep.

    Parameters
    ----------
    message : bytes

    Yields
    ------
    number : int
        Of the field.
    value : int or bytes
        An integer for a varint; else the bytes.

    Raises
    ------
    ValueError
        If the message is cut short or malformed.

    Notes
    -----
    A key holds the field's number, and in its last three bits how the value is written. Source:
    protobuf.dev/programming-guides/encoding. Introduced in chapter 09.

    Examples
    --------
    >>> list(read_fields(bytes([8, 150, 1, 18, 2]) + b"ok"))
    [(1, 150), (2, b'ok')]
    """
    place = 0
    while place < len(message):
        key, place = _varint(message, place)
        number, kind = key >> 3, key & 7
        if kind == 0:
            value, place = _varint(message, place)
            yield number, value
            continue
        if kind == 2:
            size, place = _varint(message, place)
        elif kind in (1, 5):
            size = 8 if kind == 1 else 4
        else:
            raise ValueError(f"message: expected a value of kind 0, 1, 2 or 5, found {kind}")
        if place + size > len(message):
            raise ValueError(
                f"message: expected {size} bytes at {place}, found {len(message) - place}. The "
                "file is cut short or is no SentencePiece model."
            )
        yield number, message[place : place + size]
        place += size


def _varint(message: bytes, place: int) -> tuple[int, int]:
    """The integer that begins here, seven bits a byte, and where it ends."""
    value = 0
    for shift in range(0, 70, 7):
        if place >= len(message):
            break
        byte = message[place]
        place += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, place
    raise ValueError(f"message: expected an integer that ends before byte {place}, found none")


def read_tokenizer(path: Path) -> Any:
    """Tokenizer of a SentencePiece unigram model.

    Parameters
    ----------
    path : Path
        A .model file.

    Returns
    -------
    tokenizers.Tokenizer

    Raises
    ------
    ValueError
        If the file is malformed or holds no pieces.

    Notes
    -----
    The most likely segmentation under independent pieces (Kudo 2018, arXiv:1804.10959), after the
    file's own table of characters has made NFKC of the text and runs of spaces have become one.
    Neighbouring unknown characters are one token. A control piece such as ``<s>`` gets a space
    into its name: no text holds one at that point any more, so nobody can write it into a name.
    Introduced in chapter 09.

    Examples
    --------
    >>> read_tokenizer(Path("sp.model")).encode("公园").tokens  # doctest: +SKIP
    ['▁', '公园']
    """
    from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers

    pieces: list[tuple[str, float]] = []
    unknown, characters = None, b""
    for number, value in read_fields(path.read_bytes()):
        if number == PIECE:
            piece = dict(read_fields(value))
            kind = piece.get(KIND, NORMAL)
            unknown = len(pieces) if kind == UNKNOWN else unknown
            text = piece[TEXT].decode() + (" " if kind in (UNKNOWN, CONTROL) else "")
            pieces.append((text, *struct.unpack("<f", piece.get(SCORE, bytes(4)))))
        elif number == NORMALIZER:
            characters = dict(read_fields(value)).get(CHARACTER_MAP, b"")
    if not pieces or unknown is None:
        raise ValueError(f"{path}: expected pieces, one of them unknown, found {len(pieces)}.")
    tokenizer = Tokenizer(models.Unigram(pieces, unk_id=unknown))
    one_space = [normalizers.Strip(), normalizers.Replace(Regex(" {2,}"), " ")]
    own_map = [normalizers.Precompiled(characters)] if characters else []
    tokenizer.normalizer = normalizers.Sequence(own_map + one_space)
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="always", split=False)
    return tokenizer
