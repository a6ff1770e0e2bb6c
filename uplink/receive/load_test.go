package receive

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"sync"
	"testing"

	"github.com/candor-edge/candor/uplink/wire"
)

// listen serves a handler on a port of its own, with the real limits.
func listen(t testing.TB, h http.Handler) (url string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	srv := NewServer(h, quiet())
	done := make(chan struct{})
	go func() {
		defer close(done)
		srv.Serve(l)
	}()
	t.Cleanup(func() {
		srv.Close()
		<-done
	})
	return "http://" + l.Addr().String()
}

// send posts over the network and returns the status.
func send(client *http.Client, url string, body []byte) (int, error) {
	resp, err := client.Post(url, TypeSigned, bytes.NewReader(body))
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, resp.Body)
	return resp.StatusCode, err
}

// BenchmarkBatches sends batches of a thousand rows of five numbers over HTTP
// to files, four at a time, each from a stream of its own.
func BenchmarkBatches(b *testing.B) {
	const flights = 4
	s := mustOpen(b, b.TempDir())
	url := listen(b, newHandler(b, s, nil))
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: flights}}
	defer client.CloseIdleConnections()
	var bodies [flights][][]byte
	for i := range flights {
		o := newObject(b, byte(i+1), func(a *wire.Announcement) {
			spec := a.Groups[0].Fields[0]
			a.Groups[0].Fields = nil
			for f := range 5 {
				spec.Name = fmt.Sprintf("room.value%d", f)
				a.Groups[0].Fields = append(a.Groups[0].Fields, spec)
			}
		})
		must(b, o.announce(s))
		for seq := 0; seq*flights < b.N; seq++ {
			g := wire.Rows{Columns: make([]wire.Column, 5)}
			for r := range 1000 {
				g.Time = append(g.Time, int64(395321+r))
				for c := range g.Columns {
					g.Columns[c].Nums = append(g.Columns[c].Nums, int64(20000+(r*(c+3)*7919)%500))
				}
			}
			batch := o.numbers(uint64(seq + 1))
			batch.Groups = []wire.Rows{g}
			bodies[i] = append(bodies[i], o.batch(batch))
		}
	}
	b.ResetTimer()
	var wg sync.WaitGroup
	for i := range flights {
		wg.Go(func() {
			for _, body := range bodies[i] {
				if code, err := send(client, url+"/batches", body); code != 202 {
					b.Error(code, err)
					return
				}
			}
		})
	}
	wg.Wait()
	b.ReportMetric(float64(len(bodies[0])*flights)/b.Elapsed().Seconds(), "batches/s")
}

// BenchmarkMemoryOfAStream announces b.N streams, many at a time, and tells how
// many bytes of heap each leaves in the sink. A batch adds 16.
func BenchmarkMemoryOfAStream(b *testing.B) {
	s := mustOpen(b, b.TempDir())
	inUse := func() float64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return float64(m.HeapAlloc)
	}
	before := inUse()
	var wg sync.WaitGroup
	slots := make(chan struct{}, 256)
	for i := range b.N {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			o := newObject(b, 1, func(a *wire.Announcement) { a.Stream[2], a.Stream[3], a.Stream[4] = byte(i), byte(i>>8), byte(i>>16) })
			if err := o.announce(s); err != nil {
				b.Error(err)
			}
		})
	}
	wg.Wait()
	b.ReportMetric((inUse()-before)/float64(b.N), "bytes/stream")
}
