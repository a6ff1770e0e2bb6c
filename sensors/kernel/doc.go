// Package kernel reads sensors that have a driver in the Linux kernel, from the files of sysfs: every part that Linux
// knows works without code here.
//
// A [Reference] names a device: "iio:bme280" (industrial I/O), "hwmon:cpu_thermal" (hardware monitoring),
// "w1:28-0316a2795aff" (a thermometer on a 1-Wire bus). Devices are found by name or label, never by number, because
// numbers change from boot to boot; where two have one name, "@" and the parent's name tell them apart
// ("iio:bme280@1-0076"). A [Device] is one that was found, with its [Channel]s. [Drivers] gives the row for the agent's
// driver table.
//
// The promise: values are exact, as integers in the kind's unit, from whatever unit the kernel's documents give the
// file (Documentation/ABI/testing/sysfs-bus-iio, Documentation/hwmon/sysfs-interface.rst, Documentation/w1). At most
// 4 KiB are read of any file. A file that can't be read or holds no number is a fault, never a zero. Nothing is
// written.
//
// Caveats. A read of sysfs asks the part and may block for as long as the kernel's driver does; whoever calls has to
// be ready to leave a part behind, as sensors.Supervise is. Fields are found when a source is opened; a device that
// may be missing then needs its fields in the configuration. A chip that has a kernel driver can't be read over
// /dev/i2c at the same time.
package kernel
