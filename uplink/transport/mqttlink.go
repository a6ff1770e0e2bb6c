package transport

import (
	"crypto/rand"
	"strconv"

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

// expect makes the name under which an answer will come, and the channel it comes on.
func (l *mqttLink) expect() (name []byte, got <-chan answer, done func()) {
	name = make([]byte, 16)
	_, _ = rand.Read(name) // never fails; a name that is known to others would let them forge no more than a refusal
	c := make(chan answer, 1)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.waiting[string(name)] = c
	return name, c, func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		delete(l.waiting, string(name))
	}
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
