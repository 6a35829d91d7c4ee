#!/usr/bin/env python3
"""Whether a PPM of the emulator and a golden PNG are the same picture: exit code 0, or 1 and where not.

same_picture.py SCREENDUMP.ppm GOLDEN.png
"""

import struct
import sys
import zlib


def ppm(path):
    """Width, height and RGB bytes of a binary PPM with 255 levels."""
    data = open(path, "rb").read()
    fields, at = [], 0
    while len(fields) < 4:
        end = at
        while end < len(data) and not data[end : end + 1].isspace():
            end += 1
        if end == len(data):
            raise ValueError("cut short")
        fields.append(data[at:end])
        at = end + 1
    if fields[0] != b"P6" or fields[3] != b"255":
        raise ValueError(f"expected P6 with 255 levels, found {fields}")
    return int(fields[1]), int(fields[2]), data[at:]


def nearest(left, above, corner):
    """The Paeth predictor of the PNG specification, section 9.4."""
    guess = left + above - corner
    return min((abs(guess - left), 0, left), (abs(guess - above), 1, above), (abs(guess - corner), 2, corner))[2]


def restored(kind, row, above):
    """A row without its filter, of pixels of three bytes."""
    for index, value in enumerate(row):
        left = row[index - 3] if index >= 3 else 0
        corner = above[index - 3] if index >= 3 else 0
        guess = (0, left, above[index], (left + above[index]) // 2, nearest(left, above[index], corner))[kind]
        row[index] = (value + guess) & 0xFF
    return row


def png(path):
    """Width, height and RGB bytes of a PNG of 8-bit RGB without interlacing."""
    data = open(path, "rb").read()
    at, packed, width, height = 8, b"", 0, 0
    while at < len(data):
        length, kind = struct.unpack(">I4s", data[at : at + 8])
        chunk = data[at + 8 : at + 8 + length]
        if kind == b"IHDR":
            width, height, *form = struct.unpack(">IIBBBBB", chunk)
            if form != [8, 2, 0, 0, 0]:
                raise ValueError(f"expected 8-bit RGB, found {form}")
        elif kind == b"IDAT":
            packed += chunk
        at += 12 + length
    raw, stride, rows = zlib.decompress(packed), width * 3, [bytes(width * 3)]
    for start in range(0, height * (stride + 1), stride + 1):
        row = bytearray(raw[start + 1 : start + 1 + stride])
        rows.append(restored(raw[start], row, rows[-1]) if raw[start] else row)
    return width, height, b"".join(rows[1:])


def main():
    try:
        seen, golden = ppm(sys.argv[1]), png(sys.argv[2])
    except (OSError, ValueError) as error:
        sys.exit(f"{' '.join(sys.argv[1:])}: {error}")
    if seen[:2] != golden[:2]:
        sys.exit(f"{sys.argv[1]}: {seen[0]}x{seen[1]}; expected {golden[0]}x{golden[1]}")
    if len(seen[2]) != len(golden[2]):
        sys.exit(f"{sys.argv[1]}: cut short")
    other = [at for at in range(0, len(seen[2]), 3) if seen[2][at : at + 3] != golden[2][at : at + 3]]
    if other:
        row, column = divmod(other[0] // 3, seen[0])
        sys.exit(f"{sys.argv[1]}: {len(other)} pixels differ, the first at column {column}, row {row}")


main()
