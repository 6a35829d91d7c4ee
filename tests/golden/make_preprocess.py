"""Makes tests/golden/preprocess: frames, preprocessor files and what CLIPImageProcessor makes of them.

Needs numpy, pillow and transformers (made with 5.23.0 over Pillow 12.0.0):

    python tests/golden/make_preprocess.py

Up to Pillow 12 a resize is a horizontal pass, then a vertical one, as it was when the published
CLIPs were trained. Pillow 13 runs the vertical pass first when the height shrinks more than the
width and by more than twice as many pixels; three cases here would then differ (by up to 30/255).

Each case keeps the u8 image after resize and crop as a PNG; a few keep the final f32 tensor too.
"""

import json
import pathlib
import shutil

import numpy as np
import PIL
from PIL import Image
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

FOLDER = pathlib.Path(__file__).parent / "preprocess"


def blobs(width, height, seed, scale=9):
    """A binary image with long edges, as a thresholded line-camera frame has."""
    coarse = np.random.default_rng(seed).integers(0, 256, (height // scale + 2, width // scale + 2))
    image = Image.fromarray(coarse.astype(np.uint8)).resize((width, height), Image.Resampling.BICUBIC)
    return image.point(lambda value: 255 * (value > 127)).convert("1", dither=Image.Dither.NONE)


def dots(width, height, seed, mode="L"):
    """1-bit noise: every pixel black or white, the hardest input of a resize."""
    shape = (height, width) if mode == "L" else (height, width, 3)
    bits = np.random.default_rng(seed).integers(0, 2, shape).astype(np.uint8) * 255
    image = Image.fromarray(bits)
    return image.convert("1", dither=Image.Dither.NONE) if mode == "L" else image


def noise(width, height, seed, mode="L"):
    shape = (height, width) if mode == "L" else (height, width, 3)
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, shape).astype(np.uint8))


def ramp(width, height):
    y, x = np.mgrid[0:height, 0:width].astype(np.float64)
    planes = [x / max(width - 1, 1), y / max(height - 1, 1), np.sin((x + y) / 17) * 0.5 + 0.5]
    return Image.fromarray(np.round(np.stack(planes, -1) * 255).astype(np.uint8))


def lines(width, height, period):
    """Black and white stripes of one pixel's width, every `period`: aliasing shows at once."""
    y, x = np.mgrid[0:height, 0:width]
    return Image.fromarray((255 * ((x % period == 0) | (y % period == 0))).astype(np.uint8))


def clip(edge, **more):
    return {"size": {"shortest_edge": edge}, "crop_size": {"height": edge, "width": edge}, **more}


def exact(width, height, **more):
    return {"size": {"height": height, "width": width}, "do_center_crop": False, **more}


def pad(width, height, **more):
    return {"do_resize": False, "crop_size": {"height": height, "width": width}, **more}


# name: (image, preprocessor file, whether the f32 tensor is kept)
CASES = {
    "binary_blobs": (blobs(320, 320, 1), clip(64), False),
    "binary_blobs_odd": (blobs(331, 207, 2), clip(48), False),
    "binary_dots": (dots(160, 160, 3), clip(32), False),
    "binary_dots_near": (dots(75, 80, 4), clip(64), False),
    "binary_dots_rgb": (dots(90, 70, 5, "RGB"), clip(32), False),
    "stripes": (lines(200, 180, 3), clip(56), False),
    "noise_gray": (noise(131, 97, 6), clip(32), False),
    "noise_rgb": (noise(83, 61, 7, "RGB"), clip(32), True),
    "ramp_rgb": (ramp(300, 222), clip(64), False),
    "upscaled_gray": (noise(11, 7, 8), clip(64), False),
    "upscaled_rgb": (noise(9, 13, 9, "RGB"), clip(64), False),
    "upscaled_dots": (dots(20, 21, 10), clip(64), False),
    "upscaled_slightly": (dots(60, 63, 11), clip(64), False),
    "one_pixel": (noise(1, 1, 12, "RGB"), clip(32), False),
    "one_row": (dots(500, 1, 13), clip(32), False),
    "one_column": (noise(1, 300, 14), clip(32), False),
    "extreme_wide": (dots(3000, 7, 15), clip(48), False),
    "extreme_tall": (dots(5, 2000, 16), clip(48), False),
    "tall_down": (dots(53, 209, 35), clip(48), False),
    "tall_blobs": (blobs(80, 420, 36, 5), clip(64), False),
    "extreme_wide_rgb": (noise(900, 3, 17, "RGB"), clip(40), False),
    "same_size": (noise(48, 48, 18), clip(48), False),
    "same_height": (noise(91, 40, 19), clip(40), False),
    "same_width_odd": (noise(33, 70, 20, "RGB"), clip(33), False),
    "crop_below_edge": (blobs(150, 110, 21), clip(60) | {"crop_size": 41}, False),
    "crop_above_edge": (noise(50, 37, 22, "RGB"), clip(24) | {"crop_size": 37}, True),
    "crop_one_axis": (noise(70, 50, 23), {"size": 20, "crop_size": {"height": 31, "width": 24}}, False),
    "exact_size": (dots(101, 57, 24), exact(37, 53), False),
    "exact_horizontal": (dots(101, 40, 25), exact(29, 40), False),
    "exact_vertical": (dots(40, 101, 26), exact(40, 29), False),
    "exact_cropped": (noise(77, 99, 27), exact(60, 50) | {"do_center_crop": True, "crop_size": 44}, False),
    "only_crop": (noise(57, 44, 28), pad(31, 32), False),
    "only_pad": (noise(21, 20, 29, "RGB"), pad(32, 33), False),
    "bilinear_down": (dots(120, 90, 30), clip(32, resample=2), False),
    "bilinear_up": (noise(10, 12, 31, "RGB"), clip(40, resample=2), False),
    "not_rescaled": (noise(32, 32, 32), clip(32, do_rescale=False), True),
    "not_normalized": (noise(32, 32, 33), clip(32, do_normalize=False), True),
    "half_scale": (noise(32, 32, 34), clip(32, rescale_factor=1 / 127.5, image_mean=[1.0] * 3, image_std=[1.0, 0.5, 2.0]), True),
}


def main():
    if int(PIL.__version__.split(".")[0]) > 12:
        raise SystemExit(f"Pillow {PIL.__version__}: at most 12 is expected, see above")
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir()
    cases = []
    for name, (image, config, keeps_tensor) in CASES.items():
        image.save(FOLDER / f"{name}.png", optimize=True)
        processor = CLIPImageProcessorPil(**config)
        pixels = processor(image, do_rescale=False, do_normalize=False, return_tensors="np")["pixel_values"][0]
        assert pixels.dtype == np.uint8 and pixels.shape[0] == 3
        gray = all((plane == pixels[0]).all() for plane in pixels)
        kept = Image.fromarray(pixels[0] if gray else np.moveaxis(pixels, 0, -1))
        kept.save(FOLDER / f"{name}.expected.png", optimize=True)
        if keeps_tensor:
            tensor = processor(image, return_tensors="np")["pixel_values"][0]
            (FOLDER / f"{name}.f32").write_bytes(tensor.astype("<f4").tobytes())
        cases.append({"name": name, "config": config, "tensor": keeps_tensor})
    text = ",\n".join(json.dumps(case) for case in cases)
    (FOLDER / "cases.json").write_text(f"[\n{text}\n]\n")


if __name__ == "__main__":
    main()
