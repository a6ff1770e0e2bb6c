//go:build !nomqtt

package transport

import (
	"crypto/rand"
	"strconv"
	"time"

	"github.com/eclipse/paho.golang/paho"
)

// The user properties of an answer over MQTT, see PROTOCOL.md.
const (
	statusProperty     = "status"
	retryAfterProperty = "retry-after"
)

// end says once that the connection is over, and why.
func (l *mqttLink) end(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.why != nil {
		return
	}
	l.why = err
	close(l.down)
	l.cancel()
}

func (l *mqttLink) reason() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.why
}

// expect makes the name under which an answer will come, and the channel it comes on; nil when the connection is being closed.
func (l *mqttLink) expect() (name []byte, got <-chan answer) {
	name = make([]byte, 16)
	_, _ = rand.Read(name) // never fails; a name that is known to others would let them forge no more than a refusal
	c := make(chan answer, 1)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.retired {
		return nil, nil
	}
	l.waiting[string(name)], l.used = c, time.Now()
	return name, c
}

// done says that nobody waits for an answer any more.
func (l *mqttLink) done(name []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.waiting, string(name))
	l.used = time.Now()
}

// retire tells whether the connection can be closed, since nothing has gone over it for a while; then nothing will.
func (l *mqttLink) retire() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.retired = len(l.waiting) == 0 && time.Since(l.used) >= idle
	return l.retired
}

// take hands an answer to whoever waits for it; one that nobody waits for, or that came before, is dropped.
func (l *mqttLink) take(p paho.PublishReceived) (bool, error) {
	if p.Packet.Topic != l.answers || p.Packet.Properties == nil {
		return true, nil
	}
	l.mu.Lock()
	c := l.waiting[string(p.Packet.Properties.CorrelationData)]
	delete(l.waiting, string(p.Packet.Properties.CorrelationData))
	l.mu.Unlock()
	if c == nil {
		return true, nil
	}
	status, err := strconv.Atoi(p.Packet.Properties.User.Get(statusProperty))
	if err != nil || status < 200 || status > 599 {
		status = 502 // an answer without one is none of a receiver
	}
	body := p.Packet.Payload
	c <- answer{status: status, media: p.Packet.Properties.ContentType, retryAfter: p.Packet.Properties.User.Get(retryAfterProperty),
		body: body[:min(len(body), maxAnswer)], cut: len(body) > maxAnswer}
	return true, nil
}
