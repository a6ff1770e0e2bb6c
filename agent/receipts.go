package agent

import "github.com/candor-edge/candor/sensors"

// keepReceipts is how long a receipt is kept after its yes has ended: five years, for which it may have to prove that
// consent was given (GDPR art. 7(1); the general limitation period of French civil law, code civil art. 2224).
const keepReceipts = 5 * 365 * sensors.Day

// endReceipts erases what is older than it has to be, once a day, and by no clock that nobody vouches for. a.mu is held.
func (a *Agent) endReceipts() {
	today := a.now().DayNumber()
	if a.receiptsDay == today || !a.clockTrusted() {
		return
	}
	old, err := a.book.Ended(a.now() - keepReceipts)
	if err == nil {
		err = a.book.Erase(old[:min(len(old), 1000)], a.now(), "object")
	}
	if err != nil {
		a.opts.Log.Warn("receipts that have come to their end are still in the ledger", "error", err)
		return
	}
	a.receiptsDay = today
}
