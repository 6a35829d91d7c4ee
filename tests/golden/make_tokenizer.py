"""Makes tests/golden/tokenizer: a small CLIP vocabulary and the ids CLIPTokenizerFast gives texts.

Needs transformers (made with 5.23.0, tokenizers 0.23.3):

    python tests/golden/make_tokenizer.py

The byte pairs are learned here, from words composed here, in the order of CLIP's own vocabulary:
256 bytes, the same ending a word, merges, start, end. texts.json holds [context length, text, ids].
"""

import collections
import itertools
import json
import pathlib
import random
import shutil
import tempfile
import unicodedata

import regex
from transformers import CLIPTokenizerFast

FOLDER = pathlib.Path(__file__).parent / "tokenizer"
MERGES = 3000
TEXTS = 1000
WORDS = regex.compile(r"'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+")

NOUNS = """board trace copper pad hole via pin connector solder joint bridge spur mousebite short open gap
void scratch dent crack burr stain label print barcode letter digit logo screw nut bolt washer gasket
seal cap lid bottle neck glass film foil wire cable harness terminal resistor capacitor inductor diode
transistor chip socket heat sink lens camera frame edge corner border surface region line column row
pixel image reference part product batch station belt light shadow lamp colour color grey black white
red green blue yellow silver gold steel plastic rubber paper cloth thread weave knot seam button zip
stitch needle gear tooth shaft bearing spring valve pipe tube flange weld bead rivet clip hook magnet
coil winding core plate sheet panel door window handle hinge lock key drawer tray box carton bag pouch
tablet capsule blister pack syringe vial ampoule stopper thumb finger hand tool blade drill mill saw
photo picture drawing sketch view scene machine robot arm gripper sensor mark fiducial position angle
rotation shift offset size width height depth length area count number difference defect fault error
cat dog bird horse tree flower house car train plane boat river mountain sky cloud sun moon star rain""".split()
ADJECTIVES = """missing broken bent open closed loose tight clean dirty wet dry bright dark dull shiny rough
smooth thin thick wide narrow long short high low large small tiny huge upper lower left right inner
outer front rear first second third last new old same different correct wrong clear blurred sharp flat
round square sharp straight curved twisted swapped mirrored rotated shifted scratched stained cracked
oxidised corroded melted burnt bare exposed covered hidden visible faint strong weak complete partial""".split()
VERBS = """touch cross connect join cut interrupt bridge cover expose hide show move shift rotate tilt lift
press hold release open close fill drain print read write count measure inspect compare align crop scale
accept reject pass fail warn stop start wait mark scratch bend break melt burn crack stain clean polish""".split()
SMALL = """a an the this that these those is are was were be been has have had not no nor and or but if then
than with without within between under over on in at by from to of for as it its there here more less most
least one two three four five six seven eight nine ten some any all each both either neither we you they
he she i do does did done don doesn didn isn aren wasn can cannot could should would may might must will""".split()
OTHER = """基板 配線 銅 穴 欠け 断線 短絡 突起 傷 汚れ 部品 検査 画像 参照 良品 不良 印刷 ずれ 回転 明るい 暗い が は を に の と
ある ない です ます した いる 左上 右下 コネクタ はんだ ブリッジ ラベル カメラ キズ été café naïve façade élève über
Größe straße Lötstelle fehlt Leiterplatte Kurzschluss señal pequeño corazón placa circuito плата дорожка отверстие
нет разрыв 电路板 缺口 短路 开路 划痕 기판 결함 단선 المسار λ μ Ω π ångström smörgåsbord""".split()


def byte_symbols():
    """CLIP's (GPT-2's) printable stand-in for each byte."""
    codes = list(range(33, 127)) + list(range(161, 173)) + list(range(174, 256))
    symbols = {code: chr(code) for code in codes}
    spare = itertools.count(256)
    for code in range(256):
        if code not in symbols:
            symbols[code] = chr(next(spare))
    return codes + [code for code in range(256) if code not in codes], symbols


