package apptest

import (
	"context"
	"net"
	"time"

	"cxm/internal/app"
)

// Listening works the queue and takes webhooks, until the test ends.
func (b *Bed) Listening() (url string) {
	b.Helper()
	ctx, cancel := context.WithCancel(b.Context())
	at, ended := make(chan string, 1), make(chan error, 1)
	go func() {
		ended <- b.App.Serve(ctx, app.WorkOptions{Every: time.Hour, Front: app.Front{Listen: "127.0.0.1:0", Listening: func(a net.Addr) { at <- "http://" + a.String() }}}, 20*time.Second)
	}()
	b.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			b.Errorf("serving: %v", err)
		}
		b.GitLab.Close()
	})
	select {
	case address := <-at:
		return address
	case err := <-ended:
		ended <- err
		b.Fatal(err)
		return ""
	}
}
