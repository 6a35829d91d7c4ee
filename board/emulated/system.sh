# The emulated board's kernel and first file system: read by run.sh and by what measures on it. Wants
# $here (this folder), $work (a folder that is thrown away) and $cache (what is downloaded).

skip() { echo "SKIP emulated board: $*"; exit 0; }

tools() {
    local tool
    PATH=$PATH:/usr/sbin:/sbin
    for tool in qemu-system-aarch64 dpkg-deb cpio depmod modprobe apt-get gzip timeout; do
        command -v $tool >/dev/null || skip "no $tool"
    done
}

# The generic kernel: the one for clouds has no vivid.
fetch() {
    ls "$cache"/linux-image-*.deb "$cache"/busybox-static_*.deb >/dev/null 2>&1 && return
    local kernel
    kernel=$(apt-cache depends linux-image-arm64:arm64 2>/dev/null |
        awk '/Depends: linux-image-[0-9]/ { print $2; exit }')
    [ -n "$kernel" ] || skip "apt knows no arm64 kernel (dpkg --add-architecture arm64)"
    (cd "$cache" && apt-get download "$kernel" busybox-static:arm64) >"$work/apt.log" 2>&1 ||
        skip "the arm64 kernel or busybox cannot be downloaded"
}

# Kernel, and an initial file system of busybox, the modules and what they depend on.
pack() {
    local tree=$work/tree system=$work/system version module path
    mkdir -p "$tree/bin" "$system"
    for package in "$cache"/*.deb; do dpkg-deb -x "$package" "$system"; done
    version=$(basename "$system"/lib/modules/*)
    depmod -b "$system" "$version" 2>"$work/depmod.log"
    for module in virtio_pci virtio_gpu 9p 9pnet_virtio vivid; do
        modprobe -d "$system" -S "$version" -D "$module" | awk '$1 == "insmod" { print $2 }'
    done | sort -u >"$work/modules"
    while read -r path; do
        path=${path#"$system"}
        mkdir -p "$tree/$(dirname "$path")"
        cp "$system/$path" "$tree/$path"
    done <"$work/modules"
    depmod -b "$tree" "$version" 2>"$work/depmod.log"
    printf '%s\n' virtio_pci virtio_gpu 9p 9pnet_virtio >"$tree/modules"
    cp "$system/bin/busybox" "$tree/bin/busybox"
    install -m 755 "$here/init.sh" "$tree/init"
    (cd "$tree" && find . -print0 | cpio --quiet -0 -o -H newc) | gzip -1 >"$work/initrd.gz"
    cp "$system"/boot/vmlinuz-* "$work/vmlinuz"
}