def corpus():
    """Words and how often they occur."""
    counts = collections.Counter()
    for rank, word in enumerate(SMALL):
        counts[word] += 900 - 3 * rank
    for rank, word in enumerate(NOUNS):
        for suffix, weight in (("", 60), ("s", 30), ("'s", 5), ("less", 3), ("like", 2), ("work", 2), ("side", 2)):
            counts[word + suffix] += weight + (len(NOUNS) - rank) // 8
    for rank, word in enumerate(ADJECTIVES):
        for suffix, weight in (("", 40), ("ly", 8), ("er", 4), ("est", 3), ("ness", 3), ("ish", 2)):
            counts[word + suffix] += weight
    for rank, word in enumerate(VERBS):
        for suffix, weight in (("", 30), ("s", 12), ("ed", 20), ("ing", 18), ("able", 4), ("er", 6)):
            counts[word + suffix] += weight
    for word in OTHER:
        counts[word.lower()] += 25
    for mark in (".", ",", "...", "!", "?", "!!", "-", "--", "(", ")", "/", ":", ";", '"', "%", "+", "\N{GRINNING FACE}"):
        counts[mark] += 50
    return counts


def learn(counts, merges_wanted):
    """Plain byte-pair encoding: the most frequent pair first, the smaller pair on a tie."""
    _, symbols = byte_symbols()
    words = collections.Counter()
    for text, count in counts.items():
        for word in WORDS.findall(unicodedata.normalize("NFC", text)):
            pieces = [symbols[byte] for byte in word.encode()]
            words[tuple(pieces[:-1]) + (pieces[-1] + "</w>",)] += count
    merges = []
    while len(merges) < merges_wanted:
        pairs = collections.Counter()
        for word, count in words.items():
            for pair in zip(word, word[1:]):
                pairs[pair] += count
        if not pairs:
            break
        best = min(pairs, key=lambda pair: (-pairs[pair], pair))
        merges.append(best)
        merged = collections.Counter()
        for word, count in words.items():
            merged[join(word, best)] += count
        words = merged
    return merges


def join(word, pair):
    out, at = [], 0
    while at < len(word):
        if word[at : at + 2] == pair:
            out.append(word[at] + word[at + 1])
            at += 2
        else:
            out.append(word[at])
            at += 1
    return tuple(out)


