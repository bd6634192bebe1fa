package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"unsafe"
)

// pseudo is a pseudo-terminal: what a person sees and types at, and the file that
// a program has for it.
func pseudo(t *testing.T) (person, program *os.File) {
	t.Helper()
	person, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatalf("this machine gives no pseudo-terminal, which the scripts need too: mount devpts: %v", err)
	}
	t.Cleanup(func() { person.Close() })
	var number, unlock int32
	for request, value := range map[uintptr]*int32{syscall.TIOCGPTN: &number, syscall.TIOCSPTLCK: &unlock} {
		if _, _, errno := syscall.Syscall(syscall.SYS_IOCTL, person.Fd(), request, uintptr(unsafe.Pointer(value))); errno != 0 {
			t.Fatalf("this machine gives no pseudo-terminal, which the scripts need too: mount devpts: %v", errno)
		}
	}
	if program, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|syscall.O_NOCTTY, 0); err != nil {
		t.Fatalf("this machine gives no pseudo-terminal, which the scripts need too: mount devpts: %v", err)
	}
	return person, program
}

// A token is not shown, however fast it is typed once cxm asks for it.
func TestTypedTokenIsNotShown(t *testing.T) {
	const token = "some-token-typed-at-once"
	for range 5 {
		person, program := pseudo(t)
		cmd := exec.CommandContext(t.Context(), "cxm", "connect", "gitlab", "--url", "http://127.0.0.1:1", "--project", "acme/platform")
		cmd.Env = append(os.Environ(), "CXM_GITLAB_TOKEN=", "CXM_DATA_DIR="+t.TempDir())
		cmd.Stdin, cmd.Stdout, cmd.Stderr = program, program, program
		cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		program.Close()
		var seen bytes.Buffer
		asked := false
		for buf := make([]byte, 4096); ; {
			n, err := person.Read(buf)
			seen.Write(buf[:n])
			if !asked && strings.Contains(seen.String(), "(not shown): ") {
				asked = true
				fmt.Fprintln(person, token)
			}
			if err != nil { // the program has gone
				break
			}
		}
		if err := cmd.Wait(); err == nil {
			t.Error("it connected to nothing")
		}
		if !asked || strings.Contains(seen.String(), token) || !strings.Contains(seen.String(), "refused") {
			t.Errorf("the person saw:\n%s", seen.String())
		}
	}
}
