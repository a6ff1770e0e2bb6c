package uplink

import (
	"crypto/sha256"

	"github.com/candor-edge/candor/sensors"
	"github.com/candor-edge/candor/store/consent"
	"github.com/candor-edge/candor/store/ledger"
)

// phase is where in its schedule a stream sends: random, since its name is, and the same after every restart.
func phase(name [16]byte, upload sensors.Micros) sensors.Micros {
	h := sha256.Sum256(append([]byte("candor 1 phase"), name[:]...))
	n := uint64(0)
	for _, b := range h[:7] {
		n = n<<8 | uint64(b)
	}
	return sensors.Micros(n % uint64(upload))
}

// slotAfter is the first slot of a stream after now.
func slotAfter(now, upload sensors.Micros, name [16]byte) sensors.Micros {
	at := phase(name, upload)
	return (now - at).Floor(upload) + at + upload
}

// slotsIn counts the slots of a stream after from and up to now; negative when now comes before from.
func slotsIn(from, now, upload sensors.Micros, name [16]byte) int64 {
	return int64((slotAfter(now, upload, name) - slotAfter(from, upload, name)) / upload)
}

// owed is how many uploads a stream with a room makes in a slot, where next is the number of its next upload: as many as
// slots have come since it was opened and had none, and at least one. So the number of uploads depends on the clock and on
// outages, never on how much was measured.
func owed(s *ledger.Stream, p *consent.Purpose, now sensors.Micros, next uint64) int64 {
	from := max(sensors.Micros(s.Epoch)*p.Epoch, p.Grant.From, s.OpenedAt)
	return max(1, slotsIn(from, now, p.Upload, s.Name)-int64(next-1))
}

// over tells whether a stream gets no more rows because of the clock: its epoch is past, and the grace for windows that
// began in it; or it lies so far ahead that it was opened by a clock that was wrong.
func over(s *ledger.Stream, p *consent.Purpose, now sensors.Micros) bool {
	return now > sensors.Micros(s.Epoch+1)*p.Epoch+grace || now < sensors.Micros(s.Epoch)*p.Epoch-grace
}

// due tells whether a stream's slot has come, and moves it to the next.
func (u *Uplink) due(r *route, s *ledger.Stream, p *consent.Purpose) bool {
	now := u.now()
	u.mu.Lock()
	defer u.mu.Unlock()
	next, known := r.slots[s.Number]
	if known && now < next && next-now <= p.Upload { // more than that: the clock was set back
		return false
	}
	r.slots[s.Number] = slotAfter(now, p.Upload, s.Name)
	return known && now >= next
}
