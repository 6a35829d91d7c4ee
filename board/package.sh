#!/usr/bin/env bash
# Makes the Debian packages: pairspec for arm64 and amd64, both static, and pairspec-model-default. Ends
# with 1 where the binary for arm64, whose boxes boot from small cards, has more than 20 MB, a package
# without model more than 10 MB, or a package lacks one of its files.
#
#   board/package.sh [arm64|amd64]...      default: both, into target/debian
#
# Needs cargo-deb 3.0 or newer (a profile of one's own in Cargo.toml), dpkg-deb, and for arm64 what
# board/cross.sh needs; for amd64 also ar and xz.
set -euo pipefail
cd "$(dirname "$0")/.."

least=3.0.0
found=$(cargo deb --version 2>/dev/null | grep -oE '[0-9]+\.[0-9]+\.[0-9]+' | head -n 1 || true)
if [ -z "$found" ] || [ "$(printf '%s\n' $least "$found" | sort -V | head -n 1)" != $least ]; then
    echo "package.sh: cargo-deb ${found:-is not there}, $least or newer is expected" \
        "(cargo install cargo-deb --locked)" >&2
    exit 2
fi
command -v dpkg-deb >/dev/null || { echo "package.sh: no dpkg-deb" >&2; exit 2; }
folder=${CARGO_TARGET_DIR:-target}
# Panels at an SPI bus are wired on boxes as often as any other.
features=spi-panel

# small FILE MOST: fails on a file with more bytes.
small() {
    local bytes
    bytes=$(stat -c %s "$1")
    if [ "$bytes" -gt "$2" ]; then
        echo "package.sh: $1 has $bytes bytes, at most $2 are allowed" >&2
        exit 1
    fi
    echo "$1: $bytes bytes (at most $2)"
}

# holds DEB PATTERN...: fails on a package without a path that matches.
holds() {
    local deb=$1 names pattern
    names=$(dpkg-deb --fsys-tarfile "$deb" | tar -t)
    shift
    for pattern in "$@"; do
        grep -qE "^\./$pattern\$" <<<"$names" || {
            echo "package.sh: $deb has no $pattern" >&2
            exit 1
        }
    done
}

# runs DEB SCRIPT...: fails on a package without one of its scripts.
runs() {
    local deb=$1 names script
    names=$(dpkg-deb --ctrl-tarfile "$deb" | tar -t)
    shift
    for script in "$@"; do
        grep -qxF "./$script" <<<"$names" || { echo "package.sh: $deb has no $script" >&2; exit 1; }
    done
}

# tighter DEB: packs it again with xz's filter for x86 code, which every dpkg with xz reads: 5 % smaller.
# The one for arm64 is newer than the dpkg of many boxes.
tighter() {
    local work deb=$1
    work=$(mktemp -d)
    ar x --output "$work" "$deb"
    xz --decompress "$work/data.tar.xz"
    xz --x86 --lzma2=preset=9e "$work/data.tar"
    rm "$deb"
    (cd "$work" && ar rcD package.deb debian-binary control.tar.xz data.tar.xz)
    mv "$work/package.deb" "$deb"
    rm -r "$work"
}

# newest NAME ARCHITECTURE: what cargo-deb wrote last.
newest() {
    ls -t "$folder"/debian/"$1"_*_"$2".deb | head -n 1
}

mkdir -p "$folder/debian"
[ $# -gt 0 ] || set -- arm64 amd64
for architecture in "$@"; do
    case $architecture in
        arm64)
            target=aarch64-unknown-linux-gnu
            board/cross.sh --features $features
            ;;
        amd64)
            target=x86_64-unknown-linux-gnu
            # The level of what is linked: see cross.sh.
            RUSTFLAGS="-C target-feature=+crt-static ${RUSTFLAGS:-}" cargo rustc --locked --profile dist \
                --target $target --features $features -p pairspec --bin pairspec -- -C opt-level=3
            ;;
        *)
            echo "usage: board/package.sh [arm64|amd64]..." >&2
            exit 2
            ;;
    esac
    if [ "$architecture" = arm64 ]; then
        small "$folder/$target/dist/pairspec" 20000000
    else
        echo "$folder/$target/dist/pairspec: $(stat -c %s "$folder/$target/dist/pairspec") bytes"
    fi
    # Stripped already; the strip of this machine may not know the other's format.
    deb=(cargo deb --no-build --no-strip --target $target -p pairspec --output "$folder/debian/")
    "${deb[@]}"
    "${deb[@]}" --variant model
    program=$(newest pairspec "$architecture")
    model=$(newest pairspec-model-default "$architecture")
    if [ "$architecture" = amd64 ]; then tighter "$program"; fi
    small "$program" 10000000
    holds "$program" usr/bin/pairspec '(usr/)?lib/systemd/system/pairspec\.service' \
        'usr/lib/sysusers\.d/pairspec\.conf' 'usr/lib/udev/rules\.d/60-pairspec\.rules' \
        usr/share/doc/pairspec/{README,plant}'\.md' 'usr/share/doc/pairspec/examples/station\.toml' \
        usr/share/pairspec/board/{raspberry-pi-4,raspberry-pi-5,jetson-nano,jetson-orin}'\.toml' \
        usr/share/pairspec/board/{emulated,generic-x86-64}'\.toml'
    runs "$program" postinst postrm prerm
    holds "$model" 'usr/share/pairspec/models/default/bundle\.toml' \
        'usr/share/pairspec/models/default/demo/recipe\.toml' \
        'usr/share/pairspec/calibration/board/.+\.toml'
    echo "$model: $(stat -c %s "$model") bytes"
done
