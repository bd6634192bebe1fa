package app

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/net/netutil"

	"cxm/internal/finding"
	"cxm/internal/gitlab/rest"
	"cxm/internal/plan"
	"cxm/internal/status"
)

// counted is what hears of calls to GitLab, counted for the metrics as well.
func counted(observe func(rest.Sent), b *status.Board) func(rest.Sent) {
	return func(s rest.Sent) {
		b.Called(s.Method, s.Route, strconv.Itoa(s.Status), s.Duration)
		if observe != nil {
			observe(s)
		}
	}
}

// boardAt serves the status page and the metrics, if an address is given. Ended is
// told when the listener ends before its time.
func (a *App) boardAt(ctx context.Context, o WorkOptions) (stop func(context.Context) error, ended <-chan error, err error) {
	if o.Status == "" || a.board == nil {
		return func(context.Context) error { return nil }, nil, nil
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", o.Status)
	if err != nil {
		return nil, nil, fmt.Errorf("listening at --status-listen %s: %w: choose an address of this machine whose port is free, such as 127.0.0.1:9464", o.Status, err)
	}
	mux := http.NewServeMux()
	a.board.Register(mux)
	server := &http.Server{
		Handler: mux, ReadHeaderTimeout: headerTimeout, ReadTimeout: readTimeout, WriteTimeout: writeTimeout, IdleTimeout: idleTimeout, MaxHeaderBytes: headerBytes,
	}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(netutil.LimitListener(listener, mostClients)) }()
	if o.Showing != nil {
		o.Showing(listener.Addr())
	}
	a.Logger.Info("cxm shows its status", "address", listener.Addr().String())
	return func(ctx context.Context) error {
		if err := server.Shutdown(ctx); err != nil {
			return errors.Join(fmt.Errorf("ending the status page: %w", err), server.Close())
		}
		return nil
	}, failed, nil
}

// report is how cxm is, from what is stored.
func (a *App) report(ctx context.Context) (status.Report, error) {
	s, err := a.Status(ctx)
	if err != nil {
		return status.Report{}, fmt.Errorf("reading how cxm is: %w", err)
	}
	r := status.Report{
		Version: a.Version, At: a.Clock().UTC(), Unknown: s.Unknown,
		Issues: []status.Count{{Of: "open", Number: s.Open}, {Of: "closed", Number: s.Closed}, {Of: "in doubt", Number: s.InDoubt}, {Of: "unseen", Number: s.Unseen}},
		Queue:  status.Queue{Deliveries: s.Deliveries, Refused: s.Refused, Approvals: len(s.Waiting)},
	}
	for _, kind := range []finding.Kind{finding.Cost, finding.System, finding.Custom} {
		r.Findings = append(r.Findings, status.Count{Of: string(kind), Number: s.Present[kind]})
	}
	r.Findings = append(r.Findings, status.Count{Of: "absent", Number: s.Absent})
	for _, t := range s.Tokens {
		r.Tokens = append(r.Tokens, shown(t))
	}
	for currency, amount := range s.Savings {
		r.Savings = append(r.Savings, status.Amount{Currency: currency, Value: amount.StringFixed(2), Float: amount.InexactFloat64()})
	}
	slices.SortFunc(r.Savings, func(a, b status.Amount) int { return strings.Compare(a.Currency, b.Currency) })
	for _, p := range s.Pulls {
		r.Scopes = append(r.Scopes, status.Scope{Source: p.Source, Scope: p.Scope, At: p.ReceivedAt, Complete: p.Complete, Why: strings.Join(p.Reasons, "; ")})
	}
	r.Troubles = troubles(s)
	return r, nil
}

// shown is a token as the page tells of it.
func shown(t TokenStatus) status.Token {
	note := t.Trouble
	if t.Token.State.Held() {
		note = t.WhyNot
	}
	return status.Token{
		Integration: t.Integration.ID, URL: t.Integration.URL, Account: t.Integration.Account.Username, Project: t.Integration.Project.Path,
		State: string(t.Token.State), ExpiresAt: t.Token.ExpiresAt, RotatesAt: t.Next, Note: note,
	}
}

// troubles is what needs somebody, in words.
func troubles(s Status) []string {
	var out []string
	for _, run := range s.Waiting {
		out = append(out, waits(run))
	}
	out = append(out, s.Broken...)
	for _, w := range s.Webhooks {
		if w.Trouble != "" {
			out = append(out, "The webhook of "+w.Target+" does not work: "+w.Trouble)
		}
	}
	for _, d := range s.Reviews {
		out = append(out, fmt.Sprintf("A review of what %s may do in GitLab is due: run `cxm access show --integration %d`, then `cxm access review --integration %d`.", d.Integration.Account.Username, d.Integration.ID, d.Integration.ID))
	}
	return out
}

func waits(r plan.Run) string {
	return fmt.Sprintf("Run %d waits, since %s: look at it with `cxm runs %d`, then run `cxm approve %d`.", r.ID, r.Why, r.ID, r.ID)
}
