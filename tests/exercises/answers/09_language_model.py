# %% ex-09-nibble | right: nibbles written out as a list
numbers_by_hand = np.array([-2.0, 0.0, 0.0, 1.75, -2.0])


def set_number(block, place, q):
    low = [byte % 16 for byte in block[4:]]
    high = [byte // 16 for byte in block[4:]]
    numbers = low + high
    numbers[place] = q
    return block[:4] + bytes(numbers[j] + 16 * numbers[j + 16] for j in range(16))


perplexity_by_hand = np.exp(np.mean(np.log([2, 8, 2])))

# %% ex-09-nibble | wrong: neighbours share a byte
numbers_by_hand = [-2, 1.75, 0, 0, 0]


def set_number(block, place, q):
    changed = bytearray(block)
    byte = 4 + place // 2
    changed[byte] = changed[byte] & 0xF0 | q if place % 2 == 0 else changed[byte] & 0x0F | q << 4
    return bytes(changed)


perplexity_by_hand = 32 ** (1 / 3)

# %% ex-09-nibble | wrong: the old bits are not cleared
numbers_by_hand = [-2, 0, 0, 1.75, -2]


def set_number(block, place, q):
    changed = bytearray(block)
    changed[4 + place % 16] |= q if place < 16 else q << 4
    return bytes(changed)


perplexity_by_hand = 32 ** (1 / 3)

# %% ex-09-cost | right: Series, other order of columns
def cost(texts):
    column = pd.Series(list(texts))
    tokens = column.map(lambda text: len(ids(text)))
    return pd.DataFrame({
        "tokens_per_character": tokens / column.str.len(),
        "tokens": tokens, "characters": column.str.len()})


def cheaper(first, second):
    if len(ids(second)) < len(ids(first)):
        return second
    return first


kinds = pd.Series(own.log["category"].unique())
dearest = kinds[kinds.map(ids).str.len().idxmax()]

# %% ex-09-cost | wrong: counts bytes as characters
def cost(texts):
    table = pd.DataFrame({"characters": [len(text.encode()) for text in texts],
                          "tokens": [len(ids(text)) for text in texts]})
    return table.assign(tokens_per_character=table["tokens"] / table["characters"])


def cheaper(first, second):
    return min(first, second, key=lambda text: len(ids(text)))


dearest = max(own.log["category"].unique(), key=lambda name: len(ids(name)))

# %% ex-09-cost | wrong: the shorter text is taken for the cheaper
def cost(texts):
    table = pd.DataFrame({"characters": [len(text) for text in texts],
                          "tokens": [len(ids(text)) for text in texts]})
    return table.assign(tokens_per_character=table["tokens"] / table["characters"])


def cheaper(first, second):
    return min(first, second, key=len)


dearest = max(own.log["category"].unique(), key=lambda name: len(ids(name)))

# %% ex-09-shift | right: complex numbers
def turned(vector, position):
    pairs = np.asarray(vector[:32]) + 1j * np.asarray(vector[32:])
    pairs = pairs * np.exp(1j * position * BASE ** (-np.arange(0, 64, 2) / 64))
    return np.r_[pairs.real, pairs.imag]


def products(query, key, distance, shift):
    return np.dot(turned(query, shift + distance), turned(key, shift))


def knows_distance_only(product, query, key):
    for distance in (0, 1, 5, 40):
        found = [product(query, key, distance, shift) for shift in (0, 3, 200)]
        if np.ptp(found) > 1e-3:
            return False
    return True


# %% ex-09-shift | wrong: neighbours are taken for pairs
def turned(vector, position):
    angle = position * BASE ** (-2 * np.arange(32) / 64)
    out = np.empty(64)
    out[0::2] = vector[0::2] * np.cos(angle) - vector[1::2] * np.sin(angle)
    out[1::2] = vector[0::2] * np.sin(angle) + vector[1::2] * np.cos(angle)
    return out


def products(query, key, distance, shift):
    return float(turned(query, shift + distance) @ turned(key, shift))


def knows_distance_only(product, query, key):
    return all(abs(product(query, key, d, s) - product(query, key, d, 0)) < 1e-3
               for d in (0, 1, 5, 40) for s in (3, 200))


# %% ex-09-shift | wrong: the key stands after the query, and one distance is asked
def turned(vector, position):
    angle = position * BASE ** (-2 * np.arange(32) / 64)
    first, second = vector[:32], vector[32:]
    return np.concatenate([first * np.cos(angle) - second * np.sin(angle),
                           first * np.sin(angle) + second * np.cos(angle)])


def products(query, key, distance, shift):
    return float(turned(query, shift) @ turned(key, shift + distance))


def knows_distance_only(product, query, key):
    return abs(products(query, key, 5, 3) - products(query, key, 5, 200)) < 1e-3


# %% ex-09-claim | right: means of an action
flaw = "C"
each = pd.DataFrame({name: [len(ids(text)) for text in texts] for name, texts in words.items()})
honest = each.mean()["sentences"] / each.mean()["lines"]

# %% ex-09-claim | wrong: the ratio of the report
flaw = "c"
honest = report.loc["sentences", "tokens per character"] / report.loc[
    "lines", "tokens per character"]

# %% ex-09-claim | wrong: the old bill by the new one, and another reason
flaw = "d"
honest = sum(len(ids(t)) for t in words["lines"]) / sum(len(ids(t)) for t in words["sentences"])