FIXED = [
    "", " ", "   ", "\n", "\t \r\n", "a", "A", ".", "'", "'s", "'S", "''", "it's", "IT'S", "It\u2019s", "don't", "DON'T",
    "we've they're i'm she'll he'd o'clock", "rock'n'roll", "'tis 'twas", "x'sy 'treat 'dog", "can''t", "s' 's t'",
    "<|endoftext|>", "<|startoftext|>", "<|ENDOFTEXT|>", "<|endoftext|> <|endoftext|>", "a<|endoftext|>b",
    "open <|startoftext|>short<|endoftext|> bridge", "<|endoftext", "endoftext|>", "<|end of text|>", "< |endoftext|>",
    "<|StartOfText|>x", "<|endoftext|></w>", "word</w>", "</w>", "</W> the</w>cat", "<|endoftext|>.", "!<|endoftext|>",
    "\u00e9", "e\u0301", "caf\u00e9", "cafe\u0301", "CAFE\u0301", "\u0130stanbul", "\u1e9e stra\u00dfe STRASSE", "\u03a3\u03a3 \u03bf\u03b4\u03cc\u03c2 \u039f\u0394\u039f\u03a3",
    "\u01c5 \u01c4 \u01c6", "\ufb01nger \ufb03", "\u212b \u00c5 A\u030a", "\u1112\u1161\u11ab\u1100\u1173\u11af \ud55c\uae00", "\u0958 \u0915\u093c", "q\u0307\u0323 q\u0323\u0307",
    "\u30ab\u3099 \u30ac \uff76\uff9e", "\u57fa\u677f\u306e\u914d\u7dda\u304c\u65ad\u7dda\u3057\u3066\u3044\u308b", "\uff21\uff22\uff23\uff11\uff12\uff13\uff01", "\u2460\u2461 \u00bd \u00b2 \u2167 \u0663\u0664 \u0967 \u3007 \u5341",
    "\U0001f600", "\U0001f469\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466", "\U0001f1ef\U0001f1f5\U0001f1eb\U0001f1f7", "\U0001f44d\U0001f3fd!", "\u2764\ufe0f \u2764", "ok\U0001f600ok",
    "a\u00a0b", "a\u3000b", "a\u2003b\u2009c", "a\u0085b", "a\u200bb", "a\u2028b\u2029c", "a\ufeffb", "\ufeffa", "a\u00adb", "a\x00b", "\x00", "\x1c\x1d\x1e\x1f", "a\x1cb", "a\x0bb\x0cc",
    "a\u180eb", "\u202eabc", "\ufffd", "\uffff", "\U0010ffff", "\ue000", "\U000e0001",
    "123", "1,234.50", "0xFF", "10mm", "3.3V", "R101", "IC7", "2024-05-01T12:34:56Z", "1e-5", "100%", "-40\u00b0C", "\u00b15 \u00b5m",
    "...", "....", "!?!?", "----", "=====", "((()))", "a.b.c", "a--b", "http://example.com/a?b=c&d=e#f", "x@y.z", "C++ & C#", "$5 \u20ac5 \u00a55",
    "snake_case CamelCase kebab-case", "__init__", "a/b\\c", "`code`", "\"quoted\" \u201cquoted\u201d", "\u2026 \u2014 \u2013", "\u0e01\u0e33\u0e25\u0e31\u0e07", "\u0939\u093f\u0928\u094d\u0926\u0940",
    "\u0627\u0644\u0645\u0633\u0627\u0631 \u0645\u0642\u0637\u0648\u0639", "\u05e9\u05b8\u05c1\u05dc\u05d5\u05b9\u05dd", "\u043f\u043b\u0430\u0442\u0430 \u041f\u041b\u0410\u0422\u0410", "\U00010400\U00010428", "\U0001d400\U0001d7ce", "\u1e00\u0323",
    "the " * 200, "a" * 300, "\u57fa" * 120, "." * 400, "1" * 90, "\U0001f600" * 40, " x" * 75, " x" * 76, "<|endoftext|>" * 90, ("bridge " * 73) + "open short",
]


def sentence(rng):
    forms = [
        "the {n} is {a}", "a {a} {n} {v}es the {n}", "there is no {n} on the {n}", "{n}, {n} and {n}", "the {n} isn't {a}!",
        "a photo of a {a} {n}.", "{v}ing the {n}'s {n}", "{n} {d}: {a}", "two {n}s are {v}ed ({d} mm)", "{o}{o} {n}", "{o} {o}, {a}",
        "is the {n} {a} or {a}?", "they've {v}ed {d}{d} {n}s...", "{n}/{n}-{d} \"{a}\"", "un{a}able {n}ification", "{o}の{o}が{o}",
    ]
    fill = lambda match: str({
        "n": rng.choice(NOUNS), "a": rng.choice(ADJECTIVES), "v": rng.choice(VERBS), "o": rng.choice(OTHER),
        "d": rng.choice([0, 7, 12, 3.5, 2048, "1e3", "\u2462", "\u0664"]),
    }[match.group(1)])
    return regex.sub(r"\{([navod])\}", fill, rng.choice(forms))


