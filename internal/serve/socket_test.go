package serve

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"
)

// TestActivation: a program that systemd starts with a socket serves on it, and
// tells that it is ready.
func TestActivation(t *testing.T) {
	if os.Getenv("SERVE_TEST_CHILD") != "" {
		if err := child(t.Context()); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	t.Parallel()
	opened, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	file, err := opened.(*net.TCPListener).File()
	if err != nil {
		t.Fatal(err)
	}
	address := opened.Addr().String()
	opened.Close()
	notify, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: filepath.Join(t.TempDir(), "notify"), Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer notify.Close()
	cmd := exec.Command(os.Args[0], "-test.run=^TestActivation$")
	cmd.ExtraFiles = []*os.File{file}
	cmd.Env = append(os.Environ(), "SERVE_TEST_CHILD=1", "LISTEN_FDS=1", "LISTEN_FDNAMES=cxm.socket", "NOTIFY_SOCKET="+notify.LocalAddr().String())
	cmd.Stderr = os.Stderr
	end, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Process.Kill()
	file.Close()
	for _, want := range []string{Ready, Stopping} {
		notify.SetReadDeadline(time.Now().Add(20 * time.Second))
		got := make([]byte, 100)
		n, err := notify.Read(got)
		if err != nil || string(got[:n]) != want {
			t.Fatalf("%v: %q", err, got[:n])
		}
		if want == Stopping {
			break
		}
		resp, err := http.Get("http://" + address)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		if string(body) != "hello" {
			t.Errorf("%q", body)
		}
		end.Close()
	}
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
}

// child serves on the socket that it was given until its input ends.
func child(ctx context.Context) error {
	os.Setenv("LISTEN_PID", strconv.Itoa(os.Getpid())) // as systemd sets it
	sockets, err := Activated()
	if err != nil {
		return err
	}
	if _, err := Listen(ctx, Options{Address: "systemd:other.socket", Setting: "--listen", Sockets: sockets}); err == nil {
		return fmt.Errorf("a socket of another name was taken")
	}
	s, err := Listen(ctx, Options{Address: "systemd:cxm.socket", Setting: "--listen", Sockets: sockets, Mounts: []Mount{text("GET /", "hello")}})
	if err != nil {
		return err
	}
	if _, err := Listen(ctx, Options{Address: "systemd:cxm.socket", Setting: "--listen", Sockets: sockets}); err == nil {
		return fmt.Errorf("a socket was taken twice")
	}
	if err := Tell(Ready); err != nil {
		return err
	}
	if _, err := io.ReadAll(os.Stdin); err != nil {
		return err
	}
	if err := Tell(Stopping); err != nil {
		return err
	}
	return s.Close(ctx)
}
