package shell

import "fmt"

// ExitCode is an error that ends the program with a code when everything has been
// said: nothing is printed for it.
type ExitCode int

// Error names the code; nobody sees it.
func (c ExitCode) Error() string { return fmt.Sprintf("exit code %d", int(c)) }
