package control

import (
	"context"
	"fmt"
	"os/user"
	"slices"
	"strconv"
	"time"

	"github.com/candor-edge/candor/sensors"
)

// Roles says what a peer of the socket may do, from its user, its group and its further groups as the kernel reports
// them. false: nothing.
type Roles func(uid, gid uint32, groups []uint32) (Role, bool)

// RolesOf is the usual [Roles]: uid 0 is root; owner, the user who owns the state directory, is the person (pass -1 when it is
// not known); members of the groups named person and technician are what these say ("" names no group). A name that this
// machine does not have is an error.
func RolesOf(owner int, person, technician string) (Roles, error) {
	personID, err := groupID(person)
	if err != nil {
		return nil, fmt.Errorf("the group for the person: %w", err)
	}
	technicianID, err := groupID(technician)
	if err != nil {
		return nil, fmt.Errorf("the group for the technician: %w", err)
	}
	return func(uid, gid uint32, groups []uint32) (Role, bool) {
		in := func(id int64) bool {
			return id >= 0 && (int64(gid) == id || slices.Contains(groups, uint32(id)))
		}
		switch {
		case uid == 0:
			return Root, true
		case owner >= 0 && int64(uid) == int64(owner), in(personID):
			return Person, true
		case in(technicianID):
			return Technician, true
		}
		return "", false
	}, nil
}

// groupID looks a group up; "" gives -1, which is no group.
func groupID(name string) (int64, error) {
	if name == "" {
		return -1, nil
	}
	g, err := user.LookupGroup(name)
	if err != nil {
		return -1, fmt.Errorf("there is no group %q on this machine: %w", name, err)
	}
	id, err := strconv.ParseUint(g.Gid, 10, 32)
	if err != nil {
		return -1, fmt.Errorf("group %q has no usable number: %w", name, err)
	}
	return int64(id), nil
}

type roleKey struct{}

// WithRole returns a context in which requests are made by role.
func WithRole(ctx context.Context, role Role) context.Context {
	return context.WithValue(ctx, roleKey{}, role)
}

// roleOf returns the role of a context; "" for none, which may do nothing.
func roleOf(ctx context.Context) Role {
	role, _ := ctx.Value(roleKey{}).(Role)
	return role
}

// ForTechnician returns the status without the counts that depend on what happened in the home: rows and bytes rise when a door
// opens, and would tell who is in. What is left says whether things work.
func (s Status) ForTechnician() Status {
	s.Limited = true
	if !s.Paused.IsZero() { // when somebody pressed a button, somebody was at home
		s.Paused, s.Truth = time.Time{}, "Paused: nothing leaves this object, and what is sensed meanwhile never will."
	}
	s.Purposes = slices.Clone(s.Purposes)
	for i := range s.Purposes {
		p := &s.Purposes[i]
		p.Buffered, p.Outgoing, p.Parked, p.ParkedReason, p.Sent, p.NextSend = 0, 0, 0, "", SentTotal{}, time.Time{}
	}
	s.Routes = slices.Clone(s.Routes)
	for i := range s.Routes {
		s.Routes[i].LastAck = time.Time{}
		switch r := &s.Routes[i]; {
		case r.State == "waiting": // how soon the bytes of a day are used up depends on the home
			r.State, r.Circuit, r.Reason, r.NextTry = "idle", "closed", "", time.Time{}
		case r.State == "sending":
			r.State = "idle"
		case r.Circuit == "half-open":
			r.Circuit = "open"
		}
	}
	s.Sensors = slices.Clone(s.Sensors)
	for i := range s.Sensors {
		faults := slices.Clone(s.Sensors[i].Faults)
		for j := range faults {
			faults[j] = sensors.FaultCount{What: faults[j].What, Hint: faults[j].Hint}
		}
		s.Sensors[i].Faults = faults
	}
	if len(s.Buffer.Gaps) > 0 {
		s.Buffer.Gaps = []string{"there was a loss; the person can see which"}
	}
	s.Buffer.Bytes, s.Buffer.Segments, s.Buffer.Unread, s.Buffer.Waiting, s.Buffer.Written, s.Buffer.Dropped = 0, 0, 0, 0, 0, nil
	s.History.Bytes, s.History.Written = 0, 0
	if s.History.Detail != "" {
		s.History.Detail = "it can't be written"
	}
	return s
}
