#!/usr/bin/env python3
"""Quantizes a tower of a bundle with onnxruntime's own tools, for `compare.py --best`.

Needs the packages onnx and onnxruntime. Writes one file per way that may be the fastest: outputs
of linears quantized or not, scales of weights per channel, activations unsigned, all static. The
samples are random, which costs accuracy and no time.

    benches/peers/quantize.py BUNDLE DIR [--tower image]
"""

import argparse
import pathlib

import numpy
import onnx
from onnxruntime.quantization import (
    CalibrationDataReader,
    QuantFormat,
    QuantType,
    quantize_static,
)
from onnxruntime.quantization.shape_inference import quant_pre_process

LINEARS = ["MatMul", "Gemm", "Conv"]
TOWERS = {"image": "vision.onnx", "text": "text.onnx"}
WAYS = {
    "inputs-only": {"op_types_to_quantize": LINEARS, "exclude": LINEARS},
    "linears": {"op_types_to_quantize": LINEARS, "exclude": []},
}


class Samples(CalibrationDataReader):
    def __init__(self, model, tower):
        generator = numpy.random.default_rng(1)
        name = model.graph.input[0].name
        dims = [dim.dim_value for dim in model.graph.input[0].type.tensor_type.shape.dim]
        if tower == "image":
            shape = [1, 3, dims[2] or 224, dims[3] or 224]
            make = lambda: generator.uniform(-2, 2, shape).astype(numpy.float32)
        else:
            make = lambda: generator.integers(1, 500, (1, 16)).astype(numpy.int64)
        self.samples = iter([{name: make()} for _ in range(4)])

    def get_next(self):
        return next(self.samples, None)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("bundle")
    parser.add_argument("to")
    parser.add_argument("--tower", choices=TOWERS, default="image")
    arguments = parser.parse_args()
    folder = pathlib.Path(arguments.to)
    folder.mkdir(parents=True, exist_ok=True)
    ready = folder / f"{arguments.tower}.ready.onnx"
    quant_pre_process(str(pathlib.Path(arguments.bundle) / TOWERS[arguments.tower]), str(ready), skip_symbolic_shape=True)
    model = onnx.load(ready)
    # Attention multiplies two computed values: only products with a constant are linears.
    constants = {tensor.name for tensor in model.graph.initializer}
    computed = [
        node.name
        for node in model.graph.node
        if node.op_type == "MatMul" and not any(name in constants for name in node.input)
    ]
    for name, way in WAYS.items():
        to = folder / f"{arguments.tower}.{name}.onnx"
        quantize_static(
            str(ready),
            str(to),
            Samples(model, arguments.tower),
            quant_format=QuantFormat.QDQ,
            op_types_to_quantize=way["op_types_to_quantize"],
            nodes_to_exclude=computed,
            per_channel=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            extra_options={"OpTypesToExcludeOutputQuantization": way["exclude"]},
        )
        print(to)


if __name__ == "__main__":
    main()
