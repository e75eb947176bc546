# Comes first in every guest: mounts what a kernel needs. The machine's own files are the root,
# read-only; what a script writes belongs to /run, which is memory, to a disk or to $LAB_WORK,
# which the machine sees.
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t tmpfs tmpfs /run
mkdir -p /run/bin /run/tmp "$LAB_WORK" "/run/modules/lib/modules"
mount -t hostfs none "$LAB_WORK" -o "$LAB_MACHINE_WORK"
ln -s "$LAB_MODULES/$(uname -r)" /run/modules/lib/modules/
# The kernel, too, loads modules by this program. It spares the machine a /lib/modules.
printf '#!/bin/sh\nexec "%s" -d /run/modules "$@"\n' "$(command -v modprobe)" >/run/bin/modprobe
chmod +x /run/bin/modprobe
echo /run/bin/modprobe >/proc/sys/kernel/modprobe
export PATH="/run/bin:$PATH" TMPDIR=/run/tmp HOME=/run/tmp NO_COLOR=1
ip link set lo up

# disk_mount DEVICE DIRECTORY [OPTIONS]: mounts a disk, of whatever file system is on it.
disk_mount() {
  mkdir -p "$2"
  modprobe "$(blkid -o value -s TYPE "$1")" 2>/dev/null || true
  mount -o "${3:-defaults}" "$1" "$2"
}
