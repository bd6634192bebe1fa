package serve

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"

	"github.com/coreos/go-systemd/v22/activation"
	"github.com/coreos/go-systemd/v22/daemon"
)

// What systemd is told with Tell.
const (
	Ready    = daemon.SdNotifyReady
	Stopping = daemon.SdNotifyStopping
)

// Tell tells systemd how the program is, if it was started by it.
func Tell(state string) error {
	if _, err := daemon.SdNotify(false, state); err != nil {
		return fmt.Errorf("telling systemd %s: %w: see NotifyAccess= of the unit", state, err)
	}
	return nil
}

// Sockets are the listeners that systemd opened for the program, by the names that
// their units give them (FileDescriptorName=). Each can be taken once.
type Sockets struct {
	mu     sync.Mutex
	byName map[string][]net.Listener
}

// Activated takes the sockets that systemd passed. It is called once, by main.
func Activated() (*Sockets, error) {
	all, err := activation.ListenersWithNames()
	if err != nil {
		return nil, fmt.Errorf("taking the sockets of systemd: %w: see the .socket unit", err)
	}
	return &Sockets{byName: all}, nil
}

func (s *Sockets) take(name string) (net.Listener, error) {
	if s == nil {
		return nil, errors.New("this program takes no sockets of systemd: write host and port")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if l := s.byName[name]; len(l) > 0 {
		s.byName[name] = l[1:]
		return l[0], nil
	}
	var names []string
	for each, l := range s.byName {
		if len(l) > 0 {
			names = append(names, each)
		}
	}
	slices.Sort(names)
	if len(names) == 0 {
		return nil, fmt.Errorf("systemd passed no socket %q, nor any other: start the .socket unit, whose FileDescriptorName= it is", name)
	}
	return nil, fmt.Errorf("systemd passed no socket %q: it passed %s, see FileDescriptorName= of the .socket unit", name, strings.Join(names, ", "))
}

// open opens the listener, or takes it from systemd.
func (o *Options) open(ctx context.Context) (net.Listener, error) {
	if name, activated := strings.CutPrefix(o.Address, "systemd:"); activated {
		l, err := o.Sockets.take(name)
		if err != nil {
			return nil, fmt.Errorf("listening at %s %s: %w", o.Setting, o.Address, err)
		}
		return l, nil
	}
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", o.Address)
	if err != nil {
		return nil, fmt.Errorf("listening at %s %s: %w: choose an address of this machine whose port is free, such as 127.0.0.1:8080", o.Setting, o.Address, err)
	}
	return l, nil
}
