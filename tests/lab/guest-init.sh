#!/bin/busybox sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=dash
# PID 1 of the QEMU guest: runs what arrives on the second serial port.
#
#     -> NUMBER COMMAND            the command in base64
#     <- begin NUMBER
#     <- output, in base64
#     <- end NUMBER STATUS
#
# One line at a time, so that a byte lost by either side shows at once.
/bin/busybox mkdir -p /proc /sys /dev /tmp /usr/bin /usr/sbin /sbin
/bin/busybox --install -s
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
while read -r module; do
	insmod "/modules/$module" || echo "guest: no module $module"
done < /modules/order

exec < /dev/ttyS1 > /dev/ttyS1
stty raw -echo
echo ready
while read -r number command; do
	echo "$command" | base64 -d > /tmp/command
	sh /tmp/command < /dev/null > /tmp/output 2>&1
	status=$?
	echo "begin $number"
	base64 /tmp/output
	echo "end $number $status"
done
poweroff -f
