//go:build !nomqtt

package transport

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/eclipse/paho.golang/packets"
	"github.com/eclipse/paho.golang/paho"
)

// mqttCarrier publishes to topics below a prefix, over MQTT 5, and waits for the recipient's own answer: the broker's
// acknowledgement says only that the broker has the message. The client is paho's plain one: autopaho, of the same module, mends
// connections by itself, while here the uplink says when to try again, and brings 200 kB of WebSocket and proxies. Nothing is queued here or, beyond the time of a request, at
// the broker: the buffer is the only queue. Every connection has a random name and a random topic for answers.
type mqttCarrier struct {
	base    *url.URL
	token   *bearer
	tls     *trust // nil: mqtt to this machine
	dial    Dialer
	timeout time.Duration

	mu   sync.Mutex
	link *mqttLink // the connection, up or on its way up; nil: none
}

// mqttLink is one connection. It is used until it breaks and is not mended: when to try again is the uplink's business.
type mqttLink struct {
	client  *paho.Client // valid once up is closed
	cancel  context.CancelFunc
	ended   chan struct{} // closed when nothing of it runs any more
	answers string        // topic
	up      chan struct{} // closed when answers can come
	down    chan struct{} // closed when the connection is over, or never came
	mu      sync.Mutex
	why     error // set before down is closed
	waiting map[string]chan answer
	used    time.Time
	retired bool // it is being closed, since nothing goes over it
}

// openMQTT makes the carrier of mqtts and, to this machine, mqtt.
func openMQTT(r *Route, base *url.URL, env Env, t *bearer) (carrier, error) {
	c := &mqttCarrier{base: base, token: t, dial: env.dialer(), timeout: r.Timeout.Std()}
	if base.Scheme == "mqtt" {
		c.dial = onlyHere(c.dial)
		return c, nil
	}
	var err error
	if c.tls, err = newTrust(r, env, base.Hostname()); err != nil {
		return nil, err
	}
	return c, nil
}

// speaksMQTT tells that this build has MQTT; one made with the tag nomqtt is smaller and has not.
const speaksMQTT = true

func (c *mqttCarrier) close() {
	c.mu.Lock()
	link := c.link
	c.link = nil
	c.mu.Unlock()
	if link != nil {
		link.cancel()
		<-link.ended
	}
}

// exchange implements carrier.
func (c *mqttCarrier) exchange(ctx context.Context, m message) (answer, error) {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	link, name, got, err := c.ready(ctx)
	if err != nil {
		return answer{}, c.plain(ctx, err, false)
	}
	defer link.done(name)
	expiry, qos1 := uint32(max(c.timeout/time.Second, 1)), byte(1)
	response, err := link.client.Publish(ctx, &paho.Publish{QoS: qos1, Topic: topicOf(c.base, m.path), Payload: m.body,
		Properties: &paho.PublishProperties{ContentType: m.media(), ResponseTopic: link.answers, CorrelationData: name, MessageExpiry: &expiry}})
	if response != nil && response.ReasonCode >= 0x80 {
		return answer{}, refusedBy(response.ReasonCode)
	}
	if err != nil {
		return answer{}, c.plain(ctx, err, true)
	}
	if response != nil && response.ReasonCode == packets.PubackNoMatchingSubscribers {
		return answer{}, c.plain(ctx, errors.New("no receiver listens at the broker"), true)
	}
	select {
	case a := <-got:
		return a, nil
	case <-link.down:
		return answer{}, c.plain(ctx, link.reason(), true)
	case <-ctx.Done():
		return answer{}, c.plain(ctx, ctx.Err(), true)
	}
}

// plain is plain for what an MQTT client says.
func (c *mqttCarrier) plain(ctx context.Context, err error, left bool) error {
	if ctx.Err() != nil {
		err = ctx.Err()
	}
	var refusal *Refusal
	if errors.As(err, &refusal) {
		return err
	}
	return plain(c.base.Host, err, left)
}

// refusedBy turns a reason code of the broker into a refusal. None says anything about one message for good but its size:
// the broker does not know what it carries.
func refusedBy(code byte) error {
	r := &Refusal{Status: 503, Code: fmt.Sprintf("broker-reason-%d", code)}
	switch code {
	case packets.ConnackBadUsernameOrPassword, packets.ConnackNotAuthorized, packets.ConnackBanned, packets.ConnackInvalidClientID: // the codes are those of PUBACK too
		r.Status = 401
	case packets.ConnackTopicNameInvalid:
		r.Status = 404
	case packets.ConnackPacketTooLarge:
		r.Status = 413
	case packets.ConnackQuotaExceeded, packets.ConnackConnectionRateExceeded:
		r.Status = 429
	}
	return r
}

