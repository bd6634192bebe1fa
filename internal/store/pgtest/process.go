package pgtest

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// How PostgreSQL is told to end.
const (
	fast      = syscall.SIGINT
	immediate = syscall.SIGQUIT
)

// prefix begins the names of servers' folders; owner is the file in each that
// holds the id of the process it belongs to.
const (
	prefix = "cxm-pgtest-"
	owner  = "owner"
)

// child is the server's process.
type child struct {
	process *os.Process
	log     string
	ended   chan struct{}
}

// launch starts a process that gets a signal when this one dies. The system
// sends it when the thread that started it ends, so that thread is kept.
func launch(cmd *exec.Cmd, log string) (*child, error) {
	out, err := os.OpenFile(log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	cmd.Stdout, cmd.Stderr = out, out
	confine(cmd)
	c := &child{log: log, ended: make(chan struct{})}
	started := make(chan error)
	go func() {
		runtime.LockOSThread()
		defer out.Close()
		err := cmd.Start()
		c.process = cmd.Process
		started <- err
		if err == nil {
			_ = cmd.Wait() // how it ended is in its log
			close(c.ended)
		}
	}()
	return c, <-started
}

func (c *child) signal(s os.Signal) { _ = c.process.Signal(s) } // it may have ended

// said is the end of the server's log.
func (c *child) said() string {
	text, err := os.ReadFile(c.log)
	if err != nil {
		return err.Error()
	}
	return string(text[max(0, len(text)-2000):])
}

// binaries is the folder that holds the server, the newest when there are several.
func binaries() (string, error) {
	var folders []string
	if found, err := exec.LookPath("initdb"); err == nil {
		if file, err := filepath.EvalSymlinks(found); err == nil {
			folders = append(folders, filepath.Dir(file))
		}
	}
	if out, err := exec.Command("pg_config", "--bindir").Output(); err == nil { //nolint:noctx // it prints a line
		folders = append(folders, strings.TrimSpace(string(out)))
	}
	installed, err := filepath.Glob("/usr/lib/postgresql/*/bin")
	if err != nil {
		return "", err
	}
	slices.SortFunc(installed, func(a, b string) int { return major(b) - major(a) })
	for _, folder := range append(folders, installed...) {
		if executable(filepath.Join(folder, "initdb")) && executable(filepath.Join(folder, "postgres")) {
			return folder, nil
		}
	}
	return "", ErrAbsent
}

// major is the version in a path such as /usr/lib/postgresql/15/bin.
func major(folder string) int {
	n, _ := strconv.Atoi(filepath.Base(filepath.Dir(folder)))
	return n
}

func executable(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular() && info.Mode().Perm()&0o111 != 0
}

// sweep removes the folders of servers whose process was killed before it could.
func sweep(temp string) {
	files, _ := filepath.Glob(filepath.Join(temp, prefix+"*", owner))
	for _, file := range files {
		text, err := os.ReadFile(file)
		pid, bad := strconv.Atoi(string(text))
		if err == nil && bad == nil && !alive(pid) {
			_ = os.RemoveAll(filepath.Dir(file)) // it may be another user's
		}
	}
}
