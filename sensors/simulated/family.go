package simulated

import (
	"sort"

	"github.com/candor-edge/candor/sensors"
)

// place is where a person can be.
type place uint8

const (
	outside place = iota
	hall
	livingroom
	kitchen
	bathroom
	bedroom
	bed // in the bedroom, asleep
)

// stay is one person at one place from one moment to another, the end not included.
type stay struct {
	from, to sensors.Micros
	where    place
}

// person is one of the family. Times are minutes of the day; a week starts on Monday.
type person struct {
	badge       string
	wake, sleep int64
	trips       [7][2]int64 // leaves and is back; 0, 0 stays in
	loose       int64       // how far the times wander, either way
}

// family is everybody who lives in the house. The badges are fixed, so that a test can look for one of them in places
// where it must never be.
func family() []person {
	return []person{
		{"lea-0417", 6*60 + 35, 22*60 + 45, [7][2]int64{{485, 1070}, {485, 1075}, {}, {485, 1070}, {485, 1040}}, 18},
		{"marc-2291", 6*60 + 50, 23*60 + 5, [7][2]int64{{555, 980}, {555, 980}, {630, 690}, {555, 985}, {640, 700}}, 15},
		{"nour-3308", 6*60 + 45, 22*60 + 20, [7][2]int64{{462, 1005}, {462, 1060}, {462, 760}, {462, 1005}, {462, 990}}, 7},
		{"tom-5120", 7 * 60, 20*60 + 45, [7][2]int64{{500, 1000}, {500, 1000}, {500, 735}, {500, 1000}, {500, 1000}}, 5},
	}
}

// presented is a badge held to the reader beside the door.
type presented struct {
	at    sensors.Micros
	badge string
}

// day is what the family does from one midnight to the next. It is never changed once it is made.
type day struct {
	number int64
	people []stay      // of all persons, one after the other: each sorted, without gaps
	doors  []stay      // while the door is open: sorted, apart
	badges []presented // sorted, no two at once
}

// makeDay returns what happens on that day (days since 1970) in the house of that seed.
func makeDay(seed, number int64) *day {
	d := &day{number: number}
	midnight := sensors.Micros(number) * sensors.Day
	for who, p := range family() {
		draw := func(n int64, salt ...int64) int64 {
			return below(n, append([]int64{seed, saltPerson, number, int64(who)}, salt...)...)
		}
		trips := outings(seed, number, int64(who), p)
		stays := p.atHome(trips, weekday(number) >= 5, draw)
		for i, trip := range trips {
			stays = paint(stays, stay{trip.from - 2*sensors.Minute, trip.from, hall})
			stays = paint(stays, stay{trip.to, trip.to + 3*sensors.Minute, hall})
			stays = paint(stays, stay{trip.from, trip.to, outside})
			k := int64(i)
			if trip.from > 0 {
				d.opened(midnight+trip.from, sensors.Micros(6+draw(20, saltDoor, k, 0))*sensors.Second)
			}
			if trip.to < sensors.Day {
				back := midnight + trip.to
				d.opened(back, sensors.Micros(6+draw(20, saltDoor, k, 1))*sensors.Second)
				d.badges = append(d.badges, presented{back - sensors.Micros(4+draw(6, saltDoor, k, 2))*sensors.Second, p.badge})
			}
		}
		for i := range stays {
			stays[i].from += midnight
			stays[i].to += midnight
		}
		d.people = append(d.people, stays...)
	}
	d.tidy()
	return d
}

// opened notes that the door is open from at on.
func (d *day) opened(at, long sensors.Micros) {
	d.doors = append(d.doors, stay{at, at + long, outside})
}

// tidy sorts doors and badges, joins openings that overlap and parts badges that came at once.
func (d *day) tidy() {
	sort.SliceStable(d.badges, func(i, j int) bool { return d.badges[i].at < d.badges[j].at })
	for i := 1; i < len(d.badges); i++ {
		d.badges[i].at = max(d.badges[i].at, d.badges[i-1].at+sensors.Second)
	}
	sort.SliceStable(d.doors, func(i, j int) bool { return d.doors[i].from < d.doors[j].from })
	joined := d.doors[:0]
	for _, next := range d.doors {
		if n := len(joined); n > 0 && next.from <= joined[n-1].to {
			joined[n-1].to = max(joined[n-1].to, next.to)
			continue
		}
		joined = append(joined, next)
	}
	d.doors = joined
}

// weekday is 0 on Mondays.
func weekday(number int64) int64 { return ((number+3)%7 + 7) % 7 }

// holiday returns the Monday, in the year of that one, of the one week in July or August that all are away.
func holiday(seed, monday int64) int64 {
	newYear := (sensors.Micros(monday) * sensors.Day).Floor(year)
	summer := (newYear + sensors.Micros(182+7*below(8, seed, saltWeek, int64(newYear/year)))*sensors.Day).DayNumber()
	return summer - weekday(summer)
}

