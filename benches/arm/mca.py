#!/usr/bin/env python3
"""Estimates how many products a cycle the inner loops of an aarch64 binary's int8 kernels do.

Needs aarch64-linux-gnu-objdump and llvm-mca. A loop is taken from the binary itself: of all that end
in a branch back to their start, the one with the most of the kernel's instruction.

    benches/arm/mca.py target/aarch64-unknown-linux-gnu/dist/pairspec
"""

import re
import shutil
import subprocess
import sys

# Kernel: its instruction, products per instruction, other instructions that multiply, processors.
KERNELS = {
    "neon-sdot": (["sdot"], 16, ["cortex-a76", "neoverse-n1"]),
    "neon-smull": (["smull", "smlal2"], 8, ["cortex-a72", "cortex-a76"]),
}
ITERATIONS = 1000


def instructions(binary):
    listed = subprocess.run(
        ["aarch64-linux-gnu-objdump", "-d", "--no-show-raw-insn", binary],
        check=True, capture_output=True, text=True,
    )
    line = re.compile(r"^\s*([0-9a-f]+):\s+(\S+)\s*(.*?)(?:\s*//.*)?$")
    for text in listed.stdout.splitlines():
        found = line.match(text)
        if found:
            yield int(found[1], 16), found[2], re.sub(r"\s*<.*>", "", found[3])


def loops(code, names):
    """Straight loops, from a backward branch's target to the branch, that hold the instructions."""
    places = {address: index for index, (address, _, _) in enumerate(code)}
    for index, (_, name, operands) in enumerate(code):
        target = operands.split(",")[-1].strip().removeprefix("0x")
        if not name.startswith(("b.", "cb", "tb")) or not re.fullmatch("[0-9a-f]+", target):
            continue
        start = places.get(int(target, 16))
        if start is not None and index - 600 < start < index:
            body = code[start : index + 1]
            count = sum(name in names for _, name, _ in body)
            if count:
                yield count, body


def innermost(found):
    """Those that no other loop with the instructions lies within."""
    spans = [(body[0][0], body[-1][0]) for _, body in found]
    for (count, body), (first, last) in zip(found, spans):
        if not any(first <= a and b <= last and (a, b) != (first, last) for a, b in spans):
            yield count, body


def cycles(body, processor):
    lines = []
    for _, name, operands in body:
        if name.startswith(("b.", "cb", "tb")):
            operands = ", ".join(operands.split(",")[:-1] + ["loop"]) if "," in operands else "loop"
        lines.append(f"{name} {operands}")
    text = "loop:\n" + "\n".join(lines) + "\n"
    command = ["llvm-mca", "-mtriple=aarch64", f"-mcpu={processor}", f"-iterations={ITERATIONS}"]
    command += ["-mattr=+dotprod"]
    done = subprocess.run(command, input=text, check=True, capture_output=True, text=True)
    return int(re.search(r"Total Cycles:\s+(\d+)", done.stdout)[1]) / ITERATIONS


def main():
    for tool in ("aarch64-linux-gnu-objdump", "llvm-mca"):
        if not shutil.which(tool):
            return print(f"SKIP llvm-mca figures: no {tool}")
    code = list(instructions(sys.argv[1]))
    for kernel, (names, products, processors) in KERNELS.items():
        found = sorted(innermost(list(loops(code, names))), key=lambda it: (-it[0], len(it[1])))
        if not found:
            return print(f"{kernel}: no loop with {names[0]} in {sys.argv[1]}")
        count, body = found[0]
        for processor in processors:
            took = cycles(body, processor)
            print(
                f"{kernel} on {processor}: {count * products} products in {took:.1f} cycles, "
                f"{count * products / took:.1f} a cycle ({len(body)} instructions)"
            )


if __name__ == "__main__":
    main()
