package keyring

import (
	"bytes"
	"slices"
	"testing"

	"github.com/candor-edge/candor/store/consent"
)

func TestPauseSurvivesARestartAndARefusingDisk(t *testing.T) {
	d := newDisk(t)
	r := d.open(t)
	must(t, r.Pause(1234))
	if again, _ := reopen(t, d.durable); again.Paused() != 1234 {
		t.Fatal("a pause did not survive a restart")
	}
	d.failAfter = 0
	if err := r.Pause(0); err == nil || r.Paused() != 1234 {
		t.Fatalf("the end of a pause counts although the disk does not have it: %v", err)
	}
	d.failAfter = -1
	must(t, r.Pause(0))
	d.failAfter = 0
	if err := r.Pause(99); err == nil || r.Paused() != 99 {
		t.Fatalf("a pause has to hold whatever the disk says: %v", err)
	}
	d.failAfter = -1
	must(t, r.Sync())
	if again, _ := reopen(t, d.durable); again.Paused() != 99 {
		t.Fatal("the next write did not bring the pause")
	}
}

func TestGrantsOfAPurpose(t *testing.T) {
	r := newDisk(t).open(t)
	must(t, r.NewGrant(1, "trends"))
	must(t, r.NewGrant(2, "service"))
	must(t, r.NewGrant(5, "trends"))
	if got := r.GrantsOf("trends"); !slices.Equal(got, []consent.GrantID{1, 5}) {
		t.Fatalf("grants %v", got)
	}
	if r.Purpose(2) != "service" || r.Purpose(9) != "" || len(r.GrantsOf("x")) != 0 {
		t.Fatal("purposes are wrong")
	}
}

func TestDestroyDays(t *testing.T) {
	d := newDisk(t)
	r := d.open(t)
	must(t, r.NewGrant(1, "trends"))
	var keys [][]byte
	for day := int64(-1); day <= 4; day++ {
		_, err := r.Sealer(1, day)
		must(t, err)
		keys = append(keys, daySecret(t, r, 1, int32(day)))
	}
	n, err := r.DestroyDays(1, 0, 2)
	must(t, err)
	if n != 3 || !slices.Equal(r.Days(1), []int64{-1, 3, 4}) {
		t.Fatalf("%d destroyed, left %v", n, r.Days(1))
	}
	for i, key := range keys {
		if gone, in := i >= 1 && i <= 3, bytes.Contains(d.durable, key); gone == in {
			t.Fatalf("key %d: in the file %v", i, in)
		}
	}
	if n, err := r.DestroyDays(7, 0, 9); n != 0 || err != nil {
		t.Fatalf("a grant that is not there: %d, %v", n, err)
	}
}
