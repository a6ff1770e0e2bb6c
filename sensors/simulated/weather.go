package simulated

import "github.com/candor-edge/candor/sensors"

// All functions of the house compute in integers, so that every processor gives the same reading: angles are in
// thousandths of a degree, sines in ten-thousandths, fades in units of 2^-30.
const (
	full = 10_000  // a sine of one
	one  = 1 << 30 // a fade of one
)

// sine returns 10,000 times the sine of an angle in thousandths of a degree, by Bhaskara's formula; it is off by at
// most 17.
func sine(angle int64) int64 {
	const half = 180_000
	angle = ((angle % (2 * half)) + 2*half) % (2 * half)
	if angle >= half {
		return -sine(angle - half)
	}
	x := angle * (half - angle) / 1_000_000 // in square degrees
	return 4 * x * full / (40_500 - x)
}

// phase is how far t is on the way through period, as an angle.
func phase(t, period sensors.Micros) int64 {
	const turn = 360_000
	return int64((t - t.Floor(period)) / (period / turn))
}

// fade returns 2^-(d/half) in units of 2^-30: 1 for d <= 0, a half after half, and so on.
func fade(d, half sensors.Micros) int64 {
	if d <= 0 {
		return one
	}
	halvings := d / half
	if halvings >= 31 {
		return 0
	}
	f := int64((d % half) * 32_768 / half) // 0 to 1 in 2^-15
	// The series of 2^-f, its last term bent so that f = 1 gives exactly a half.
	const c1, c2, c3, c4 = 744_261_118, 257_941_725, 59_597_054, 9_045_535
	sum := int64(c4)
	for _, c := range [...]int64{-c3, c2, -c1, one} {
		sum = c + (sum*f)>>15
	}
	return sum >> uint(halvings)
}

// blend is a hash of its arguments with all bits well mixed (the finaliser of splitmix64). It is no secret.
func blend(parts ...int64) uint64 {
	h := uint64(0x9e3779b97f4a7c15)
	for _, p := range parts {
		h ^= uint64(p)
		h += 0x9e3779b97f4a7c15
		h = (h ^ h>>30) * 0xbf58476d1ce4e5b9
		h = (h ^ h>>27) * 0x94d049bb133111eb
		h ^= h >> 31
	}
	return h
}

// below returns a number from 0 to n-1 that depends on the parts only. Its callers are many, and mostly ask once a day.
//
//go:noinline
func below(n int64, parts ...int64) int64 { return int64(blend(parts...) % uint64(n)) }

// The salts keep draws for different matters apart.
const (
	saltFront = iota + 1
	saltCloud
	saltDamp
	saltAir
	saltSensor
	saltMotion
	saltFridge
	saltCook
	saltWeek
	saltDay
	saltPerson
	saltHop
	saltDoor
)

// drift is a slow noise between -size and size: a new aim every step, and a straight line from one to the next.
func drift(seed, salt int64, t, step sensors.Micros, size int64) int64 {
	from := t.Floor(step)
	aim := func(k int64) int64 { return below(2*size+1, seed, salt, k) - size }
	a, b := aim(int64(from/step)), aim(int64(from/step)+1)
	return a + (b-a)*int64((t-from)/sensors.Millisecond)/int64(step/sensors.Millisecond)
}

// year is a mean year, whose first day is 1 January 1970, which was as good as any.
const year = 365*sensors.Day + 6*sensors.Hour

// outdoor is the temperature outside in thousandths of a degree: a mild climate, warmest in late July and at about
// three in the afternoon, with weather that changes over a day or two.
func outdoor(seed int64, t sensors.Micros) int64 {
	season := sine(phase(t, year) - 112_000)
	day := sine(phase(t, sensors.Day) - 135_000)
	return 11_500 + season*8_500/full + day*3_500/full + drift(seed, saltFront, t, 30*sensors.Hour, 4_000)
}

// daylight is how much light the sky gives, from 0 to 10,000: the height of the sun at 45 degrees north, less clouds.
func daylight(seed int64, t sensors.Micros) int64 {
	tilt := sine(phase(t, year)-80_000) * 3_978 / full // the sine of the sun's declination
	hour := sine(phase(t, sensors.Day) - 90_000)       // the cosine of its hour angle
	height := (tilt + 9_175*hour/full) * 7_071 / full
	if height <= 0 {
		return 0
	}
	cloud := 5_000 + drift(seed, saltCloud, t, 3*sensors.Hour, 4_500)
	return height * (full - cloud*7/10) / full
}
