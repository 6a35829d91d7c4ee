#!/usr/bin/env python3
"""Compares embeddings of a trained CLIP directory in Hugging Face's transformers with pairspec's own.

Needs the packages numpy, pillow, torch and transformers; says SKIP and why where one is missing. The
directory is read by CLIPModel, tokenized and preprocessed by transformers as it says itself; the
bundle must be an import of it (models/default is of models/default/clip); its fp32 or fp16 files are
compared. Ends with 1 when a cosine is below 0.9999.

    benches/peers/transformers_clip.py target/release/pairspec models/default/clip models/default IMAGE...
        [--text SENTENCE ...]
"""

import argparse
import json
import subprocess
import sys

try:
    import numpy
    import PIL.Image
    import torch
    from transformers import AutoTokenizer, CLIPImageProcessor, CLIPModel
except ImportError as missing:
    print(f"SKIP transformers_clip: {missing}")
    sys.exit(0)

LEAST = 0.9999


def ours(program, bundle, kind, inputs):
    command = [program, "embed", kind, "--model", bundle, "--precision", "fp32", "--json", *inputs]
    lines = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
    return [numpy.array(json.loads(line)["embedding"]) for line in lines]


def raw(found):
    """transformers 5 wraps what transformers 4 returns as it is."""
    return getattr(found, "pooler_output", found).numpy()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("program")
    parser.add_argument("clip")
    parser.add_argument("bundle")
    parser.add_argument("images", nargs="+")
    parser.add_argument("--text", nargs="+", default=["a trace is broken", "Two traces touch, top left."])
    told = parser.parse_args()
    model = CLIPModel.from_pretrained(told.clip).float().eval()
    tokens = AutoTokenizer.from_pretrained(told.clip)(told.text, return_tensors="pt", padding=True)
    pictures = [PIL.Image.open(path).convert("RGB") for path in told.images]
    pixels = CLIPImageProcessor.from_pretrained(told.clip)(pictures, return_tensors="pt")
    with torch.no_grad():
        theirs = {
            "text": raw(model.get_text_features(**tokens)),
            "image": raw(model.get_image_features(**pixels)),
        }
    failed = False
    for kind, inputs in [("text", told.text), ("image", told.images)]:
        for name, a, b in zip(inputs, ours(told.program, told.bundle, kind, inputs), theirs[kind], strict=True):
            cosine = a @ b / numpy.linalg.norm(a) / numpy.linalg.norm(b)
            print(f"{kind} {name!r}: cosine {cosine:.6f}, length {numpy.linalg.norm(a) / numpy.linalg.norm(b):.4f}")
            failed |= not cosine >= LEAST
    sys.exit(int(failed))


main()
