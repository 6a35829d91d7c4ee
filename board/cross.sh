#!/usr/bin/env bash
# Builds the static aarch64 binary, which runs on any 64-bit ARM Linux: Raspberry Pi OS, JetPack 4
# to 6, Debian, Ubuntu.
#
#   board/cross.sh [--profile dist|release|emulated] [--features LIST] [--target-dir DIR] [--check]
#
# --check builds nothing: exit 0 where everything needed is there, else 2 and what is not.
#
# Needs the linker aarch64-linux-gnu-gcc, and Rust's library for the target from one of
#   rustup target add aarch64-unknown-linux-gnu
#   apt-get install rustc-web cargo-web libstd-rust-web-dev:arm64     (Debian, foreign architecture)
# On Debian the linker is in gcc-aarch64-linux-gnu, its C library in libc6-dev-arm64-cross.
# A dynamic binary would need the C library of the build machine: JetPack's are older.
set -euo pipefail
cd "$(dirname "$0")/.."

target=aarch64-unknown-linux-gnu
profile=dist
features=
check=
folder=${CARGO_TARGET_DIR:-target}
while [ $# -gt 0 ]; do
    case $1 in
        --profile) profile=$2; shift 2 ;;
        --features) features=$2; shift 2 ;;
        --target-dir) folder=$2; shift 2 ;;
        --check) check=1; shift ;;
        *)
            echo "usage: board/cross.sh [--profile NAME] [--features LIST] [--target-dir DIR] [--check]" >&2
            exit 2
            ;;
    esac
done

command -v aarch64-linux-gnu-gcc >/dev/null || {
    echo "cross.sh: no aarch64-linux-gnu-gcc (Debian: gcc-aarch64-linux-gnu libc6-dev-arm64-cross)" >&2
    exit 2
}

# The first cargo whose compiler has the library of the target.
cargo=
for candidate in cargo /usr/bin/cargo; do
    rustc=$(dirname "$(command -v "$candidate" || true)")/rustc
    [ -x "$rustc" ] || continue
    if [ -d "$("$rustc" --print sysroot)/lib/rustlib/$target/lib" ]; then
        cargo=$candidate
        RUSTC=$rustc
        export RUSTC
        break
    fi
done
[ -n "$cargo" ] || {
    echo "cross.sh: no Rust library for $target (rustup target add $target)" >&2
    exit 2
}

[ -z "$check" ] || exit 0

export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER=aarch64-linux-gnu-gcc
export CC_aarch64_unknown_linux_gnu=aarch64-linux-gnu-gcc
export AR_aarch64_unknown_linux_gnu=aarch64-linux-gnu-ar
export RUSTFLAGS="-C target-feature=+crt-static ${RUSTFLAGS:-}"
last=()
if [ "$profile" = dist ]; then
    # What is linked is optimised once more, all of it together, by the level of the last crate: there each
    # function keeps its own, but at z the fast ones would lose what they call. Code that is alike in several
    # places becomes a function, unless the 32 bytes of its unwinding entry, which the compiler does not count,
    # cost more than it saves.
    last=(-C opt-level=3 -C llvm-args=-outliner-benefit-threshold=32)
fi
"$cargo" rustc --locked --profile "$profile" --target "$target" --target-dir "$folder" \
    --features "$features" -p pairspec --bin pairspec -- "${last[@]}"

binary=$folder/$target/$profile/pairspec
# Anything but a static binary would fail on the box, not here.
if aarch64-linux-gnu-readelf -l "$binary" | grep -q INTERP; then
    echo "cross.sh: $binary is not static" >&2
    exit 1
fi
bytes=$(stat -c %s "$binary")
echo "$binary: static, $bytes bytes"
# Boxes boot from small cards.
if [ "$profile" = dist ] && [ "$bytes" -gt 20000000 ]; then
    echo "cross.sh: $((bytes - 20000000)) bytes more than the 20 MB it may have" >&2
    exit 1
fi
