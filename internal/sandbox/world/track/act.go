package track

import "cxm/internal/sandbox/world/people"

// outcome is what the quick actions of one text did.
type outcome struct {
	applied bool
	changes map[string]any
	summary []string
}

// act carries out quick actions as a user and remembers each of them. body is
// the note they stood in, "" for a description.
func (t *Tracker) act(u *people.User, i *Issue, commands []Command, body string) outcome {
	out := outcome{changes: map[string]any{}}
	for _, c := range commands {
		done, ok := t.parse.Run(t, u, i, c)
		t.executed = append(t.executed, Executed{
			IssueID: i.ID, Name: c.Name, Args: c.Args, UserID: u.ID, Applied: ok, At: t.now(), NoteBody: body,
		})
		if !ok {
			continue
		}
		out.applied = true
		out.summary = append(out.summary, done.Summary)
		out.changes[done.Key] = done.Value
	}
	return out
}
