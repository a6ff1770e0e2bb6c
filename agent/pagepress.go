package agent

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/user"
	"strconv"
	"strings"

	"github.com/candor-edge/candor/agent/control"
	"github.com/candor-edge/candor/store/ledger"
)

// buttonChannel is how the ledger names what was done with the button.
const buttonChannel = "button"

// held is told that the button was held and let go: whoever stands before the object may open its page once.
func (a *Agent) held() {
	if a.page == nil || a.page.URL() == "" {
		a.opts.Log.Warn("the button was held, which opens the page of the person, and none is served")
		return
	}
	a.page.Pressed()
	a.opts.Log.Info("the button was held: the page may be opened once within two minutes")
	a.mu.Lock()
	defer a.mu.Unlock()
	a.note(ledger.Event{Kind: ledger.Act, Time: a.now(), Channel: buttonChannel, Text: "the button was held: the page may be opened once within two minutes"})
}

// entered is told that a page was opened after the button was held.
func (a *Agent) entered(ctx context.Context) error {
	if err := a.paired(ctx); err != nil {
		return err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.note(ledger.Event{Kind: ledger.Act, Time: a.now(), Channel: buttonChannel, Text: "the page was opened, after the button was held"})
	return nil
}

// mayEnter says whether the account that made a connection may open the page by the button. Technicians and root may not: they stand
// before the object too, and have the code, which names them in the ledger.
func (a *Agent) mayEnter(client, own netip.AddrPort) error {
	role, err := a.accountOf(client, own)
	switch {
	case err != nil:
		err = fmt.Errorf("it can't be told which account asks: %w", err)
	case role == control.Technician:
		err = errors.New("this page was asked for by a technician's account; the page is the person's")
	case role == control.Root:
		err = errors.New("this page was asked for by root; candor pair --on-behalf shows a code, and the ledger says for whom")
	}
	if err != nil {
		a.opts.Log.Warn("the button was held, and the page was not opened for who asked", "error", err)
	}
	return err
}

// accountOf finds the role of the account at the other end of a connection within this machine; "" is an account without one, as that of
// a screen's browser.
func (a *Agent) accountOf(client, own netip.AddrPort) (control.Role, error) {
	uid, err := uidOf(client, own)
	if err != nil {
		return "", err
	}
	owner, ok := a.cfg.StateOwner()
	if !ok {
		owner = -1
	}
	roles, err := control.RolesOf(owner, a.cfg.Control.Person, a.cfg.Control.Technician)
	if err != nil {
		return "", err
	}
	gid, groups := uint32(1<<32-1), []uint32{}
	if u, err := user.LookupId(strconv.FormatUint(uint64(uid), 10)); err == nil {
		ids, err := u.GroupIds()
		if err != nil {
			return "", fmt.Errorf("the groups of account %d: %w", uid, err)
		}
		for _, id := range append(ids, u.Gid) {
			if n, err := strconv.ParseUint(id, 10, 32); err == nil {
				groups = append(groups, uint32(n))
			}
		}
	}
	role, _ := roles(uid, gid, groups)
	return role, nil
}

// uidOf asks the kernel whose socket the other end of a connection is (proc_pid_net(5), tcp). The file names it as the machine does, each
// word of an address with its bytes in the order of the processor.
func uidOf(client, own netip.AddrPort) (uint32, error) {
	name := "/proc/self/net/tcp"
	if client.Addr().Is6() && !client.Addr().Is4In6() {
		name += "6"
	}
	text, err := os.ReadFile(name)
	if err != nil {
		return 0, err
	}
	want := []string{procAddress(client), procAddress(own)}
	for lines := bufio.NewScanner(bytes.NewReader(text)); lines.Scan(); {
		f := strings.Fields(lines.Text()) // sl local_address rem_address st queues timer retrnsmt uid …
		if len(f) < 8 || f[1] != want[0] || f[2] != want[1] {
			continue
		}
		uid, err := strconv.ParseUint(f[7], 10, 32)
		return uint32(uid), err
	}
	return 0, fmt.Errorf("%s has no such connection", name)
}

// procAddress is an address as the kernel's list has it.
func procAddress(a netip.AddrPort) string {
	raw := a.Addr().Unmap().AsSlice()
	for i := 0; i < len(raw); i += 4 {
		binary.NativeEndian.PutUint32(raw[i:], binary.BigEndian.Uint32(raw[i:]))
	}
	return fmt.Sprintf("%s:%04X", strings.ToUpper(hex.EncodeToString(raw)), a.Port())
}
