#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Prepare FOLDER for a cross build: a root with the libraries of another
# architecture, and a meson cross file.  Debian's packages are unpacked there,
# never installed.
#
#     s390x   the other byte order
#     i386    32 bits
#
# Programs run under qemu-user: not every kernel can run those of 32 bits.
set -eu
architecture=$1
folder=$2
root=$folder/root
mkdir -p "$folder/apt/lists/partial" "$folder/apt/archives/partial" "$root"
folder=$(cd "$folder" && pwd)
root=$folder/root

case $architecture in
s390x)
	triplet=s390x-linux-gnu
	prefix=s390x-linux-gnu
	family=s390x
	endian=big
	;;
i386)
	triplet=i386-linux-gnu
	prefix=i686-linux-gnu
	family=x86
	endian=little
	;;
*)
	echo "$0: s390x or i386, not $architecture"
	exit 2
	;;
esac
sysroot=/usr/$prefix
libraries=$root/usr/lib/$triplet
path=$sysroot/lib:$libraries:$root/lib/$triplet

if ! command -v "$prefix-gcc" >/dev/null; then
	echo "$prefix-gcc is missing: tools/install-deps --deep"
	exit 1
fi

apt() {
	apt-get -q -o "Dir::State::Lists=$folder/apt/lists" \
		-o "Dir::Cache=$folder/apt" -o Dir::State::status=/dev/null \
		-o "APT::Architecture=$architecture" \
		-o "APT::Architectures::=$architecture" \
		-o APT::Sandbox::User=root "$@"
}
if [ ! -e "$folder/unpacked" ]; then
	# One list of many that fails matters only if a package is in it.
	apt update || echo "$0: goes on with the lists that there are"
	(cd "$folder/apt" && apt download libcmocka0 libcmocka-dev \
		libcap-ng0 libcap-ng-dev libseccomp2 libseccomp-dev)
	for package in "$folder"/apt/*.deb; do
		dpkg -x "$package" "$root"
	done
	# Names that lead to the root of the file system lead into this one.
	find "$root" -type l -lname '/*' -printf '%l %p\n' |
		while read -r to from; do
			ln -sf "$root$to" "$from"
		done
	touch "$folder/unpacked"
fi

cat >"$folder/cross.ini" <<END
[binaries]
c = '$prefix-gcc'
ar = '$prefix-ar'
strip = '$prefix-strip'
pkgconfig = 'pkg-config'
exe_wrapper = ['qemu-$architecture-static', '-L', '$sysroot', '-E',
  'LD_LIBRARY_PATH=$path', '-E', 'PRM_EMULATED=1']

[properties]
sys_root = '$root'
pkg_config_libdir = '$libraries/pkgconfig:$root/usr/share/pkgconfig'
needs_exe_wrapper = true

[built-in options]
c_link_args = ['-L$libraries', '-Wl,-rpath-link,$libraries',
  '-Wl,-rpath-link,$root/lib/$triplet']

[host_machine]
system = 'linux'
cpu_family = '$family'
cpu = '$family'
endian = '$endian'
END
