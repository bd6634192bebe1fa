package store_test

import (
	"io"
	"net"
	"net/url"
	"sync/atomic"
	"testing"
)

// proxy stands before a PostgreSQL server and is its URL. After cut it passes on
// what one more message says, and breaks that connection instead of answering.
func proxy(t *testing.T, text string) (through string, cut func()) {
	t.Helper()
	u, err := url.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	server := u.Host
	u.Host = l.Addr().String()
	var cutting atomic.Bool
	go func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			go relay(client, server, &cutting)
		}
	}()
	return u.String(), func() { cutting.Store(true) }
}

func relay(client net.Conn, address string, cutting *atomic.Bool) {
	server, err := net.Dial("tcp", address)
	if err != nil {
		client.Close()
		return
	}
	go func() {
		defer client.Close()
		_, _ = io.Copy(client, server)
	}()
	defer server.Close()
	buffer := make([]byte, 64<<10)
	for {
		n, err := client.Read(buffer)
		if err != nil {
			return
		}
		if cutting.CompareAndSwap(true, false) {
			client.Close() // no answer finds its way back
			_, _ = server.Write(buffer[:n])
			_, _ = io.Copy(io.Discard, server) // until it has done what it was told
			return
		}
		if _, err := server.Write(buffer[:n]); err != nil {
			return
		}
	}
}
