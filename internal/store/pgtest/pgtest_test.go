package pgtest_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"cxm/internal/store/pgtest"
)

func query(t *testing.T, url, statement string) (string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return "", err
	}
	defer conn.Close(ctx)
	var got string
	err = conn.QueryRow(ctx, statement).Scan(&got)
	return got, err
}

func execute(t *testing.T, url, statement string) error {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		return err
	}
	defer conn.Close(t.Context())
	_, err = conn.Exec(t.Context(), statement)
	return err
}

func want(t *testing.T, url, statement, value string) {
	t.Helper()
	if got, err := query(t, url, statement); err != nil || got != value {
		t.Errorf("%s gave %q, not %q (%v)", statement, got, value, err)
	}
}

// TestPassword: the server asks for it, and takes no other, also after it began anew.
func TestPassword(t *testing.T) {
	s := pgtest.New(t)
	right := s.Database(t)
	wrong, err := url.Parse(right)
	if err != nil {
		t.Fatal(err)
	}
	wrong.User = url.UserPassword(wrong.User.Username(), "another")
	for _, when := range []string{"at first", "later"} {
		want(t, right, "select 'in'", "in")
		if _, err := query(t, wrong.String(), "select 'in'"); err == nil || !strings.Contains(err.Error(), "password") {
			t.Errorf("%s, with another password: %v", when, err)
		}
		if err := errors.Join(s.Stop(), s.Restart()); err != nil {
			t.Fatal(err)
		}
	}
}

func TestServer(t *testing.T) {
	s := pgtest.New(t)
	first, second := s.Database(t), s.Database(t)
	want(t, first, "select 'first'", "first")
	if err := execute(t, first, "create table kept as select cast('here' as text) as x"); err != nil {
		t.Fatal(err)
	}
	want(t, second, "select cast(count(*) as text) from pg_tables where tablename = 'kept'", "0")
	want(t, s.Clone(t, first), "select x from kept", "here")
	for name, end := range map[string]func() error{"stopped": s.Stop, "killed": s.Kill} {
		if err := end(); err != nil {
			t.Fatal(err)
		}
		if _, err := query(t, first, "select 'x'"); err == nil {
			t.Errorf("a server that was %s answers", name)
		}
		if err := s.Restart(); err != nil {
			t.Fatal(err)
		}
		want(t, first, "select x from kept", "here")
	}
}

// TestServerEndsWithItsProcess kills a process that started a server.
func TestServerEndsWithItsProcess(t *testing.T) {
	if os.Getenv("CXM_TEST_DIE") != "" {
		fmt.Println("url", pgtest.New(t).Database(t))
		select {}
	}
	pgtest.New(t) // skips where there is none
	child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestServerEndsWithItsProcess$", "-test.count=1")
	child.Env = append(os.Environ(), "CXM_TEST_DIE=yes")
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	url, lines := "", bufio.NewScanner(out)
	for url == "" && lines.Scan() {
		_, url, _ = strings.Cut(lines.Text(), "url ")
	}
	want(t, url, "select 'alive'", "alive")
	if err := child.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = child.Wait()
	for deadline := time.Now().Add(30 * time.Second); ; {
		if _, err := query(t, url, "select 'alive'"); err != nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("the server outlives the process that started it")
		}
	}
}