// outings returns when a person is away on that day, from midnight: sorted, apart. A time of 0 or of a whole day says
// that the person is away over midnight.
func outings(seed, number, who int64, p person) []stay {
	of := weekday(number)
	monday := number - of
	minutes := func(mean, loose, salt, about int64) sensors.Micros { // to the second
		return sensors.Micros((mean-loose)*60+below(2*loose*60+1, seed, salt, number, about)) * sensors.Second
	}
	together := sensors.Micros(who) * 20 * sensors.Second // they go through the door one after the other
	if monday == holiday(seed, monday) {
		away := stay{0, sensors.Day, outside}
		if of == 0 {
			away.from = minutes(600, 20, saltDay, 0) + together
		}
		if of == 6 {
			away.to = minutes(1020, 50, saltDay, 1) + together
		}
		return []stay{away}
	}
	var trips []stay
	if usual := p.trips[of]; usual[1] > 0 {
		trips = append(trips, stay{minutes(usual[0], p.loose, saltDay, 10+who),
			minutes(usual[1], p.loose, saltDay, 20+who), outside})
	}
	if of == 5 && who == 1 && below(10, seed, saltDay, number, 2) < 7 { // the market on Saturday morning
		trips = append(trips, stay{minutes(610, 15, saltDay, 3), minutes(680, 15, saltDay, 4), outside})
	}
	if of >= 5 && below(2, seed, saltDay, number, 5) == 0 { // all together
		trips = append(trips, stay{minutes(840, 50, saltDay, 6) + together, minutes(1040, 50, saltDay, 7) + together, outside})
	}
	if (of == 4 || of == 5) && who < 2 && below(5, seed, saltDay, number, 8) == 0 { // the two of them in the evening
		trips = append(trips, stay{minutes(1185, 10, saltDay, 9) + together, minutes(1385, 15, saltDay, 10) + together, outside})
	}
	return trips
}

// atHome returns where in the house a person would be on that day if there were no trips, which are only looked at
// for when to get up and to go to bed.
func (p person) atHome(trips []stay, weekend bool, draw func(n int64, salt ...int64) int64) []stay {
	wake := sensors.Micros(p.wake+draw(21, 1)-10) * sensors.Minute
	sleep := sensors.Micros(p.sleep+draw(41, 2)-20) * sensors.Minute
	if weekend {
		wake += sensors.Micros(60+draw(70, 3)) * sensors.Minute
	}
	if len(trips) > 0 && trips[0].from > 0 {
		wake = min(wake, trips[0].from-50*sensors.Minute)
	}
	if n := len(trips); n > 0 && trips[n-1].to < sensors.Day {
		sleep = min(max(sleep, trips[n-1].to+20*sensors.Minute), sensors.Day-5*sensors.Minute)
	}
	stays := []stay{{0, sensors.Day, bed}}
	during := func(from, to sensors.Micros, where place) {
		if from, to = max(from, wake), min(to, sleep); from < to {
			stays = paint(stays, stay{from, to, where})
		}
	}
	at := func(minute int64) sensors.Micros { return sensors.Micros(minute) * sensors.Minute }
	during(wake, sleep, livingroom)
	if p.sleep < 22*60+30 { // the young ones have homework
		during(at(1035+draw(20, 4)), at(1100+draw(25, 5)), bedroom)
	}
	for slot := int64(0); slot < 48; slot++ { // somebody gets up for a moment now and then
		where, long := bathroom, 3+draw(3, saltHop, slot, 1)
		switch roll := draw(10, saltHop, slot); {
		case roll >= 4:
			continue
		case roll == 3:
			where, long = bedroom, 8+draw(14, saltHop, slot, 1)
		case roll >= 1:
			where = kitchen
		}
		from := at(slot*30 + draw(5, saltHop, slot, 2))
		during(from-20*sensors.Second, from+at(long)+20*sensors.Second, hall)
		during(from, from+at(long), where)
	}
	during(at(735+draw(20, 6)), at(775+draw(20, 7)), kitchen)
	during(at(1140+draw(4, 8)), at(1185+draw(15, 9)), kitchen)
	during(wake, wake+at(12), bathroom)
	during(wake+at(12), wake+at(32+draw(8, 10)), kitchen)
	during(sleep-at(12), sleep, bathroom)
	return stays
}

// paint returns stays with s in the place of what was there. stays covers a whole day; what s has beyond is cut off.
func paint(stays []stay, s stay) []stay {
	s.from, s.to = max(s.from, 0), min(s.to, sensors.Day)
	if s.from >= s.to {
		return stays
	}
	painted := make([]stay, 0, len(stays)+2)
	for _, old := range stays {
		if old.from < s.from {
			painted = append(painted, stay{old.from, min(old.to, s.from), old.where})
		}
		if old.from <= s.from && s.from < old.to {
			painted = append(painted, s)
		}
		if old.to > s.to {
			painted = append(painted, stay{max(old.from, s.to), old.to, old.where})
		}
	}
	return painted
}
