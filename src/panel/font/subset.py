"""Makes the two faces of the panel from Noto Sans CJK JP; needs fonttools.

    python3 subset.py NotoSansCJK-Regular.ttc NotoSansCJK-Bold.ttc

JIS X 0208, Latin, half-width katakana and a few signs: what people write on labels. The bold face has the common
kanji only, level 1 of JIS X 0208 and a few: the panel makes the others of the regular face. The collections are
those of Debian's package fonts-noto-cjk; their first font is the Japanese one.
"""

import sys
from pathlib import Path

from fontTools import subset
from fontTools.ttLib import TTFont

LATIN = [*range(0x20, 0x7F), *range(0xA0, 0x180), *range(0x2010, 0x2028), 0x2030, 0x20AC, 0x2122]
SIGNS = [0x2190, 0x2191, 0x2192, 0x2193, 0x2212, 0x2260, 0x2264, 0x2265, 0x2713, 0xFFFD]
SIGNS += [*range(0x2460, 0x2474), *range(0x338E, 0x3390), 0x339C, 0x339D, 0x33A1]
HALF_WIDTH = [*range(0xFF01, 0xFFA0)]
# Level 2.
RARE_KANJI = range(0x50, 0x7F)
# Of it what sheets for inspection write often: flaw, crack, wrinkle, mould, bleeding, bending, twist, sore,
# breakage, porosity of castings, rust, glue.
OFTEN = [0x75B5, 0x7455, 0x7F45, 0x76B9, 0x76BA, 0x9EF4, 0x6EF2, 0x6493, 0x6369, 0x721B, 0x6BC0, 0x9B06]
OFTEN += [0x92B9, 0x81A0, 0x62D7, 0x652A]


def jis_x_0208(rows):
    for row in rows:
        for cell in range(0x21, 0x7F):
            try:
                yield ord(bytes([0x1B, 0x24, 0x42, row, cell]).decode("iso2022_jp"))
            except UnicodeDecodeError:
                continue


def write(collection, codes, name):
    font = TTFont(collection, fontNumber=0, lazy=True)
    options = subset.Options()
    options.layout_features = []
    options.hinting = False
    options.notdef_outline = True
    options.glyph_names = False
    options.name_IDs = [0, 1, 2, 4, 5, 6, 13, 14]
    options.name_languages = [0x409]
    options.drop_tables += ["BASE", "GPOS", "GSUB", "VORG", "vhea", "vmtx", "DSIG"]
    cut = subset.Subsetter(options)
    cut.populate(unicodes=codes)
    cut.subset(font)
    path = Path(__file__).with_name(name)
    font.save(path)
    print(f"{name}: {len(font.getBestCmap())} characters, {path.stat().st_size} bytes")


def main():
    regular, bold = sys.argv[1:]
    codes = {*LATIN, *SIGNS, *HALF_WIDTH, *jis_x_0208(range(0x21, 0x7F))}
    write(regular, codes, "regular.otf")
    write(bold, codes - {*jis_x_0208(RARE_KANJI)} | {*OFTEN}, "bold.otf")


main()
