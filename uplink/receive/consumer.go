package receive

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/eclipse/paho.golang/autopaho"
	"github.com/eclipse/paho.golang/paho"
)

// ConsumerConfig says which broker a consumer listens at, and who answers what comes.
type ConsumerConfig struct {
	URL      *url.URL    // mqtts://host/prefix, or mqtt:// where the broker is this machine's
	TLS      *tls.Config // nil: the system's authorities, TLS 1.3
	User     string      // "": none is shown
	Password string
	Handler  http.Handler // as [NewHandler] makes it, without tokens: who may publish is the broker's to say
	Log      *slog.Logger
	Workers  int // messages handled at the same time; 0 for 16
}

const (
	group         = "candor-receiver" // of the shared subscription: every message goes to one of the receivers
	sessionExpiry = 60                // seconds for which the broker keeps what came while the connection was mended
	mostRetry     = 30 * time.Second
)

// Consumer takes messages from an MQTT 5 broker and answers each on the topic that it names. Several may listen at
// the same broker. It acknowledges a message to the broker once it is answered, so that one that was being handled when a
// receiver died is handled by another.
type Consumer struct {
	c       ConsumerConfig
	work    chan paho.PublishReceived
	workers sync.WaitGroup
	manager *autopaho.ConnectionManager
	up      chan struct{} // closed when it listened for the first time
	once    sync.Once
}

// NewConsumer begins to listen, and goes on until ctx ends; Wait then returns. Whatever breaks is mended by itself.
func NewConsumer(ctx context.Context, c ConsumerConfig) (*Consumer, error) {
	prefix := strings.Trim(c.URL.Path, "/")
	if (c.URL.Scheme != "mqtts" && c.URL.Scheme != "mqtt") || c.URL.Host == "" || prefix == "" || strings.ContainsAny(prefix, "+#$") {
		return nil, errors.New("a broker is mqtts://host/prefix")
	}
	if c.Workers <= 0 {
		c.Workers = 16
	}
	if c.TLS == nil {
		c.TLS = &tls.Config{MinVersion: tls.VersionTLS13}
	}
	var name [11]byte
	if _, err := rand.Read(name[:]); err != nil {
		return nil, err
	}
	k := &Consumer{c: c, work: make(chan paho.PublishReceived), up: make(chan struct{})}
	config := autopaho.ClientConfig{
		ServerUrls: []*url.URL{{Scheme: c.URL.Scheme, Host: hostOf(c.URL)}}, TlsCfg: c.TLS, KeepAlive: 30, SessionExpiryInterval: sessionExpiry,
		ReconnectBackoff: autopaho.NewExponentialBackoff(200*time.Millisecond, mostRetry, 2*time.Second, 2),
		ConnectUsername:  c.User, ConnectPassword: []byte(c.Password),
		OnConnectionUp: func(m *autopaho.ConnectionManager, _ *paho.Connack) { go k.subscribe(ctx, m, prefix) },
		OnConnectError: func(err error) { c.Log.Warn("no connection to the broker; it is tried again", "error", err) },
		ClientConfig: paho.ClientConfig{ClientID: hex.EncodeToString(name[:]), EnableManualAcknowledgment: true,
			OnPublishReceived: []func(paho.PublishReceived) (bool, error){func(p paho.PublishReceived) (bool, error) { return true, k.take(ctx, p) }}},
	}
	var err error
	if k.manager, err = autopaho.NewConnection(ctx, config); err != nil {
		return nil, fmt.Errorf("broker: %w", err)
	}
	for range c.Workers {
		k.workers.Go(func() { k.serve(ctx, prefix) })
	}
	return k, nil
}

// hostOf is host and port.
func hostOf(u *url.URL) string {
	switch {
	case u.Port() != "":
		return u.Host
	case u.Scheme == "mqtts":
		return u.Host + ":8883"
	}
	return u.Host + ":1883"
}

// Up is closed when the consumer listens for the first time.
func (k *Consumer) Up() <-chan struct{} { return k.up }

// Wait returns when everything has ended: after the end of the context.
func (k *Consumer) Wait() {
	k.workers.Wait()
	<-k.manager.Done()
}

// subscribe asks for the messages, after every connection anew.
func (k *Consumer) subscribe(ctx context.Context, m *autopaho.ConnectionManager, prefix string) {
	topic := "$share/" + group + "/" + prefix + "/v1/+"
	for ctx.Err() == nil {
		limited, cancel := context.WithTimeout(ctx, 20*time.Second)
		_, err := m.Subscribe(limited, &paho.Subscribe{Subscriptions: []paho.SubscribeOptions{{Topic: topic, QoS: 1}}})
		cancel()
		if err == nil {
			k.once.Do(func() { close(k.up) })
			return
		}
		if errors.Is(err, autopaho.ConnectionDownError) {
			return // the next connection asks
		}
		k.c.Log.Warn("the broker does not let this receiver listen; it is asked again", "error", err)
		select {
		case <-ctx.Done():
		case <-time.After(mostRetry / 6):
		}
	}
}

// take hands a message to a worker. While all are busy the broker has to wait.
func (k *Consumer) take(ctx context.Context, p paho.PublishReceived) error {
	select {
	case k.work <- p:
	case <-ctx.Done():
	}
	return nil
}

func (k *Consumer) serve(ctx context.Context, prefix string) {
	for {
		select {
		case <-ctx.Done():
			return
		case p := <-k.work:
			k.answer(ctx, p, prefix)
			_ = p.Client.Ack(p.Packet) // the connection it came by may be gone: then it comes again, and is known
		}
	}
}

// answer has the handler answer a message as it would a request, and publishes what it says.
func (k *Consumer) answer(ctx context.Context, p paho.PublishReceived, prefix string) {
	path, ok := strings.CutPrefix(p.Packet.Topic, prefix+"/v1")
	properties := p.Packet.Properties
	if !ok || properties == nil || properties.ResponseTopic == "" || !strings.HasPrefix(properties.ResponseTopic, prefix+"/v1/answers/") {
		k.c.Log.Debug("a message that nobody waits for the answer of")
		return
	}
	ctx, cancel := context.WithTimeout(ctx, writeTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, path, bytes.NewReader(p.Packet.Payload))
	if err != nil {
		return
	}
	request.Header.Set("Content-Type", properties.ContentType)
	said := &reply{header: http.Header{}}
	k.c.Handler.ServeHTTP(said, request)
	header := said.header
	user := paho.UserProperties{{Key: "status", Value: strconv.Itoa(said.status)}}
	if after := header.Get("Retry-After"); after != "" {
		user = append(user, paho.UserProperty{Key: "retry-after", Value: after})
	}
	expiry := uint32(writeTimeout / time.Second)
	_, err = k.manager.Publish(ctx, &paho.Publish{QoS: 1, Topic: properties.ResponseTopic, Payload: said.body.Bytes(), Properties: &paho.PublishProperties{
		ContentType: header.Get("Content-Type"), CorrelationData: properties.CorrelationData, MessageExpiry: &expiry, User: user}})
	if err != nil {
		k.c.Log.Debug("an answer did not reach the broker; the object asks again", "error", err)
	}
}
