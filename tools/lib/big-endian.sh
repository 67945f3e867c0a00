#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Prepare FOLDER for a cross build for s390x, which has the other byte order:
# a root with the libraries, and a meson cross file. Debian's packages are
# unpacked there, never installed.
set -eu
folder=$1
root=$folder/root
mkdir -p "$folder/apt/lists/partial" "$folder/apt/archives/partial" "$root"
folder=$(cd "$folder" && pwd)
root=$folder/root

for program in s390x-linux-gnu-gcc qemu-s390x-static; do
	command -v "$program" >/dev/null || {
		echo "$program is missing; install gcc-s390x-linux-gnu," \
			"libc6-dev-s390x-cross and qemu-user-static"
		exit 1
	}
done

apt() {
	apt-get -q -o "Dir::State::Lists=$folder/apt/lists" \
		-o "Dir::Cache=$folder/apt" -o Dir::State::status=/dev/null \
		-o APT::Architecture=s390x -o APT::Architectures::=s390x \
		-o APT::Sandbox::User=root "$@"
}
packages="libcmocka0 libcmocka-dev libcap-ng0 libcap-ng-dev
	libseccomp2 libseccomp-dev"
if [ "$(cat "$folder/unpacked" 2>/dev/null)" != "$packages" ]; then
	apt update
	# shellcheck disable=SC2086 # a list of words
	(cd "$folder/apt" && apt download $packages)
	for package in "$folder"/apt/*.deb; do
		dpkg -x "$package" "$root"
	done
	echo "$packages" >"$folder/unpacked"
fi

libraries=$root/usr/lib/s390x-linux-gnu
cat >"$folder/cross.ini" <<END
[binaries]
c = 's390x-linux-gnu-gcc'
ar = 's390x-linux-gnu-ar'
strip = 's390x-linux-gnu-strip'
pkgconfig = 'pkg-config'
exe_wrapper = ['qemu-s390x-static', '-L', '/usr/s390x-linux-gnu', '-E',
  'LD_LIBRARY_PATH=$libraries:$root/lib/s390x-linux-gnu']

[properties]
sys_root = '$root'
pkg_config_libdir = '$libraries/pkgconfig:$root/usr/share/pkgconfig'

[built-in options]
c_link_args = ['-L$libraries', '-Wl,-rpath-link,$libraries',
  '-Wl,-rpath-link,$root/lib/s390x-linux-gnu']

[host_machine]
system = 'linux'
cpu_family = 's390x'
cpu = 's390x'
endian = 'big'
END
