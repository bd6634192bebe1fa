package shell

import (
	"errors"
	"io"
	"strings"

	"github.com/spf13/cobra"
)

// ReadPassword asks for a new password twice, without showing it; where nobody is
// there to answer it is the line on standard input.
func ReadPassword(cmd *cobra.Command) (string, error) {
	ask := AskerOf(cmd)
	if ask == nil {
		text, err := io.ReadAll(io.LimitReader(cmd.InOrStdin(), TokenLimit))
		line := strings.TrimRight(string(text), "\r\n")
		switch {
		case err != nil:
			return "", err
		case line == "":
			return "", errors.New("no password: write it to standard input, or run the command in a terminal")
		case strings.ContainsAny(line, "\r\n"):
			return "", errors.New("standard input has several lines: write the password alone on one line")
		}
		return line, nil
	}
	first, err := ask.secret("New password (not shown): ")
	if err != nil {
		return "", err
	}
	again, err := ask.secret("The same again: ")
	if err == nil && first != again {
		err = errors.New("the two are not the same: nothing was changed; run the same again")
	}
	return first, err
}
