package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/candor-edge/candor/uplink/wire"
)

// How often things happen, chosen so that each happens in a run of a few
// hundred objects, and oftener than in life.
const (
	withdraws  = 0.03 // a purpose and day
	agreesAnew = 0.3  // a purpose and day, after a no
	lostAnswer = 0.02 // an upload: the same bytes come again
	outage     = 0.01 // an upload: what follows is sent together, in any order
	longest    = 12   // uploads in an outage
	restart    = 0.01 // an upload: the object asks for freshness
	twin       = 0.002
	leaks      = 0.05 // an opening: the maker's mistake
	epochDays  = 30
)

// life is one purpose of one object: what it sends, from its own draw.
type life struct {
	device  int
	p       *purpose
	r       *rand.Rand
	next    time.Time // the next slot
	day     int64     // last day that minds could change on
	asked   bool
	stream  *stream // nil without a yes
	epoch   uint64
	changes int64         // day of the epoch on which streams are renewed
	waiting time.Duration // of an outage: how long ago the last upload was due
}

// newLife begins a purpose of an object at a random phase of its schedule.
func newLife(seed uint64, device int, n int, p *purpose, from time.Time) *life {
	r := rand.New(rand.NewPCG(seed, uint64(device)<<8|uint64(n)))
	l := &life{device: device, p: p, r: r, epoch: 1, changes: r.Int64N(epochDays), day: from.Unix() / 86400}
	l.next = from.Add(time.Duration(r.Int64N(int64(p.upload)))).Truncate(time.Second)
	return l
}

// sender delivers a message and returns when the answer was one of those
// wanted, with that answer's status and body.
type sender interface {
	send(ctx context.Context, device int, kind wire.Kind, path string, signed []byte, want ...int) (status int, body []byte, err error)
}

// step plays one slot.
func (l *life) step(ctx context.Context, to sender, enc *wire.Encoder, c *counts) error {
	at := l.next
	l.next = l.next.Add(l.p.upload)
	if day := at.Unix() / 86400; day != l.day {
		l.day = day
		if err := l.changeMind(ctx, to, enc, c, at); err != nil {
			return err
		}
	}
	if l.stream == nil && !l.asked && l.r.Float64() < l.p.agreed {
		if err := l.open(ctx, to, c, at); err != nil {
			return err
		}
	}
	l.asked = true
	if l.stream == nil {
		return nil
	}
	if l.r.Float64() < restart {
		if err := l.ask(ctx, to, c); err != nil {
			return err
		}
	}
	l.waiting += l.p.upload
	if l.waiting > l.p.upload { // in an outage: does it end?
		if l.waiting < longest*l.p.upload && l.r.Float64() < 0.7 {
			return nil
		}
	} else if l.r.Float64() < outage {
		return nil
	}
	return l.upload(ctx, to, enc, c, at)
}

// changeMind takes a yes back, gives one anew, or begins an epoch.
func (l *life) changeMind(ctx context.Context, to sender, enc *wire.Encoder, c *counts, at time.Time) error {
	switch {
	case l.stream == nil:
		if l.r.Float64() < agreesAnew {
			return l.open(ctx, to, c, at)
		}
		return nil
	case l.r.Float64() < withdraws:
		return l.withdraw(ctx, to, enc, c, at)
	case l.day%epochDays == l.changes:
		l.epoch++
		return l.open(ctx, to, c, at)
	}
	return nil
}

// open announces a new stream, now and then with a mistake first.
func (l *life) open(ctx context.Context, to sender, c *counts, at time.Time) error {
	l.waiting = 0
	if l.r.Float64() < leaks {
		who := personOf(l.device)
		s, err := openStream(l.r, l.p, l.epoch, at, &who)
		if err != nil {
			return err
		}
		if _, _, err := to.send(ctx, l.device, wire.KindAnnouncement, "/announcements", s.signed, 422); err != nil {
			return err
		}
		c.leaks++
	}
	s, err := openStream(l.r, l.p, l.epoch, at, nil)
	if err != nil {
		return err
	}
	c.sent(s.signed)
	if _, _, err := to.send(ctx, l.device, wire.KindAnnouncement, "/announcements", s.signed, 202, 200); err != nil {
		return err
	}
	s.signed = nil // nobody asks for it again
	l.stream = s
	c.streams = append(c.streams, s)
	return nil
}

