#!/usr/bin/env bash
# Runs the tests of packages as 32-bit ARM programs under an emulator, with the
# processor of the smallest board. It needs qemu-arm-static or qemu-arm
# (Debian: qemu-user-static); where there is none it says so and ends well.
#
#   .ci/armv6.sh ./uplink/wire ./store   only these packages
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

qemu=$(command -v qemu-arm-static || command -v qemu-arm || true)
if [ -z "$qemu" ]; then
	echo "armv6: skipped, neither qemu-arm-static nor qemu-arm is installed (Debian: qemu-user-static)"
	exit 0
fi
# What speaks to devices, starts other programs or measures is not for an emulator of one process; what a number of 64 bits, a
# layout in memory or a byte order could break is.
[ $# -gt 0 ] || set -- ./uplink/wire ./store/consent ./store/keyring ./store ./sensors ./sensors/chip ./sensors/kernel \
	./sensors/simulated ./tinyconf ./uplink/timeline
# arm1176 is the Pi Zero's processor.
GOOS=linux GOARCH=arm GOARM=6 CGO_ENABLED=0 go test -short -count=1 -timeout 40m -exec "$qemu -cpu arm1176" "$@"
