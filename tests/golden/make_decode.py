"""Makes tests/golden/decode: PNG and JPEG files of every kind, and hostile ones.

Needs numpy and pillow (made with 12.0.0):

    python tests/golden/make_decode.py

PNG files are written here chunk by chunk from the formulas below, which the tests repeat, and
Pillow must read the same values. JPEG files come with the pixels Pillow (libjpeg-turbo) reads.
"""

import io
import pathlib
import shutil
import struct
import zlib

import numpy as np
from PIL import Image

FOLDER = pathlib.Path(__file__).parent / "decode"
WIDTH, HEIGHT = 23, 19
GRAY, RGB, INDEXED, GRAY_ALPHA, RGB_ALPHA = 0, 2, 3, 4, 6
CHANNELS = {GRAY: 1, RGB: 3, INDEXED: 1, GRAY_ALPHA: 2, RGB_ALPHA: 4}
ADAM7 = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]


def values(depth, channels):
    """[y, x, channel]: (3 x + 5 y + x y + 11 c) * 2741 modulo 2^depth."""
    y, x, c = np.mgrid[0:HEIGHT, 0:WIDTH, 0:channels]
    return (3 * x + 5 * y + x * y + 11 * c) * 2741 % (1 << depth)


def chunk(kind, content):
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def rows(samples, depth):
    """Rows of a PNG (sub)image, each with filter 0 before it."""
    out = b""
    for row in samples:
        flat = row.reshape(-1)
        if depth == 16:
            out += b"\0" + flat.astype(">u2").tobytes()
        else:
            bits = (flat[:, None] >> np.arange(depth - 1, -1, -1)) & 1
            out += b"\0" + np.packbits(bits.reshape(-1).astype(np.uint8)).tobytes()
    return out


