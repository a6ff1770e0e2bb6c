package consent

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
