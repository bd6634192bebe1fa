package shell

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"
)

// TokenLimit is how many bytes are read of a token: far beyond any, so that what is
// longer is the wrong file.
const TokenLimit = 64 << 10

// ReadToken takes the token from the file, else from the environment, else from
// standard input, asking for it without echo on a terminal. file - is standard input, whatever the
// environment says. The text is as it was given: app.CleanToken looks at it.
func ReadToken(cmd *cobra.Command, file string) (string, error) {
	ask := AskerOf(cmd)
	switch env := os.Getenv("CXM_GITLAB_TOKEN"); {
	case file == "-":
	case file != "":
		return ReadTokenFile(file)
	case env != "":
		return env, nil
	case ask != nil:
		return ask.secret("Personal Access Token (not shown): ")
	}
	text, err := io.ReadAll(io.LimitReader(cmd.InOrStdin(), TokenLimit))
	if err == nil && strings.TrimSpace(string(text)) == "" {
		err = errors.New("no token: give --token-file FILE, set CXM_GITLAB_TOKEN, or write it to standard input")
	}
	return string(text), err
}

// ReadTokenFile takes a token, or another secret, from a file, as it is there.
func ReadTokenFile(file string) (string, error) {
	f, err := os.Open(file)
	if err != nil {
		return "", fmt.Errorf("reading the token: %w", err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, TokenLimit))
	return string(text), err
}
