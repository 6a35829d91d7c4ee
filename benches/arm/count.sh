#!/usr/bin/env bash
# Counts the instructions of an inference on the emulated Cortex-A72 and Cortex-A76: where nothing can
# be timed, they can be compared. The emulator's clock goes on by a nanosecond an instruction, so that
# what a program there takes for milliseconds are millions of instructions.
#
#   benches/arm/count.sh INT8 FILE.onnx...
#
# INT8 is `benches/int8.rs` as a static binary (the profile, target and flags of board/cross.sh, with
# `--bench int8`). Each FILE runs as the product runs it and on plain tract. Needs what
# board/emulated/run.sh needs; PAIRSPEC_EMULATED_CACHE keeps what was downloaded.
set -euo pipefail
here=$(cd "$(dirname "$0")/../../board/emulated" && pwd)
[ $# -ge 2 ] || { sed -n 's/^# \?//; 6p' "$0" >&2; exit 2; }
int8=$1
shift
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cache=${PAIRSPEC_EMULATED_CACHE:-$work/cache}
mkdir -p "$cache" "$work/host/files"
. "$here/system.sh"

tools
fetch
pack
cp "$int8" "$work/host/int8"
for file in "$@"; do cp "$file" "$work/host/files/"; done
cat >"$work/host/guest.sh" <<'GUEST'
for file in /host/files/*; do
    # A kernel that the processor has not ends at once, with no such line.
    PAIRSPEC_KERNEL=neon-sdot /host/int8 "$file" --runs 2
    PAIRSPEC_KERNEL=neon-smull /host/int8 "$file" --runs 2 --plain
done
GUEST
for cpu in cortex-a72 cortex-a76; do
    echo "== $cpu, millions of instructions (where it says ms)"
    timeout 1200 qemu-system-aarch64 -M virt,gic-version=3 -cpu $cpu -accel tcg,thread=single -smp 1 \
        -icount shift=0,sleep=off -m 1024 -nodefaults -no-reboot -nographic -serial stdio -monitor none \
        -kernel "$work/vmlinuz" -initrd "$work/initrd.gz" -append "console=ttyAMA0 quiet panic=-1" \
        -virtfs "local,path=$work/host,mount_tag=host,security_model=none" </dev/null |
        tr -d '\r' | sed -n 's|^/host/files/||p'
done