// upload sends what waits: one batch, or those of an outage in any order.
func (l *life) upload(ctx context.Context, to sender, enc *wire.Encoder, c *counts, at time.Time) error {
	s := l.stream
	n := int(l.waiting / l.p.upload)
	l.waiting = 0
	first := s.seq + 1
	s.seq += uint64(n)
	order := l.r.Perm(n)
	for _, i := range order {
		seq := first + uint64(i)
		m, rows, err := s.batch(l.r, enc, l.p, seq, at.Add(-time.Duration(n-1-i)*l.p.upload))
		if err != nil {
			return err
		}
		c.sent(m)
		if _, _, err := to.send(ctx, l.device, wire.KindBatch, "/batches", m, 202); err != nil {
			return err
		}
		s.rows += uint64(rows)
		c.batches, c.rows, c.bytes = c.batches+1, c.rows+uint64(rows), c.bytes+uint64(len(m))
		if l.r.Float64() < lostAnswer {
			if _, _, err := to.send(ctx, l.device, wire.KindBatch, "/batches", m, 202); err != nil {
				return err
			}
			c.again++
		}
		if l.r.Float64() < twin { // a copy of the card sends its own under the same number
			other, _, err := s.batch(l.r, enc, l.p, seq, at)
			if err != nil {
				return err
			}
			if _, _, err := to.send(ctx, l.device, wire.KindBatch, "/batches", other, 409); err != nil {
				return err
			}
			c.twins++
		}
	}
	return nil
}

// withdraw has the stream deleted, and then tries a batch that was on its way.
func (l *life) withdraw(ctx context.Context, to sender, enc *wire.Encoder, c *counts, at time.Time) error {
	s := l.stream
	l.stream, l.waiting = nil, 0
	m, err := s.deletion()
	if err != nil {
		return err
	}
	c.sent(m)
	_, body, err := to.send(ctx, l.device, wire.KindDeletion, "/deletions", m, 202)
	if err != nil {
		return err
	}
	if got, err := erasedRows(body); err != nil || got != s.rows {
		return fmt.Errorf("a deletion erased %d rows of %d that were accepted: %v", got, s.rows, err)
	}
	late, _, err := s.batch(l.r, enc, l.p, s.seq+1, at)
	if err != nil {
		return err
	}
	_, _, err = to.send(ctx, l.device, wire.KindBatch, "/batches", late, 410)
	c.deletions++
	s.withdrawn = true
	return err
}

// ask asks for freshness, as after a start.
func (l *life) ask(ctx context.Context, to sender, c *counts) error {
	var nonce [16]byte
	draw(l.r, nonce[:])
	last, withdrawn, err := fresh(ctx, to, l.device, l.stream, nonce)
	if err == nil && (last != l.stream.seq || withdrawn) {
		err = fmt.Errorf("the receiver says %d batches (withdrawn: %t), %d were accepted", last, withdrawn, l.stream.seq)
	}
	c.questions++
	return err
}

func fresh(ctx context.Context, to sender, device int, s *stream, nonce [16]byte) (last uint64, withdrawn bool, err error) {
	m, err := s.question(nonce)
	if err != nil {
		return 0, false, err
	}
	_, body, err := to.send(ctx, device, wire.KindFreshness, "/freshness", m, 200)
	if err != nil {
		return 0, false, err
	}
	a, err := wire.DecodeFreshnessAnswer(body)
	if err != nil {
		return 0, false, err
	}
	if a.Nonce != nonce || a.Stream != s.id {
		return 0, false, fmt.Errorf("an answer to another question")
	}
	return a.Last, a.Withdrawn, nil
}
