package jetstream

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/candor-edge/candor/uplink/receive"
)

// Names of what the sink makes in JetStream.
const (
	StreamName    = "CANDOR"          // batches and the ends of streams
	AnnouncedName = "CANDOR_STREAMS"  // key-value: announcements
	PendingName   = "CANDOR_PENDING"  // key-value: deletions of streams nobody announced yet
	PurposesName  = "CANDOR_PURPOSES" // key-value: what the rows of a purpose mean, JSON
	batchSubjects = "candor.*.*.*"
	goneSubjects  = "candor.*.*.*.gone"
)

// Bounds.
const (
	defaultWindow = 2 * time.Minute
	pendingBytes  = 16 << 20 // of deletions nobody can verify yet
	cached        = 8192     // streams a receiver keeps a copy of
	attempts      = 32       // of a write whose condition did not hold
	callTimeout   = 10 * time.Second
)

// Options say where the cluster is.
type Options struct {
	URL         string // nats://HOST:PORT or tls://…, several with commas between
	Credentials string // file with the NATS user's credentials; "": none
	CA          string // PEM file with the authorities that vouch for the servers; "": the system's
	Replicas    int    // of everything kept, 1 to 5; 0 leaves what is there, or makes 1
	// Window is JetStream's duplicate window, 0 for two minutes. Only a new
	// stream takes it over.
	Window time.Duration
	Log    *slog.Logger // gets no values
}

// Sink keeps what objects send in JetStream. Its methods may be called at the
// same time, by any number of sinks in front of one cluster.
type Sink struct {
	log      *slog.Logger
	nc       *nats.Conn
	js       jetstream.JetStream
	stream   jetstream.Stream
	known    jetstream.KeyValue
	pending  jetstream.KeyValue
	purposes jetstream.KeyValue

	writing [256]sync.Mutex // by the first byte of a stream's name: those of one stream wait here, not in conflicts

	mu     sync.Mutex
	copies map[[16]byte]*copied // by announcement
}

var (
	_ receive.Sink      = (*Sink)(nil)
	_ receive.Seen      = (*Sink)(nil)
	_ receive.Forgetter = (*Sink)(nil)
	_ receive.Exporter  = (*Sink)(nil)
)

// Open connects and makes what is not there yet. What is there keeps its
// settings, except the number of replicas when Options name one.
func Open(ctx context.Context, o Options) (*Sink, error) {
	if o.Log == nil || o.URL == "" || o.Replicas < 0 || o.Replicas > 5 || o.Window < 0 {
		return nil, errors.New("jetstream: a logger, a URL, 0 to 5 replicas and a window that is not negative are needed")
	}
	s := &Sink{log: o.Log, copies: make(map[[16]byte]*copied)}
	options := []nats.Option{
		nats.Name("candor-receiver"), nats.MaxReconnects(-1), nats.ReconnectWait(500 * time.Millisecond),
		nats.ReconnectBufSize(-1), // what can't be written now is answered now
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) {
			if err != nil {
				s.log.Warn("the connection to NATS is lost; it is made again", "error", err)
			}
		}),
		nats.ReconnectHandler(func(*nats.Conn) { s.log.Info("connected to NATS again") }),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) { s.log.Warn("NATS", "error", err) }),
	}
	if o.Credentials != "" {
		options = append(options, nats.UserCredentials(o.Credentials))
	}
	if o.CA != "" {
		options = append(options, nats.RootCAs(o.CA))
	}
	nc, err := nats.Connect(o.URL, options...)
	if err != nil {
		return nil, fmt.Errorf("jetstream: connect: %w", err)
	}
	s.nc = nc
	if s.js, err = jetstream.New(nc, jetstream.WithDefaultTimeout(callTimeout)); err == nil {
		err = s.prepare(ctx, o)
	}
	if err != nil {
		nc.Close()
		return nil, err
	}
	return s, nil
}

func (s *Sink) prepare(ctx context.Context, o Options) error {
	if err := s.prepareStream(ctx, o); err != nil {
		return err
	}
	for _, b := range []struct {
		kv    *jetstream.KeyValue
		name  string
		bytes int64
		ttl   time.Duration
	}{{&s.known, AnnouncedName, 0, time.Minute}, {&s.pending, PendingName, pendingBytes, 0}, {&s.purposes, PurposesName, 0, 0}} {
		kv, err := s.js.KeyValue(ctx, b.name)
		if errors.Is(err, jetstream.ErrBucketNotFound) {
			kv, err = s.js.CreateKeyValue(ctx, jetstream.KeyValueConfig{
				Bucket: b.name, History: 1, MaxBytes: b.bytes, Replicas: max(o.Replicas, 1), Storage: jetstream.FileStorage, LimitMarkerTTL: b.ttl,
			})
		}
		if err == nil {
			err = s.replicate(ctx, "KV_"+b.name, o.Replicas)
		}
		if err != nil {
			return fmt.Errorf("jetstream: the bucket %s: %w", b.name, err)
		}
		*b.kv = kv
	}
	return nil
}

func (s *Sink) prepareStream(ctx context.Context, o Options) error {
	st, err := s.js.Stream(ctx, StreamName)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		window := o.Window
		if window == 0 {
			window = defaultWindow
		}
		st, err = s.js.CreateStream(ctx, jetstream.StreamConfig{
			Name: StreamName, Subjects: []string{batchSubjects, goneSubjects}, Storage: jetstream.FileStorage,
			Replicas: max(o.Replicas, 1), Duplicates: window,
			// What is full refuses; it never drops what was acknowledged.
			Discard: jetstream.DiscardNew,
		})
	}
	if err == nil {
		err = s.replicate(ctx, StreamName, o.Replicas)
	}
	if err != nil {
		return fmt.Errorf("jetstream: the stream %s: %w", StreamName, err)
	}
	c := st.CachedInfo().Config
	if !slices.Contains(c.Subjects, batchSubjects) || !slices.Contains(c.Subjects, goneSubjects) ||
		c.Discard != jetstream.DiscardNew || c.MaxAge > 0 || c.MaxMsgsPerSubject > 0 {
		return fmt.Errorf("jetstream: the stream %s has other subjects, or would drop what was acknowledged (discard, max age, max messages a subject)", StreamName)
	}
	s.stream = st
	return nil
}

// replicate brings a stream to a number of replicas.
func (s *Sink) replicate(ctx context.Context, name string, replicas int) error {
	st, err := s.js.Stream(ctx, name)
	if err != nil || replicas == 0 || st.CachedInfo().Config.Replicas == replicas {
		return err
	}
	c := st.CachedInfo().Config
	c.Replicas = replicas
	_, err = s.js.UpdateStream(ctx, c)
	return err
}

// Close lets go of the connection. What was answered is in the cluster.
func (s *Sink) Close() error {
	s.nc.Close()
	return nil
}

// Err says why nothing can be stored at the moment: there is no connection.
func (s *Sink) Err() error {
	if st := s.nc.Status(); st != nats.CONNECTED {
		return fmt.Errorf("jetstream: the connection to NATS is %s", st)
	}
	return nil
}
