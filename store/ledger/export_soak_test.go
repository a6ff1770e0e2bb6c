//go:build soak

package ledger

import "testing"

// Every bit of every byte, and a cut at every byte.
func TestSoakEveryBitOfAnExport(t *testing.T) { flipExport(t, 8, 1) }
