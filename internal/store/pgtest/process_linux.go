package pgtest

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"strconv"
	"syscall"
)

// confine has a process get a signal when this one dies, and run as an
// unprivileged user when this one is root: PostgreSQL refuses to be root.
func confine(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: immediate}
	if uid, gid, err := unprivileged(); err == nil && os.Geteuid() == 0 {
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: uid, Gid: gid}
	}
}

// handOver gives files to the user that the server runs as.
func handOver(paths ...string) error {
	if os.Geteuid() != 0 {
		return nil
	}
	uid, gid, err := unprivileged()
	if err != nil {
		return err
	}
	for _, path := range paths {
		if err := os.Chown(path, int(uid), int(gid)); err != nil {
			return err
		}
	}
	return nil
}

// unprivileged is the user that the server runs as instead of root.
func unprivileged() (uid, gid uint32, err error) {
	for _, name := range []string{"postgres", "nobody"} {
		found, unknown := user.Lookup(name)
		if unknown != nil {
			err = errors.Join(err, unknown)
			continue
		}
		u, bad := strconv.ParseUint(found.Uid, 10, 32)
		g, worse := strconv.ParseUint(found.Gid, 10, 32)
		if bad == nil && worse == nil {
			return uint32(u), uint32(g), nil
		}
	}
	return 0, 0, fmt.Errorf("there is no unprivileged user for PostgreSQL to run as: %w", err)
}

func alive(pid int) bool { return !errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) }
