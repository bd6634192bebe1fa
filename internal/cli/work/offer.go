package work

import (
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"time"

	"cxm/internal/app"
	"cxm/internal/app/edge"
	"cxm/internal/app/pages"
	"cxm/internal/config"
	"cxm/internal/credential"
	"cxm/internal/signin"
	"cxm/internal/signin/role"
)

// offered is what the program serves to people and programs.
func offered(a *app.App, l *config.Loaded) ([]app.Mount, error) {
	o := pages.Options{Public: l.Server.PublicURL}
	var err error
	if o.Providers, err = providers(l); err != nil {
		return nil, err
	}
	served, err := edge.Mounts(a)
	if err != nil {
		return nil, err
	}
	shown, err := pages.Mounts(a, o)
	return append(served, shown...), err
}

// providers are those that people may sign in with.
func providers(l *config.Loaded) ([]pages.Provider, error) {
	all, err := l.Providers(os.LookupEnv)
	var out []pages.Provider
	for _, p := range all {
		made := pages.Provider{Title: p.Title}
		made.Name, made.Issuer, made.Client, made.Secret, made.Scopes, made.Groups = p.Name, p.Issuer, p.ClientID, p.Secret, p.Scopes, p.Groups
		for _, m := range p.Map {
			made.Map = append(made.Map, pages.Mapping{Group: m.Group, Tenant: m.Tenant, Role: role.Role(m.Role)})
		}
		out = append(out, made)
	}
	return out, err
}

// host tells the operator, once, of the link by which the first admin is made. It is
// for people who start the program, and not for a log that many read.
type host struct {
	to     io.Writer
	public string // the address of the service; empty: where it listens
	tls    bool
	at     net.Addr
}

func (h *host) listening(at net.Addr) { h.at = at }

func (h *host) welcome(link credential.Secret) {
	fmt.Fprintf(h.to, "\nNobody looks after this installation yet. Whoever opens this link becomes its\nadmin. It works once, until %s:\n\n  %s%s\n\n",
		time.Now().Add(signin.LinkSetup.Lasts()).UTC().Format("2006-01-02 15:04 UTC"), h.address(), signin.LinkSetup.Path(link))
}

// address is where people reach the service; empty: it is not known.
func (h *host) address() string {
	at, ok := h.at.(*net.TCPAddr)
	switch {
	case h.public != "":
		return strings.TrimRight(h.public, "/")
	case !ok:
		return ""
	}
	name, scheme := at.IP.String(), "http://"
	if at.IP.IsUnspecified() {
		name = "localhost"
	}
	if h.tls {
		scheme = "https://"
	}
	return scheme + net.JoinHostPort(name, strconv.Itoa(at.Port))
}
