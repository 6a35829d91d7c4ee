#!/usr/bin/env bash
# Counts the instructions of an inference on the emulated Cortex-A72 and Cortex-A76: where nothing can
# be timed, they can be compared. The emulator's clock goes on by a nanosecond an instruction, so that
# what a program there takes for milliseconds are millions of instructions.
#
#   benches/arm/count.sh PAIRSPEC BUNDLE [TRACT FILE.onnx...]
#
# PAIRSPEC is a static binary (board/cross.sh), BUNDLE a model's folder; TRACT is `benches/tract.rs`
# built the same way, and each FILE is run by it on plain tract. Needs what board/emulated/run.sh
# needs; PAIRSPEC_EMULATED_CACHE keeps what was downloaded.
set -euo pipefail
here=$(cd "$(dirname "$0")/../../board/emulated" && pwd)
[ $# -ge 2 ] || { sed -n 's/^# \?//; 6p' "$0" >&2; exit 2; }
pairspec=$1 bundle=$2 tract=${3:-}
shift $(($# < 3 ? $# : 3))
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cache=${PAIRSPEC_EMULATED_CACHE:-$work/cache}
mkdir -p "$cache" "$work/host/files"
. "$here/system.sh"

tools
fetch
pack
cp "$pairspec" "$work/host/pairspec"
cp -r "$bundle" "$work/host/bundle"
[ -z "$tract" ] || cp "$tract" "$work/host/tract"
for file in "$@"; do cp "$file" "$work/host/files/"; done
cat >"$work/host/guest.sh" <<'GUEST'
# A kernel that the processor has not ends at once, with no such line.
for kernel in neon-sdot neon-smull; do
    PAIRSPEC_KERNEL=$kernel /host/pairspec bench -m /host/bundle --runs 3 2>&1 |
        sed -n "s/^per image */pairspec, $kernel: /p"
done
/host/pairspec bench -m /host/bundle --precision fp32 --runs 3 2>&1 |
    sed -n 's/^per image */pairspec in fp32: /p'
for file in /host/files/*; do
    [ ! -f "$file" ] || /host/tract --runs 3 "$file" 2>&1 | sed 's/^/plain tract: /; s|/host/files/||'
done
GUEST
for cpu in cortex-a72 cortex-a76; do
    echo "== $cpu, millions of instructions (where it says ms)"
    timeout 1200 qemu-system-aarch64 -M virt,gic-version=3 -cpu $cpu -accel tcg,thread=single -smp 1 \
        -icount shift=0,sleep=off -m 1024 -nodefaults -no-reboot -nographic -serial stdio -monitor none \
        -kernel "$work/vmlinuz" -initrd "$work/initrd.gz" -append "console=ttyAMA0 quiet panic=-1" \
        -virtfs "local,path=$work/host,mount_tag=host,security_model=none" </dev/null |
        tr -d '\r' | grep -E '^(pairspec|plain tract)'
done
