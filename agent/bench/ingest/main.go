package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/candor-edge/candor/agent"
	"github.com/candor-edge/candor/sensors"
)

func main() {
	config := flag.String("config", "candor.toml", "the agent's configuration; the sensor is added to it")
	listen := flag.String("listen", "127.0.0.1:0", "where readings are taken")
	flag.Parse()
	if err := run(*config, *listen); err != nil {
		fmt.Fprintln(os.Stderr, "ingest:", err)
		os.Exit(1)
	}
}

func run(config, listen string) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	cfg, err := agent.LoadConfig(config)
	if err != nil {
		return err
	}
	driver := sensors.Driver{Name: "ingest", Open: func(c sensors.Config, _ sensors.Env) (sensors.Source, error) { return open(c.Name, listen) }}
	cfg.Sensors = append(cfg.Sensors, sensors.Config{Name: "room", Driver: driver.Name})
	a, err := agent.Open(cfg, agent.Options{Drivers: []sensors.Driver{driver}})
	if err != nil {
		return err
	}
	err = a.Run(ctx)
	if closed := a.Close(); err == nil {
		err = closed
	}
	return err
}
