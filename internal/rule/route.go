package rule

import "fmt"

// OnChange says what happens to an issue whose route changed after it was made.
type OnChange string

// What may happen. The empty one is Move.
const (
	Move         OnChange = "move"           // GitLab moves it: comments and people's text go along
	CloseAndLink OnChange = "close-and-link" // it is closed, and a new one that names it is made
	Stay         OnChange = "stay"           // it stays where it is; only new issues go the new way
)

// ParseOnChange reads what a person set; empty is Move.
func ParseOnChange(text string) (OnChange, error) {
	switch c := OnChange(text); c {
	case "":
		return Move, nil
	case Move, CloseAndLink, Stay:
		return c, nil
	}
	return "", fmt.Errorf("%.40q is nothing that can happen to an issue whose route changes: use %s, %s or %s", text, Move, CloseAndLink, Stay)
}

// Route is where the issue of a group belongs.
type Route struct {
	Project int64  // by its number; 0: not said, and then an issue is right wherever it is
	Path    string // of the project, for people; empty: not known
	Reason  string // for people
}

// Route decides where the issue of a group belongs. Home is the integration's
// project; with the built-in rules everything goes there.
func (Set) Route(_ Group, home Route) Route { return home }
