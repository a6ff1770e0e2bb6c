package main

import (
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"os/signal"
	"syscall"

	"github.com/nats-io/nats-server/v2/server"
)

// asNode makes this program a NATS server; the value is a node in JSON.
const asNode = "CANDOR_FLEET_NODE"

// node is a NATS server of a cluster on this machine.
type node struct {
	Name, Dir   string
	Port, Route int
	Routes      []int // of all; one server alone has no cluster
}

// runNode serves until it is told to end, and returns the exit code.
func runNode(text string) int {
	var n node
	if err := json.Unmarshal([]byte(text), &n); err != nil {
		return 2
	}
	o := &server.Options{ServerName: n.Name, Host: "127.0.0.1", Port: n.Port, JetStream: true, StoreDir: n.Dir, NoSigs: true, NoLog: true}
	if len(n.Routes) > 1 {
		o.Cluster = server.ClusterOpts{Name: "fleet", Host: "127.0.0.1", Port: n.Route}
		for _, p := range n.Routes {
			o.Routes = append(o.Routes, &url.URL{Scheme: "nats", Host: fmt.Sprintf("127.0.0.1:%d", p)})
		}
	} else {
		o.SyncAlways = true // one server has nothing but its disk
	}
	s, err := server.NewServer(o)
	if err != nil {
		fmt.Fprintln(os.Stderr, "NATS:", err)
		return 1
	}
	end := make(chan os.Signal, 1)
	signal.Notify(end, syscall.SIGTERM, os.Interrupt)
	s.Start()
	<-end
	s.Shutdown()
	s.WaitForShutdown()
	return 0
}
