// Command gen writes a recording for the benchmarks: an office room as a sensor of that resolution sees it, about one
// reading a minute of temperature, humidity, light, CO2 and occupancy.
//
// The same number of readings and the same seed give the same bytes on every machine. The room is made up: how often
// each quantity moves, and how far, is what the UCI Occupancy Detection data show after rounding to 0.01 °C, 0.01 %, 1 lx
// and 1 ppm, so that what a reading costs on the wire is near what real rooms cost. Nothing else of it is real.
package main
