package agent

import (
	"context"
	"testing"
	"testing/fstest"
	"time"
)

func TestALinkThatComesUp(t *testing.T) {
	net := fstest.MapFS{"lo/operstate": {Data: []byte("up\n")}, "wlan0/operstate": {Data: []byte("down\n")}}
	ctx, cancel := context.WithCancel(t.Context())
	looks, calls := 0, []int{}
	after := func(time.Duration) <-chan time.Time {
		looks++
		switch looks {
		case 3, 8:
			net["wlan0/operstate"] = &fstest.MapFile{Data: []byte("up\n")}
		case 5:
			net["wlan0/operstate"] = &fstest.MapFile{Data: []byte("dormant\n")}
		case 6:
			net["eth0/operstate"] = &fstest.MapFile{Data: []byte("up\n")}
		case 10:
			cancel()
			return nil
		}
		c := make(chan time.Time, 1)
		c <- time.Time{}
		return c
	}
	watchLinks(ctx, net, after, func() { calls = append(calls, looks) })
	if len(calls) != 3 || calls[0] != 3 || calls[1] != 6 || calls[2] != 8 {
		t.Errorf("tried after looks %v, want 3, 6 and 8", calls)
	}
}
