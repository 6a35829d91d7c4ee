#!/bin/busybox sh
# The first process of the emulated board.
/bin/busybox mkdir -p /proc /sys /dev /host /tmp /etc /run /var/lib /sbin /usr/bin /usr/sbin
/bin/busybox --install -s /bin
export PATH=/bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
while read -r module; do modprobe "$module" || echo "no module $module"; done < /modules
modprobe vivid n_devs=2 node_types=0x1,0x1 num_inputs=1,1 input_types=0x0,0x0 multiplanar=1,1
mount -t 9p -o trans=virtio,version=9p2000.L host /host
sh /host/guest.sh
poweroff -f
