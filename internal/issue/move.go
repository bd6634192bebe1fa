package issue

import (
	"slices"
	"time"
)

// Move is the change of an issue's project that is under way, in doubt, or was
// refused. The zero value: none.
type Move struct {
	To      int64     // the project; 0: none
	At      time.Time // when it was last sent, or refused; cxm's clock
	Refused string    // why the tracker refused it; empty: its end is not known
}

// InDoubt says that the move may have been carried out.
func (m Move) InDoubt() bool { return m.To != 0 && m.Refused == "" }

// Returns is how often something new was heard about a group whose issue a
// person had closed. It is shown when the issue is written to next, and is never
// a reason to write to it.
type Returns struct {
	Times int
	Last  string // names what was heard last; empty: nothing yet
}

// Moved is t after it was found in another project, as o. Ours says that cxm
// moved it: where it was to go is then where the rules have it from now on. GitLab
// rewrites references in the text and drops labels that the project does not have,
// which must not look like a person editing: a block that was as cxm had left it
// counts as written as it is now, and labels that were lost as never written. When
// a person moved it, what came along is what they have.
func (t Tracked) Moved(o Observed, ours bool) Tracked {
	if ours {
		if t.Move.To == o.ProjectID {
			t.Routed = o.ProjectID
		}
		was, _ := Own(t.Observed.Description, t.Nonce)
		if is, ok := Own(o.Description, t.Nonce); ok && was.Text == t.Written.Block {
			t.Written.Block = is.Text
		}
		t.Written.Labels = slices.DeleteFunc(slices.Clone(t.Written.Labels), func(label string) bool {
			return slices.Contains(t.Observed.Labels, label) && !slices.Contains(o.Labels, label)
		})
	}
	t.Move, t.Pending = Move{}, ""
	return t.Seen(o)
}

// Unmoved is t after a move was refused for a reason, or, where why is empty,
// proved never carried out.
func (t Tracked) Unmoved(why string, at time.Time) Tracked {
	t.Move.At, t.Move.Refused = at, why
	if why == "" {
		t.Move = Move{}
	}
	return t
}

// Moving is t while its move to a project is sent.
func (t Tracked) Moving(to int64, at time.Time) Tracked {
	t.Move = Move{To: to, At: at}
	return t
}