def disturb(text, rng):
    kind = rng.randrange(10)
    if kind == 0:
        return text.upper()
    if kind == 1:
        return text.title()
    if kind == 2:
        return "".join(rng.choice([c.upper(), c.lower()]) for c in text)
    if kind == 3:
        return unicodedata.normalize("NFD", text + " " + rng.choice(OTHER) + " \u00e9\u00fc\u00f1\u01d6")
    if kind == 4:
        return text.replace(" ", rng.choice(["  ", "\t", "\n", "\u3000", " \u00a0 ", "\u2009", "\r\n", "\x0b"]))
    if kind == 5:
        at = rng.randrange(len(text) + 1)
        return text[:at] + rng.choice(["\U0001f600", "<|endoftext|>", "'s", "\u200d", "!!!", "</w>", "\u0301", "\u00df", "9", "\x07"]) + text[at:]
    if kind == 6:
        return "  " + text + rng.choice([" ", "\n", "\t\t", "\u3000"])
    if kind == 7:
        return " ".join([text] * rng.randrange(2, 12))
    if kind == 8:
        return "".join(c for c in text if rng.random() > 0.15)
    return text


def soup(rng):
    """Code points from all over, long assigned (no later than Unicode 10), so that tables agree."""
    ranges = [(0x20, 0x7E), (0xA0, 0x24F), (0x300, 0x36F), (0x370, 0x3FF), (0x400, 0x4FF), (0x5D0, 0x5EA), (0x620, 0x64A),
              (0x900, 0x939), (0xE01, 0xE3A), (0x1100, 0x1175), (0x1E00, 0x1EFF), (0x2000, 0x206F), (0x2100, 0x218B), (0x2190, 0x23FF),
              (0x2460, 0x24FF), (0x2600, 0x26FF), (0x3000, 0x30FF), (0x4E00, 0x9FA5), (0xAC00, 0xD7A3), (0xF900, 0xFA2D),
              (0xFF01, 0xFF5E), (0x1F300, 0x1F5FF), (0x1F600, 0x1F64F)]
    text = ""
    for _ in range(rng.randrange(1, 30)):
        first, last = rng.choice(ranges)
        text += chr(rng.randrange(first, last + 1)) + rng.choice(["", "", " "])
    return text


def texts():
    rng = random.Random(77)
    seen = list(dict.fromkeys(FIXED))
    known = set(seen)
    while len(seen) < TEXTS:
        text = soup(rng) if rng.random() < 0.2 else disturb(sentence(rng), rng)
        if text not in known:
            known.add(text)
            seen.append(text)
    return seen


def main():
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir()
    order, symbols = byte_symbols()
    merges = learn(corpus(), MERGES)
    tokens = [symbols[code] for code in order]
    tokens += [token + "</w>" for token in tokens]
    tokens += ["".join(pair) for pair in merges] + ["<|startoftext|>", "<|endoftext|>"]
    assert len(set(tokens)) == len(tokens)
    vocab = {token: number for number, token in enumerate(tokens)}
    compact = {"ensure_ascii": False, "separators": (",", ":")}
    (FOLDER / "vocab.json").write_text(json.dumps(vocab, **compact) + "\n")
    (FOLDER / "merges.txt").write_text("#version: 0.2\n" + "".join(f"{a} {b}\n" for a, b in merges))

    tokenizer = CLIPTokenizerFast(str(FOLDER / "vocab.json"), str(FOLDER / "merges.txt"))
    with tempfile.TemporaryDirectory() as folder:
        tokenizer.save_pretrained(folder)
        file = json.loads((pathlib.Path(folder) / "tokenizer.json").read_text())
    (FOLDER / "tokenizer.json").write_text(json.dumps(file, **compact) + "\n")

    lines = []
    for number, text in enumerate(texts()):
        context = (77, 77, 77, 16, 8, 2)[number % 6] if number % 5 == 0 else 77
        ids = tokenizer(text, truncation=True, max_length=context).input_ids
        assert len(ids) <= context and ids[0] == vocab["<|startoftext|>"] and ids[-1] == vocab["<|endoftext|>"]
        lines.append(json.dumps([context, text, ids], ensure_ascii=True, separators=(",", ":")))
    (FOLDER / "texts.json").write_text("[\n" + ",\n".join(lines) + "\n]\n")


if __name__ == "__main__":
    main()
