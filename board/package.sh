#!/usr/bin/env bash
# Makes the Debian packages: pairspec for arm64 and amd64, both static, and pairspec-model-default.
#
#   board/package.sh [arm64|amd64]...      default: both, into target/debian
#
# Needs cargo-deb, and for arm64 what board/cross.sh needs.
set -euo pipefail
cd "$(dirname "$0")/.."

cargo deb --version >/dev/null 2>&1 || {
    echo "package.sh: no cargo-deb (cargo install cargo-deb --locked)" >&2
    exit 2
}
folder=${CARGO_TARGET_DIR:-target}
[ $# -gt 0 ] || set -- arm64 amd64
for architecture in "$@"; do
    case $architecture in
        arm64)
            target=aarch64-unknown-linux-gnu
            board/cross.sh
            ;;
        amd64)
            target=x86_64-unknown-linux-gnu
            RUSTFLAGS="-C target-feature=+crt-static ${RUSTFLAGS:-}" cargo build --locked \
                --profile dist --target $target -p pairspec --bin pairspec
            ;;
        *)
            echo "usage: board/package.sh [arm64|amd64]..." >&2
            exit 2
            ;;
    esac
    # Stripped already; the strip of this machine may not know the other's format.
    deb=(cargo deb --no-build --no-strip --target $target -p pairspec)
    "${deb[@]}"
    "${deb[@]}" --variant model
    ls -l "$folder/$target"/debian/*.deb "$folder"/debian/*_"$architecture".deb 2>/dev/null || true
done