def png(colour, depth, interlaced=False, extra=(), samples=None, size=None, tail=()):
    samples = values(depth, CHANNELS[colour]) if samples is None else samples
    width, height = size or (samples.shape[1], samples.shape[0])
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, int(interlaced))
    if interlaced:
        data = b"".join(rows(samples[y::dy, x::dx], depth) for x, y, dx, dy in ADAM7 if samples[y::dy, x::dx].size)
    else:
        data = rows(samples, depth)
    chunks = [chunk(b"IHDR", header), *extra, chunk(b"IDAT", zlib.compress(data, 9)), *tail, chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def palette(depth):
    """Colour i is (7 i, 255 - 3 i, 11 i) modulo 256."""
    return chunk(b"PLTE", bytes(v % 256 for i in range(1 << depth) for v in (7 * i, 255 - 3 * i, 11 * i)))


def pngs():
    for depth in (1, 2, 4, 8, 16):
        yield f"gray{depth}", png(GRAY, depth)
        yield f"gray{depth}_interlaced", png(GRAY, depth, True)
    for depth in (1, 2, 4, 8):
        yield f"indexed{depth}", png(INDEXED, depth, extra=[palette(depth)])
    yield "indexed4_interlaced", png(INDEXED, 4, True, [palette(4)])
    yield "indexed8_transparent", png(INDEXED, 8, extra=[palette(8), chunk(b"tRNS", bytes(range(200)))])
    yield "gray8_transparent", png(GRAY, 8, extra=[chunk(b"tRNS", struct.pack(">H", 65))])
    for depth in (8, 16):
        yield f"rgb{depth}", png(RGB, depth)
        yield f"rgb{depth}_interlaced", png(RGB, depth, True)
        yield f"gray_alpha{depth}", png(GRAY_ALPHA, depth)
        yield f"rgb_alpha{depth}", png(RGB_ALPHA, depth)
    yield "gray8_gamma", png(GRAY, 8, extra=[chunk(b"gAMA", struct.pack(">I", 100000))])
    # An animation whose second frame is white.
    white = zlib.compress(rows(np.full((HEIGHT, WIDTH, 1), 255), 8))
    control = lambda number: chunk(b"fcTL", struct.pack(">IIIIIHHBB", number, WIDTH, HEIGHT, 0, 0, 1, 10, 0, 0))
    extra = [chunk(b"acTL", struct.pack(">II", 2, 0)), control(0)]
    yield "gray8_animated", png(GRAY, 8, extra=extra, tail=[control(1), chunk(b"fdAT", struct.pack(">I", 2) + white)])


def hostile():
    one = np.zeros((1, 1, 1), np.int64)
    yield "bomb_header.png", png(GRAY, 8, samples=one, size=(60000, 60000))
    yield "bomb_header_largest.png", png(RGB_ALPHA, 16, samples=np.zeros((1, 1, 4), np.int64), size=(2**31 - 1, 2**31 - 1))
    yield "too_few_rows.png", png(GRAY, 8, samples=one, size=(64, 64))
    yield "zero_width.png", png(GRAY, 8, samples=one, size=(0, 9))
    yield "zero_height.png", png(GRAY, 8, samples=one, size=(9, 0))
    # 8x8 pixels, 8 MB of rows.
    yield "bomb_data.png", png(GRAY, 8, samples=np.zeros((1000, 8000, 1), np.int64), size=(8, 8))
    profile = chunk(b"iCCP", b"p\0\0" + zlib.compress(bytes(20 << 20), 9))
    yield "bomb_profile.png", png(GRAY, 8, extra=[profile])
    comment = chunk(b"zTXt", b"Comment\0\0" + zlib.compress(bytes(8 << 20), 9))
    yield "bomb_comment.png", png(GRAY, 8, extra=[comment])
    yield "bomb_row.png", png(RGB_ALPHA, 16, samples=np.zeros((1, 1, 4), np.int64), size=(1 << 25, 1))

    small = jpeg(photo(16, 16))
    at = small.index(b"\xff\xc0") + 5
    sized = lambda width, height: small[:at] + struct.pack(">HH", height, width) + small[at + 4 :]
    yield "bomb_header.jpg", sized(65500, 65500)
    yield "zero_width.jpg", sized(0, 16)
    yield "zero_height.jpg", sized(16, 0)
    cmyk = Image.fromarray(photo(16, 16)).convert("CMYK")
    yield "cmyk.jpg", jpeg(cmyk)


def photo(width, height):
    y, x = np.mgrid[0:height, 0:width].astype(np.float64)
    planes = [x / width, y / height, 0.5 + 0.5 * np.sin((x + 2 * y) / 9)]
    return np.round(255 * np.stack(planes, -1)).astype(np.uint8)


def jpeg(image, **options):
    out = io.BytesIO()
    image = image if isinstance(image, Image.Image) else Image.fromarray(image)
    image.save(out, "JPEG", quality=92, **options)
    return out.getvalue()


def jpegs():
    colour = photo(61, 47)
    gray = Image.fromarray(colour).convert("L")
    yield "gray", jpeg(gray)
    yield "gray_progressive", jpeg(gray, progressive=True)
    yield "colour_444", jpeg(colour, subsampling=0)
    yield "colour_422", jpeg(colour, subsampling=1)
    yield "colour_420", jpeg(colour, subsampling=2)
    yield "colour_progressive", jpeg(colour, progressive=True, subsampling=0)
    yield "colour_restarts", jpeg(colour, subsampling=0, restart_marker_rows=1)
    yield "colour_rgb", jpeg(colour, keep_rgb=True, subsampling=0)
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by 90 degrees
    yield "gray_turned", jpeg(gray, exif=exif.tobytes())


def main():
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir()
    for name, content in pngs():
        (FOLDER / f"{name}.png").write_bytes(content)
        check(name, content)
    for name, content in jpegs():
        (FOLDER / f"{name}.jpg").write_bytes(content)
        Image.open(io.BytesIO(content)).save(FOLDER / f"{name}.expected.png", optimize=True)
    for name, content in hostile():
        (FOLDER / f"hostile_{name}").write_bytes(content)


def check(name, content):
    """Pillow reads 8-bit and shallower files as the tests expect them."""
    if "16" in name:
        return
    image = Image.open(io.BytesIO(content))
    depth = int("".join(c for c in name.split("_")[0] + name.split("_")[-1] if c.isdigit())[:1])
    if name.startswith("indexed"):
        index = values(depth, 1)
        expected = np.concatenate([7 * index, 255 - 3 * index, 11 * index], -1) % 256
    elif name.startswith("rgb"):
        expected = values(8, 4 if "alpha" in name else 3)[..., :3]
    else:
        channels = 2 if "alpha" in name else 1
        expected = np.repeat(values(depth, channels)[..., :1] * (255 // ((1 << depth) - 1)), 3, -1)
    assert (np.array(image.convert("RGB")) == expected).all(), name


if __name__ == "__main__":
    main()
