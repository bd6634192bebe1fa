package shell

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/user"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"
)

// PrintJSON writes a value for programs: indented, one document.
func PrintJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}

// OneLine shows foreign text on a terminal: one line, control characters as
// they would be typed in Go.
func OneLine(text string) string {
	quoted, _ := json.Marshal(text)
	return strings.NewReplacer(`\"`, `"`, `\\`, `\`, `\u003c`, `<`, `\u003e`, `>`, `\u0026`, `&`).Replace(string(quoted[1 : len(quoted)-1]))
}

// Terminal says whether a person sits at the stream. What is no file has none.
func Terminal(stream any) bool {
	f, ok := stream.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// Logger writes what happens while nobody watches, from the level least on.
func Logger(w io.Writer, least slog.Level) *slog.Logger {
	return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: least}))
}

// Who is as, or when that is empty the person at the keyboard.
func Who(as string) string {
	if as != "" {
		return as
	}
	if u, err := user.Current(); err == nil {
		return u.Username
	}
	return "unknown"
}

// Confirm asks the person, unless they said yes beforehand; cannot is the error
// when nobody is there to answer. False: they did not agree, and were told that
// nothing was done.
func (o *Options) Confirm(cmd *cobra.Command, yes bool, cannot string) (bool, error) {
	switch {
	case yes:
		return true, nil
	case o.JSON() || !Terminal(cmd.InOrStdin()):
		return false, errors.New(cannot)
	}
	fmt.Fprint(cmd.OutOrStdout(), "\nCarry this out? Only \"yes\" does it: ")
	var answer string
	if _, err := fmt.Fscanln(os.Stdin, &answer); err != nil && !errors.Is(err, io.EOF) && answer == "" {
		answer = "no"
	}
	if strings.EqualFold(answer, "yes") {
		return true, nil
	}
	fmt.Fprintln(cmd.OutOrStdout(), "Nothing was done.")
	return false, nil
}
