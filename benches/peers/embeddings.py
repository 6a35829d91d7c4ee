#!/usr/bin/env python3
"""Runs a bundle's int8 image tower in onnxruntime and compares its embeddings with pairspec's own.

Needs the packages numpy, pillow and onnxruntime; says SKIP and why where one is missing. Of each image
the middle is cut, in the size that the model sees, so that nothing is resized and both get the same
pixels. Ends with 1 when a cosine is below 0.9995.

    benches/peers/embeddings.py target/release/pairspec BUNDLE IMAGE...
"""

import argparse
import json
import pathlib
import subprocess
import sys
import tempfile

try:
    import numpy
    import onnxruntime
    import PIL.Image
except ImportError as missing:
    print(f"SKIP embeddings: {missing}")
    sys.exit(0)

LEAST = 0.9995


def ours(program, bundle, paths):
    command = [program, "embed", "image", "--model", bundle, "--precision", "int8", "--json", *paths]
    lines = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
    return [numpy.array(json.loads(line)["embedding"]) for line in lines]


def theirs(bundle, settings, pictures):
    session = onnxruntime.InferenceSession(str(bundle / "vision.int8.onnx"), providers=["CPUExecutionProvider"])
    mean, deviation = (numpy.array(settings[key], numpy.float32) for key in ("image_mean", "image_std"))
    for picture in pictures:
        pixels = (numpy.asarray(picture, numpy.float32) / 255 - mean) / deviation
        pixels = pixels.transpose(2, 0, 1)[None].copy()
        yield session.run(None, {session.get_inputs()[0].name: pixels})[0][0]


def middle(path, width, height):
    picture = PIL.Image.open(path).convert("RGB")
    left, top = (picture.width - width) // 2, (picture.height - height) // 2
    if left < 0 or top < 0:
        sys.exit(f"{path}: {picture.width}x{picture.height}, expected at least {width}x{height}")
    return picture.crop((left, top, left + width, top + height))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("program")
    parser.add_argument("bundle", type=pathlib.Path)
    parser.add_argument("images", nargs="+", type=pathlib.Path)
    told = parser.parse_args()
    settings = json.loads((told.bundle / "preprocessor_config.json").read_text())
    size = settings["crop_size"]
    pictures = [middle(path, size["width"], size["height"]) for path in told.images]
    with tempfile.TemporaryDirectory() as folder:
        paths = [f"{folder}/{index}.png" for index in range(len(pictures))]
        for picture, path in zip(pictures, paths, strict=True):
            picture.save(path)
        found = ours(told.program, str(told.bundle), paths)
    cosines = [
        float(a @ b / numpy.linalg.norm(a) / numpy.linalg.norm(b))
        for a, b in zip(found, theirs(told.bundle, settings, pictures), strict=True)
    ]
    mean = sum(cosines) / len(cosines)
    print(f"{len(cosines)} images: cosine {mean:.6f} on average, {min(cosines):.6f} at least (asked: {LEAST})")
    sys.exit(int(not min(cosines) >= LEAST))


main()
