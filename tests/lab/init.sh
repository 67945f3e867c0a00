#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# PID 1 of the lab: a user-mode Linux whose root is the machine's own.
#
# The machine's files are mounted read-only and an overlay in memory is laid
# over them, so that the build under test is simply there, everything can be
# written, and nothing of it reaches the machine.  The one way out is the
# folder $LAB_DIR, which lab.py made: it holds the job and takes its results.
#
# The two stages are one process, because the kernel's threads share the root
# of PID 1: LIO opens its APTPL files from one of them.
export PATH=/usr/sbin:/usr/bin:/sbin:/bin
export LC_ALL=C.UTF-8 HOME=/root

die() {
	echo "lab: $*"
	echo o > /proc/sysrq-trigger
	while :; do sleep 60; done
}

module() {
	modprobe "$1" || die "no module $1 in this kernel"
}

lay_overlay() {
	mount -t proc proc /proc || die "no /proc"
	K=$(uname -r)
	# modprobe is of no use yet: Debian keeps these modules elsewhere.
	insmod "/usr/lib/uml/modules/$K/kernel/fs/overlayfs/overlay.ko" ||
		die "cannot load overlay.ko of $K"
	mount -t tmpfs lab /mnt || die "no tmpfs"
	mkdir /mnt/upper /mnt/work /mnt/root
	mount -t overlay overlay -o \
		lowerdir=/,upperdir=/mnt/upper,workdir=/mnt/work /mnt/root ||
		die "no overlay"
	cd /mnt/root || die "no root"
	mkdir -p proc sys dev run tmp mnt var/target/pr "usr/lib/modules/$K"
	mount --bind "/usr/lib/uml/modules/$K" "usr/lib/modules/$K"
	mount -t proc proc proc
	mount -t sysfs sys sys
	mount -t devtmpfs dev dev
	mkdir -p dev/shm dev/pts run/lock run/lab
	mount -t tmpfs shm dev/shm
	mount -t devpts devpts dev/pts
	mount -t tmpfs run run
	mkdir -p run/lock run/lab
	mount -t tmpfs mnt mnt
	mount -t hostfs none run/lab -o "$LAB_DIR" || die "no $LAB_DIR"
	mount -n --move . /
	exec chroot . /bin/sh /run/lab/init.sh stage2
}

set_up() {
	ip link set lo up 2> /dev/null || busybox ip link set lo up
	module configfs
	mount -t configfs configfs /sys/kernel/config
	for m in sd_mod sg; do
		module $m
	done
}

case $1 in
stage2)
	set_up
	cd "$(readlink /run/lab/cwd)" || cd /
	unset mem uml_dir umid OLDPWD
	stty -onlcr < /dev/tty1
	# Without a person at it, a read of the terminal would never end.
	setsid -c -w /bin/sh -c "exec /bin/sh /run/lab/job.sh <$LAB_STDIN" \
		< /dev/tty1 > /dev/tty1 2>&1
	echo $? > /run/lab/status
	dmesg > /run/lab/dmesg
	sync
	echo o > /proc/sysrq-trigger
	while :; do sleep 60; done
	;;
*)
	lay_overlay
	;;
esac
