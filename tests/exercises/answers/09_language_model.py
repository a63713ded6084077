# %% ex-09-nibble | right: by rewriting all nibbles
numbers_by_hand = np.array([-2, 0, 0, 1.75, -2])


def set_number(block, place, q):
    low = [byte & 15 for byte in block[4:]]
    high = [byte >> 4 for byte in block[4:]]
    nibbles = low + high
    nibbles[place] = q
    packed = bytes(a + 16 * b for a, b in zip(nibbles[:16], nibbles[16:]))
    return block[:4] + packed


perplexity_by_hand = np.exp((np.log(2) + np.log(8) + np.log(2)) / 3)
# %% ex-09-nibble | wrong: reads a byte from left to right
numbers_by_hand = [15 / 4 - 2, -2, -2, 0, 0]


def set_number(block, place, q):
    changed = bytearray(block)
    byte = 4 + place % 16
    if place < 16:
        changed[byte] = changed[byte] & 0xF0 | q
    else:
        changed[byte] = changed[byte] & 0x0F | q << 4
    return bytes(changed)


perplexity_by_hand = 3.17
# %% ex-09-nibble | wrong: sets the whole byte
numbers_by_hand = [-2, 0, 0, 1.75, -2]


def set_number(block, place, q):
    changed = bytearray(block)
    changed[4 + place % 16] = q
    return bytes(changed)


perplexity_by_hand = 3.17
# %% ex-09-cost | right: a loop, columns in another order
def cost(texts):
    rows = []
    for text in texts:
        n = len(ids(text))
        rows.append({"tokens": n, "tokens_per_character": n / len(text), "characters": len(text)})
    return pd.DataFrame(rows, index=texts)


def cheaper(first, second):
    return first if len(ids(first)) <= len(ids(second)) else second
# %% ex-09-cost | wrong: counts bytes
def cost(texts):
    table = pd.DataFrame({"characters": [len(text.encode()) for text in texts],
                          "tokens": [len(ids(text)) for text in texts]})
    return table.assign(tokens_per_character=table["tokens"] / table["characters"])


def cheaper(first, second):
    return min(first, second, key=lambda text: len(ids(text)))
# %% ex-09-cost | wrong: the shorter text is the cheaper one
def cost(texts):
    table = pd.DataFrame({"characters": [len(text) for text in texts],
                          "tokens": [len(ids(text)) for text in texts]})
    return table.assign(tokens_per_character=table["tokens"] / table["characters"])


def cheaper(first, second):
    return min(first, second, key=len)
# %% ex-09-shift | right: both at once, then a sum
def products(query, key, distance, shift):
    both = np.stack([query, key]).astype("float32").reshape(1, 2, 1, 64)
    cosine, sine = llm.rotation([[shift + distance, shift]], 64, rope_base)
    turned = np.asarray(llm.rotate(both, cosine, sine)).reshape(2, 64)
    return (turned[0] * turned[1]).sum()


def knows_distance_only(query, key):
    for distance in [0, 1, 5, 40]:
        found = [products(query, key, distance, shift) for shift in [0, 3, 200]]
        if max(found) - min(found) > 1e-3:
            return False
    return True
# %% ex-09-shift | wrong: the query alone knows the shift
def products(query, key, distance, shift):
    def placed(vector, position):
        turn = llm.rotation([[position]], 64, rope_base)
        vector = np.asarray(vector, "float32").reshape(1, 1, 1, 64)
        return np.asarray(llm.rotate(vector, *turn)).ravel()

    return float(placed(query, shift + distance) @ placed(key, 0))


def knows_distance_only(query, key):
    return all(abs(products(query, key, distance, shift)
                   - products(query, key, distance, 0)) < 1e-3
               for distance in (0, 1, 5, 40) for shift in (3, 200))
# %% ex-09-letters | right: name by name, in nats
flaw = "B"
log = own.log
size = log["text"].str.len().sum()
honest = []
for column in (log["text"].map(list), log["text"].str.split(" ")):
    tokens = column.explode()
    surprise = -np.log(tokens.map(tokens.value_counts() / len(tokens)))
    honest.append(float(surprise.groupby(level=0).sum().sum() / np.log(2) / size))
# %% ex-09-letters | wrong: bits a word are not bits a character
names = list(own.log["text"])
flaw = "b"
honest = []
for tokens in ([c for name in names for c in name], [w for name in names for w in name.split(" ")]):
    shares = np.array(list(Counter(tokens).values())) / len(tokens)
    honest.append(-(shares * np.log2(shares)).sum())
# %% ex-09-letters | wrong: blames the missing test set
names = list(own.log["text"])
flaw = "a"
n = sum(map(len, names))
honest = []
for tokens in ([c for name in names for c in name], [w for name in names for w in name.split(" ")]):
    counts = np.array(list(Counter(tokens).values()))
    honest.append(-(counts * np.log2(counts / counts.sum())).sum() / n)
