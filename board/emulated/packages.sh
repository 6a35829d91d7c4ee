#!/usr/bin/env bash
# Installs what board/cross.sh and board/emulated/run.sh need, where that is possible without asking: as
# root on Debian, from the sources that its apt has. Ends with 0 where all of it is there, else with 2 and
# the reason on standard output; what apt says goes to standard error.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
PATH=$PATH:/usr/sbin:/sbin

lacking() { echo "$*"; exit 2; }

# Debian's package of each program.
packages() {
    local program
    for program in qemu-system-aarch64:qemu-system-arm cpio:cpio depmod:kmod modprobe:kmod \
        aarch64-linux-gnu-gcc:gcc-aarch64-linux-gnu; do
        command -v "${program%%:*}" >/dev/null || echo "${program##*:}"
    done
    [ -e /usr/aarch64-linux-gnu/lib/libc.a ] || echo libc6-dev-arm64-cross
}

# rust: whether a compiler here has the library of the target.
rust() { "$here/../cross.sh" --check >/dev/null 2>&1; }

# apt COMMAND...: never asks, never waits for ever, never takes away what is there.
apt() {
    DEBIAN_FRONTEND=noninteractive timeout 900 apt-get -y --no-install-recommends --no-remove "$@" \
        </dev/null >&2
}

# Newer emulators come from backports, where apt knows them; the release's own will do.
install_emulator() {
    local release suite
    release=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
    suite=$release-backports
    if [ -n "$release" ] && apt-cache policy | grep -q "n=$suite,"; then
        apt install -t "$suite" qemu-system-arm && return
    fi
    apt install qemu-system-arm
}

wanted=$(packages | sort -u)
has_kernel() { apt-cache show linux-image-arm64:arm64 >/dev/null 2>&1; }
if [ -z "$wanted" ] && rust && has_kernel; then exit 0; fi

command -v apt-get >/dev/null && command -v dpkg >/dev/null || lacking "no apt-get to install with"
[ -f /etc/debian_version ] || lacking "not Debian"
[ "$(id -u)" = 0 ] ||
    lacking "not root, to install ${wanted:+${wanted//$'\n'/ }, }Rust's arm64 library or the list of a kernel"

if ! dpkg --print-foreign-architectures | grep -qx arm64 && [ "$(dpkg --print-architecture)" != arm64 ]; then
    dpkg --add-architecture arm64 >&2 || lacking "dpkg does not take the architecture arm64"
fi
apt update || echo "apt-get update fails; with the lists as they are" >&2
for package in $wanted; do
    if [ "$package" = qemu-system-arm ]; then
        install_emulator || lacking "qemu-system-arm cannot be installed"
    else
        apt install "$package" || lacking "$package cannot be installed"
    fi
done
if ! rust; then
    if command -v rustup >/dev/null; then
        timeout 300 rustup target add aarch64-unknown-linux-gnu >&2 || true
    fi
    rust || apt install rustc-web cargo-web libstd-rust-web-dev:arm64 ||
        lacking "Rust's library for arm64 cannot be installed"
    rust || lacking "no Rust library for arm64 that fits a compiler here"
fi
has_kernel || lacking "apt knows no arm64 kernel"
