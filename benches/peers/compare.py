#!/usr/bin/env python3
"""Times onnxruntime and OpenVINO on the files of a bundle, in alternation with `pairspec bench`.

Needs the packages numpy and onnxruntime, and openvino where it is to be compared. Every round runs
each engine once, so that a slow spell of the machine falls on all of them, and the ratio printed is
the median over rounds of pairspec's time to the other's in the same round. With --best the others
may also run these files, and the fastest of each round counts. With --load each engine starts in a
process of its own, and what is compared is reading and preparing the file and the most memory held.

    benches/peers/compare.py target/release/pairspec BUNDLE [--precision int8] [--tower image]
        [--threads 1] [--batch 1] [--rounds 7] [--best FILE ...] [--load]
"""

import argparse
import json
import pathlib
import statistics
import subprocess
import sys
import time

import numpy

FILES = {
    ("image", "int8"): "vision.int8.onnx",
    ("image", "fp32"): "vision.onnx",
    ("text", "int8"): "text.int8.onnx",
    ("text", "fp32"): "text.onnx",
}
TOKENS = 77


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


def onnxruntime_session(path, data, threads):
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    return lambda: session.run(None, {name: data})[0]


def openvino_session(path, data, threads):
    import openvino

    settings = {"INFERENCE_NUM_THREADS": threads, "PERFORMANCE_HINT": "LATENCY"}
    core = openvino.Core()
    model = core.read_model(str(path))
    model.reshape(data.shape)
    compiled = core.compile_model(model, "CPU", settings)
    request = compiled.create_infer_request()
    return lambda: request.infer([data])[compiled.output(0)]


PEERS = {"onnxruntime": onnxruntime_session, "openvino": openvino_session}


def available():
    found = []
    for name in PEERS:
        try:
            __import__(name)
            found.append(name)
        except ImportError:
            print(f"{name} is not installed here", file=sys.stderr)
    return found


def pairspec(arguments, *more):
    command = [arguments.pairspec, "bench", "--model", arguments.bundle, "--json"]
    command += ["--precision", arguments.precision, "--tower", arguments.tower]
    command += ["--threads", str(arguments.threads), "--batch", str(arguments.batch), *more]
    if arguments.tower == "text":
        command += ["--tokens", str(TOKENS)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return json.loads(done.stdout)


def held_mb():
    with open("/proc/self/status") as status:
        line = next(line for line in status if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024 / 1e6


def input_of(arguments):
    generator = numpy.random.default_rng(1)
    if arguments.tower == "text":
        return generator.integers(1, 500, (arguments.batch, TOKENS)).astype(numpy.int64)
    described = [arguments.pairspec, "model", "info", arguments.bundle, "--json"]
    info = subprocess.run(described, check=True, capture_output=True)
    edge = json.loads(info.stdout)["vision"]["image"]
    return generator.uniform(-2, 2, (arguments.batch, 3, edge, edge)).astype(numpy.float32)


def start_alone(name, path, arguments):
    """What a process of its own needs to be ready, and the most memory it held, less its interpreter's."""
    data = input_of(arguments)
    __import__(name)
    before = held_mb()
    started = time.perf_counter()
    run = PEERS[name](path, data, arguments.threads)
    ready = (time.perf_counter() - started) * 1e3
    run()
    print(json.dumps({"load_ms": ready, "memory_mb": held_mb() - before}))


def ratio(name, what, rounds):
    ratios = [times["pairspec"] / times[name] for times in rounds]
    spread = f"from {min(ratios):.3f} to {max(ratios):.3f}"
    print(f"pairspec / {name}, {what}: {statistics.median(ratios):.3f} ({spread})")


def compare_start(arguments, path, peers):
    loads, memories = [], []
    for _ in range(arguments.rounds):
        own = pairspec(arguments, "--runs", "1")
        load = {"pairspec": own["load_ms"] - own["verify_ms"]}
        # As for the others: less what the program held before the file.
        memory = {"pairspec": (own["peak_rss_bytes"] - own["start_rss_bytes"]) / 1e6}
        for name in peers:
            command = [sys.executable, __file__, *sys.argv[1:], "--alone", name]
            found = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
            load[name], memory[name] = found["load_ms"], found["memory_mb"]
        loads.append(load)
        memories.append(memory)
        both = [f"{name} {load[name]:.0f} ms {memory[name]:.0f} MB" for name in load]
        print("  ".join(both), flush=True)
    for name in peers:
        ratio(name, "load", loads)
        ratio(name, "memory", memories)


def compare_times(arguments, path, peers):
    data = input_of(arguments)
    runs = {}
    for name in peers:
        for file in [path, *map(pathlib.Path, arguments.best)]:
            runs[name, file.name] = PEERS[name](file, data, arguments.threads)
    embeddings = [runs[name, path.name]().ravel().astype(float) for name in peers]
    if len(embeddings) == 2:
        a, b = embeddings
        print(f"cosine of the two others' embeddings {a @ b / numpy.sqrt((a @ a) * (b @ b)):.6f}")
    rounds = []
    for _ in range(arguments.rounds):
        own = pairspec(arguments)["median_ms"] * arguments.batch
        each = {key: median_ms(run) for key, run in runs.items()}
        times = {"pairspec": own}
        for name in peers:
            times[f"{name} same file"] = each[name, path.name]
            times[name] = min(value for key, value in each.items() if key[0] == name)
        rounds.append(times)
        shown = [f"{name} {file} {value:.2f}" for (name, file), value in each.items()]
        print(f"pairspec {own:.2f}  " + "  ".join(shown), flush=True)
    for name in peers:
        ratio(f"{name} same file", "time", rounds)
        if arguments.best:
            ratio(name, "time of its fastest file", rounds)
            gained = [times[f"{name} same file"] / times[name] for times in rounds]
            print(f"{name} on this file / on its fastest: {statistics.median(gained):.3f}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("pairspec")
    parser.add_argument("bundle")
    parser.add_argument("--precision", choices=["int8", "fp32"], default="int8")
    parser.add_argument("--tower", choices=["image", "text"], default="image")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--best", nargs="*", default=[])
    parser.add_argument("--load", action="store_true")
    parser.add_argument("--alone", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    path = pathlib.Path(arguments.bundle) / FILES[arguments.tower, arguments.precision]
    if arguments.alone:
        start_alone(arguments.alone, path, arguments)
    elif arguments.load:
        compare_start(arguments, path, available())
    else:
        compare_times(arguments, path, available())


if __name__ == "__main__":
    main()
