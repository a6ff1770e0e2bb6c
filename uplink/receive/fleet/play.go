package main

import (
	"cmp"
	"container/heap"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/candor-edge/candor/uplink/wire"
)

// agenda is the lives of a worker, the next slot first.
type agenda []*life

func (a agenda) Len() int { return len(a) }
func (a agenda) Less(i, j int) bool {
	return cmp.Or(a[i].next.Compare(a[j].next), cmp.Compare(a[i].device, a[j].device), cmp.Compare(a[i].p.id, a[j].p.id)) < 0
}
func (a agenda) Swap(i, j int) { a[i], a[j] = a[j], a[i] }

// Push implements heap.Interface.
func (a *agenda) Push(x any) { *a = append(*a, x.(*life)) }

// Pop implements heap.Interface.
func (a *agenda) Pop() any {
	old := *a
	l := old[len(old)-1]
	*a = old[:len(old)-1]
	return l
}

// play has every object live through the days, the objects shared among
// workers. What a life sends follows from the seed alone, whoever plays it.
func play(ctx context.Context, o *options, all []purpose, via func(*counts) sender) (*counts, error) {
	parts := make([]*counts, min(o.parallel, o.devices))
	failed := make([]error, len(parts))
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	began := time.Now()
	var workers sync.WaitGroup
	for w := range parts {
		parts[w] = new(counts)
		var a agenda
		for device := w; device < o.devices; device += len(parts) {
			for n := range all {
				a = append(a, newLife(o.seed, device, n, &all[n], o.from))
			}
		}
		workers.Go(func() {
			if failed[w] = playAgenda(ctx, o, a, via(parts[w]), parts[w], began); failed[w] != nil {
				stop()
			}
		})
	}
	workers.Wait()
	sum := new(counts)
	var err error
	for w := range parts {
		sum.add(parts[w])
		if failed[w] != nil && (err == nil || errors.Is(err, context.Canceled)) { // the others were stopped because of one
			err = failed[w]
		}
	}
	return sum, err
}

func playAgenda(ctx context.Context, o *options, a agenda, to sender, c *counts, began time.Time) error {
	heap.Init(&a)
	end := o.from.AddDate(0, 0, o.days)
	var enc wire.Encoder
	for len(a) > 0 && a[0].next.Before(end) {
		if err := ctx.Err(); err != nil {
			return err
		}
		l := a[0]
		if o.speed > 0 {
			due := began.Add(time.Duration(float64(l.next.Sub(o.from)) / o.speed))
			c.late = max(c.late, time.Since(due))
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-time.After(time.Until(due)):
			}
		}
		if err := l.step(ctx, to, &enc, c); err != nil {
			return fmt.Errorf("object %d, %s: %w", l.device, l.p.id, err)
		}
		heap.Fix(&a, 0)
	}
	return nil
}
