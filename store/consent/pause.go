package consent

// Paused is the reason for what was read while nothing was to leave.
const Paused Reason = "taken while nothing was to leave"

// Pause stops and starts clearing for every grant. What is read meanwhile counts as [Paused] and never leaves; what was
// taken before is not touched. A window that a pause has cut covers, by what it says of itself, the time since then only.
func (w *Windows) Pause(on bool) {
	if w.paused && !on {
		for _, s := range w.sources {
			for _, st := range s.rules {
				st.resumed = true
			}
		}
	}
	w.paused = on
}

// EraseDays forgets what open windows hold of the UTC days from first to last, both included, by the moment of capture. A window that
// has lost something covers, by what it says of itself, the time since then only.
func (w *Windows) EraseDays(first, last int64) {
	for _, s := range w.sources {
		for _, st := range s.rules {
			for i := range st.open {
				if o := &st.open[i]; o.open && o.day <= last && st.taken.DayNumber() >= first {
					clear(o.acc)
					st.resumed = true
				}
			}
		}
	}
}
