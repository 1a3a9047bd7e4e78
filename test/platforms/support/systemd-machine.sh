#!/bin/sh
# Process 1 of a machine of the tests' own, in new namespaces: systemd with its journal and nothing of this machine's
# services. It sees this machine's files and network; what it writes about units and logs is gone with it.
# $1: an empty folder for it. $2: what hierarchies of control groups there are, "NAME:FSTYPE:OPTIONS" each.
set -e
folder=$1
mount --make-rprivate /
mount -t proc proc /proc
mount -t tmpfs -o mode=755 tmpfs /run
library=$(dirname "$(readlink -f /lib/systemd/systemd)")
mkdir -p "$folder/units/sockets.target.wants" "$folder/nothing"
for unit in systemd-journald.service systemd-journald.socket systemd-journald-dev-log.socket multi-user.target \
  sysinit.target basic.target sockets.target shutdown.target network.target network-online.target timers.target \
  paths.target slices.target umount.target final.target -.slice system.slice user.slice; do
  cp "$library/system/$unit" "$folder/units/" 2>/dev/null || true
done
ln -s ../systemd-journald.socket ../systemd-journald-dev-log.socket "$folder/units/sockets.target.wants/"
cat > "$folder/units/user@.service" <<'UNIT'
[Service]
User=%i
Type=notify
ExecStart=/lib/systemd/systemd --user
Environment=XDG_RUNTIME_DIR=/run/user/%i
Delegate=pids memory
KillMode=mixed
UNIT
mount --bind "$folder/units" "$library/system"
mount --bind "$folder/nothing" "$library/system-generators"
mount -t tmpfs -o mode=755 tmpfs /etc/systemd/system
mount -t tmpfs -o mode=755 tmpfs /var/log
umount -l /sys/fs/cgroup
if [ "$2" = "unified" ]; then
  mount -t cgroup2 cgroup2 /sys/fs/cgroup
else
  mount -t tmpfs -o mode=755 tmpfs /sys/fs/cgroup
  for hierarchy in $2; do
    name=${hierarchy%%:*} rest=${hierarchy#*:}
    mkdir -p "/sys/fs/cgroup/$name"
    mount -t "${rest%%:*}" -o "${rest#*:}" "$name" "/sys/fs/cgroup/$name"
  done
fi
export container=tidegate-test
exec /lib/systemd/systemd --system --unit=multi-user.target --log-target=journal --show-status=false