// ready gives a connection and the name under which the answer will come. One that is being closed because nothing went over
// it is replaced.
func (c *mqttCarrier) ready(ctx context.Context) (link *mqttLink, name []byte, got <-chan answer, err error) {
	for {
		if link, err = c.connected(ctx); err != nil {
			return nil, nil, nil, err
		}
		if name, got = link.expect(); got != nil {
			return link, name, got, nil
		}
		select {
		case <-link.down:
		case <-ctx.Done():
			return nil, nil, nil, ctx.Err()
		}
	}
}

// connected gives the connection, making one when there is none.
func (c *mqttCarrier) connected(ctx context.Context) (*mqttLink, error) {
	c.mu.Lock()
	if c.link != nil {
		select {
		case <-c.link.down:
			c.link = nil
		default:
		}
	}
	if c.link == nil {
		link, err := c.connect()
		if err != nil {
			c.mu.Unlock()
			return nil, err
		}
		c.link = link
	}
	link := c.link
	c.mu.Unlock()
	select {
	case <-link.up:
		return link, nil
	case <-link.down:
		return nil, link.reason()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// connect begins a connection. It ends with close, or by itself on the first fault.
func (c *mqttCarrier) connect() (*mqttLink, error) {
	var random [32]byte
	if _, err := rand.Read(random[:]); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	link := &mqttLink{cancel: cancel, up: make(chan struct{}), down: make(chan struct{}), ended: make(chan struct{}), waiting: map[string]chan answer{}, used: time.Now(),
		answers: topicOf(c.base, "/answers/") + hex.EncodeToString(random[:16])}
	go func() {
		defer close(link.ended)
		link.end(c.run(ctx, link, hex.EncodeToString(random[16:27])))
	}()
	return link, nil
}

// run makes a connection and keeps it until ctx ends or it breaks, and says why.
func (c *mqttCarrier) run(ctx context.Context, link *mqttLink, name string) error {
	conn, err := c.attempt(ctx)
	if err != nil {
		return err
	}
	broken := make(chan error, 2)
	client := paho.NewClient(paho.ClientConfig{ClientID: name, Conn: conn, PacketTimeout: c.timeout,
		OnPublishReceived:  []func(paho.PublishReceived) (bool, error){link.take},
		OnClientError:      func(err error) { say(broken, err) },
		OnServerDisconnect: func(d *paho.Disconnect) { say(broken, refusedBy(d.ReasonCode)) }})
	defer func() { _ = client.Disconnect(&paho.Disconnect{}); _ = conn.Close(); <-client.Done() }()
	request := &paho.Connect{ClientID: name, CleanStart: true, KeepAlive: 60}
	if text := c.token.now(); text != "" {
		user, password, ok := strings.Cut(text, ":")
		if !ok {
			user, password = "candor", text
		}
		request.Username, request.UsernameFlag, request.Password, request.PasswordFlag = user, true, []byte(password), true
	}
	opening, cancel := context.WithTimeout(ctx, min(c.timeout, 15*time.Second))
	defer cancel()
	ack, err := client.Connect(opening, request)
	if ack != nil && ack.ReasonCode >= 0x80 {
		c.token.refused(c.token.now())
		return refusedBy(ack.ReasonCode)
	}
	if err != nil {
		return err
	}
	if _, err := client.Subscribe(opening, &paho.Subscribe{Subscriptions: []paho.SubscribeOptions{{Topic: link.answers, QoS: 1, NoLocal: true}}}); err != nil {
		return err
	}
	link.client = client
	close(link.up)
	for {
		select {
		case err := <-broken:
			return err
		case <-ctx.Done():
			return errClosed
		case <-time.After(idle / 3):
			if link.retire() {
				return errClosed
			}
		}
	}
}

// idle is after how long a connection is closed that nothing goes over: keeping it costs bytes and current.
const idle = 90 * time.Second

var errClosed = errors.New("the connection to the broker was closed")

// say puts an error where only the first counts.
func say(c chan error, err error) {
	select {
	case c <- err:
	default:
	}
}

// attempt opens the connection to the broker.
func (c *mqttCarrier) attempt(ctx context.Context) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, min(c.timeout, 15*time.Second))
	defer cancel()
	port := c.base.Port()
	switch {
	case port != "":
	case c.tls != nil:
		port = "8883"
	default:
		port = "1883"
	}
	conn, err := c.dial(ctx, "tcp", net.JoinHostPort(c.base.Hostname(), port))
	if err != nil || c.tls == nil {
		return conn, err
	}
	secure := tls.Client(conn, c.tls.config())
	if err := secure.HandshakeContext(ctx); err != nil {
		_ = conn.Close()
		return nil, err
	}
	return packets.NewThreadSafeConn(secure), nil
}

// topicOf is the topic of a path below the route's prefix.
func topicOf(base *url.URL, path string) string {
	return strings.TrimPrefix(base.Path, "/") + "/v1" + path
}
