package connect

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"html"
	"net"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"cxm/internal/app"
	"cxm/internal/cli/shell"
)

// callbackPath is where GitLab sends people back to on this machine.
const callbackPath = "/oauth/callback"

// oauthFlags are those of connecting by agreeing on a page of GitLab.
type oauthFlags struct {
	on          bool
	application string
	secretFile  string
	port        uint16
	patience    time.Duration
}

func (f *oauthFlags) add(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.BoolVar(&f.on, "oauth", false, "sign in to GitLab in a browser and agree, instead of giving a token")
	flags.StringVar(&f.application, "application-id", "", "Application ID of the OAuth application registered in the instance (default $CXM_GITLAB_APPLICATION_ID)")
	flags.StringVar(&f.secretFile, "application-secret-file", "", "file that holds the application's secret, if it is confidential")
	flags.Uint16Var(&f.port, "redirect-port", 0, "port on this machine that GitLab's page leads back to (default: any free one)")
	flags.DurationVar(&f.patience, "oauth-wait", 5*time.Minute, "how long to wait for the browser")
	cmd.MarkFlagsMutuallyExclusive("oauth", "token-file")
}

// check refuses what can be refused before anything is opened. where is the
// instance's URL.
func (f *oauthFlags) check(where string) error {
	if !f.on {
		if f.application != "" || f.secretFile != "" {
			return errors.New("--application-id and --application-secret-file go with --oauth: add it, or leave them out")
		}
		return nil
	}
	if f.patience <= 0 {
		return errors.New("--oauth-wait must be more than nothing: leave it out for five minutes")
	}
	if f.application = cmp.Or(f.application, os.Getenv("CXM_GITLAB_APPLICATION_ID")); f.application == "" {
		return f.unregistered(where)
	}
	return nil
}

// unregistered says how an application is registered.
func (f *oauthFlags) unregistered(where string) error {
	return fmt.Errorf(`connecting with OAuth needs an application that is registered in %[1]s, once:
  1. open %[1]s/-/user_settings/applications (for a whole instance an administrator opens %[1]s/admin/applications)
  2. name it cxm; Redirect URI %[2]s; leave Confidential unticked; tick the scope api
  3. save it, and run this again with --application-id and the Application ID that GitLab shows
GitLab lets the port of such a Redirect URI differ; if yours does not, register one with a port and give it with --redirect-port`, where, f.redirect(f.port))
}

// redirect is the address on this machine; 0: without a port, as it is registered.
func (f *oauthFlags) redirect(port uint16) string {
	host := "127.0.0.1"
	if port != 0 {
		host = net.JoinHostPort(host, strconv.Itoa(int(port)))
	}
	return "http://" + host + callbackPath
}

// authorize has a person agree in a browser, and puts what cxm is given into want.
func (f *oauthFlags) authorize(cmd *cobra.Command, a *app.App, want *app.Connect) error {
	var config net.ListenConfig
	listener, err := config.Listen(cmd.Context(), "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(int(f.port))))
	if err != nil {
		return fmt.Errorf("listening for the browser: %w: give another --redirect-port, or none", err)
	}
	defer listener.Close()
	at, ok := listener.Addr().(*net.TCPAddr)
	if !ok {
		return errors.New("listening for the browser: there is no TCP on this machine")
	}
	ask := app.OAuthAsk{
		URL: want.URL, Application: f.application, Network: want.Network,
		Redirect: f.redirect(uint16(at.Port)),
	}
	if f.secretFile != "" {
		text, err := shell.ReadTokenFile(f.secretFile)
		if err != nil {
			return fmt.Errorf("the application's secret: %w", err)
		}
		if ask.Key, err = app.CleanToken(text); err != nil {
			return fmt.Errorf("the application's secret: %w", err)
		}
	}
	z, err := a.AskOAuth(cmd.Context(), ask)
	if err != nil {
		return err
	}
	fmt.Fprintf(cmd.ErrOrStderr(), `cxm will act as whoever signs in, so sign in as a dedicated bot user rather than as
yourself: when a person leaves, issues stop. A service account cannot sign in; connect
it with a token instead, which is the recommended way.

Open this address in a browser on this machine, sign in and agree:

  %s

Waiting for %s.
`, z.Page, f.patience)
	ctx, cancel := context.WithTimeout(cmd.Context(), f.patience)
	defer cancel()
	return f.wait(ctx, listener, z, want)
}

// wait serves the one address until the answer came.
func (f *oauthFlags) wait(ctx context.Context, listener net.Listener, z *app.Authorization, want *app.Connect) error {
	ended := make(chan error, 1)
	server := &http.Server{
		ReadHeaderTimeout: 10 * time.Second, MaxHeaderBytes: 64 << 10,
		Handler: callback(listener.Addr().String(), func(answer url.Values) error {
			token, err := z.Redeem(ctx, answer)
			if errors.Is(err, app.ErrState) || errors.Is(err, app.ErrReplay) {
				return err // somebody else's: go on waiting
			}
			want.Token = token
			ended <- err
			return err
		}),
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	var err error
	select {
	case err = <-ended:
	case err = <-served:
		err = fmt.Errorf("waiting for the browser: %w", err)
	case <-ctx.Done():
		err = errors.New("nobody agreed in time: run the command again, and open the address that it prints; where no browser is at hand, connect with a token")
		if errors.Is(ctx.Err(), context.Canceled) {
			err = shell.ErrNoAnswer
		}
	}
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	return errors.Join(err, server.Shutdown(last)) // the browser still gets its page
}

// callback answers the browser. redeem is called with what GitLab's page sent along;
// what else asks for this address, by another name or at another path, is refused.
func callback(host string, redeem func(url.Values) error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Type", "text/html; charset=utf-8")
		h.Set("Cache-Control", "no-store")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Content-Security-Policy", "default-src 'none'")
		h.Set("Connection", "close")
		status, title, text := http.StatusOK, "cxm has what it asked for", "You can close this page: the command line goes on."
		switch {
		case r.Host != host || r.URL.Path != callbackPath:
			status, title, text = http.StatusNotFound, "Not found", "cxm waits at another address."
		case r.Method != http.MethodGet:
			status, title, text = http.StatusMethodNotAllowed, "Not allowed", "Browsers come here by themselves."
		default:
			if err := redeem(r.URL.Query()); err != nil {
				status, title, text = http.StatusBadRequest, "cxm was not let in", err.Error()
			}
		}
		w.WriteHeader(status)
		title, text = html.EscapeString(title), html.EscapeString(text)
		_, _ = fmt.Fprintf(w, "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>%s</title><h1>%s</h1><p>%s</p>\n", title, title, text)
	})
}
