#!/usr/bin/env python3
"""Times onnxruntime and OpenVINO on the files of a bundle, in alternation with `pairspec bench`.

Needs the packages numpy and onnxruntime, and openvino where it is to be compared. One thread each;
every round runs each engine once, so that a slow spell of the machine falls on all of them, and the
ratio printed is the median over rounds of pairspec's time to the other's in the same round.

    benches/peers/compare.py target/release/pairspec BUNDLE [--rounds 7] [--precision int8]
"""

import argparse
import json
import pathlib
import statistics
import subprocess
import time

import numpy

FILES = {"int8": "vision.int8.onnx", "fp32": "vision.onnx"}


def median_ms(run, seconds=2.0):
    for _ in range(3):
        run()
    times = []
    begun = time.perf_counter()
    while len(times) < 10 or time.perf_counter() - begun < seconds:
        started = time.perf_counter()
        run()
        times.append((time.perf_counter() - started) * 1e3)
    return statistics.median(times)


def onnxruntime_session(path, pixels):
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    return lambda: session.run(None, {name: pixels})[0]


def openvino_session(path, pixels):
    try:
        import openvino
    except ImportError:
        return None
    settings = {"INFERENCE_NUM_THREADS": 1, "PERFORMANCE_HINT": "LATENCY"}
    model = openvino.Core().read_model(str(path))
    model.reshape(pixels.shape)
    compiled = openvino.Core().compile_model(model, "CPU", settings)
    request = compiled.create_infer_request()
    return lambda: request.infer([pixels])[compiled.output(0)]


def pairspec(arguments):
    command = [arguments.pairspec, "bench", "--model", arguments.bundle, "--json"]
    command += ["--precision", arguments.precision]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return json.loads(done.stdout)["median_ms"]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("pairspec")
    parser.add_argument("bundle")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--precision", choices=FILES, default="int8")
    arguments = parser.parse_args()
    path = pathlib.Path(arguments.bundle) / FILES[arguments.precision]
    described = ["model", "info", arguments.bundle, "--json"]
    info = subprocess.run([arguments.pairspec, *described], check=True, capture_output=True)
    edge = json.loads(info.stdout)["vision"]["image"]
    pixels = numpy.random.default_rng(1).uniform(-2, 2, (1, 3, edge, edge)).astype(numpy.float32)
    peers = {"onnxruntime": onnxruntime_session(path, pixels), "openvino": openvino_session(path, pixels)}
    peers = {name: run for name, run in peers.items() if run is not None}
    embeddings = {name: run().ravel().astype(float) for name, run in peers.items()}
    if len(embeddings) == 2:
        a, b = embeddings.values()
        print(f"cosine of the two others' embeddings {a @ b / numpy.sqrt((a @ a) * (b @ b)):.6f}")
    rounds = []
    for _ in range(arguments.rounds):
        times = {"pairspec": pairspec(arguments)}
        times.update({name: median_ms(run) for name, run in peers.items()})
        rounds.append(times)
        print("  ".join(f"{name} {value:.2f} ms" for name, value in times.items()), flush=True)
    for name in peers:
        ratios = [times["pairspec"] / times[name] for times in rounds]
        print(f"pairspec / {name}: {statistics.median(ratios):.3f} (from {min(ratios):.3f} to {max(ratios):.3f})")


if __name__ == "__main__":
    main()
