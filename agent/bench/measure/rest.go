package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/candor-edge/candor/uplink/wire"
)

// idle measures a daemon that has little to do: one simulated room every ten seconds, for a minute after it has settled.
func (b *bench) idle(ctx context.Context) error {
	const settle, long = 5 * time.Second, time.Minute
	s, err := b.site("idle", living)
	if err != nil {
		return err
	}
	if err := s.grant(ctx); err != nil {
		return err
	}
	receiver, err := s.receive(ctx)
	if err != nil {
		return err
	}
	defer receiver.end()
	daemon, err := s.start(ctx, "candor", "run", "--config", s.config)
	if err != nil {
		return err
	}
	defer daemon.end()
	if err := daemon.wait(ctx, settle); err != nil {
		return err
	}
	before := daemon.ticks()
	if err := daemon.wait(ctx, long); err != nil {
		return err
	}
	spent := daemon.ticks() - before
	resident, private := daemon.status("VmRSS"), daemon.status("RssAnon")
	used, err := daemon.stop()
	if err != nil {
		return err
	}
	b.out.heading("idle daemon, one room every 10 s, over %s", long)
	b.out.atMost("resident", mega(resident), 16, "%.1f MB")
	b.out.only("of it private, the rest is the program file and mappings", mega(private), "%.1f MB")
	b.out.only("CPU in that minute, counted in steps of 10 ms", float64(spent*10), "%.0f ms")
	b.out.only("CPU with start and stop", used.cpu.Seconds()*1000, "%.0f ms")
	return nil
}

// programs tells the size of the programs, and what of the smallest board's is whose.
func (b *bench) programs(context.Context) error {
	if b.sizes == "" {
		return nil
	}
	found, err := filepath.Glob(filepath.Join(b.sizes, "*", "candor*"))
	if err != nil || len(found) == 0 {
		return errors.Join(err, fmt.Errorf("no programs in the folders of %s", filepath.Base(b.sizes)))
	}
	b.out.heading("device binary, stripped; candor-mqtt is the one with MQTT")
	for _, name := range found {
		info, err := os.Stat(name)
		if err != nil {
			return err
		}
		b.out.atMost(filepath.Base(filepath.Dir(name))+"/"+filepath.Base(name), mega(info.Size()), 10, "%.2f MB")
	}
	return b.packages()
}

// month is how many days of the recording the reference policy is played over: one reading a minute or so.
const month = 30

// daily tells what the reference policy sends in a day of one room, with the padding its rooms ask for, and sealed.
func (b *bench) daily(ctx context.Context) error {
	days := filepath.Join(b.dir, "month.csv")
	if err := copyLines(b.recording, days, month*24*60+1); err != nil {
		return err
	}
	var said struct {
		Days     float64 `json:"days"`
		Purposes []struct {
			ID      string `json:"id"`
			Uploads int    `json:"uploads"`
			Columns int    `json:"column_bytes"`
			Bytes   int    `json:"wire_bytes"`
		} `json:"purposes"`
	}
	s := &site{bin: b.bin}
	dir := filepath.Join("agent", "reference")
	if err := s.asked(ctx, &said, "policy", "simulate", "hall="+days, "--policy", filepath.Join(dir, "policy.toml"), "--charter", filepath.Join(dir, "charter.toml")); err != nil {
		return err
	}
	b.out.heading("bytes a day of the reference policy, one room and no door or badge, %.0f days", said.Days)
	uploads, bytes := 0, 0
	for _, p := range said.Purposes {
		if p.Uploads > 0 {
			b.out.only(p.ID+", signed and padded", float64(p.Bytes)/said.Days, fmt.Sprintf("%%.0f B in %.0f uploads", float64(p.Uploads)/said.Days))
		}
		uploads, bytes = uploads+p.Uploads, bytes+p.Bytes
	}
	b.out.only("all", float64(bytes)/said.Days, "%.0f B")
	for _, suite := range []wire.Suite{wire.SuiteX25519, wire.SuiteMLKEM768X25519} {
		b.out.only("all, sealed with "+suite.String(), float64(bytes+uploads*suite.Overhead())/said.Days, "%.0f B")
	}
	return nil
}
