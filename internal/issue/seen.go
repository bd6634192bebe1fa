package issue

import "slices"

// Seen is what to remember of t after the tracker showed o. A state that
// differs from the one cxm wrote was chosen by a person (or by another tool
// acting for one), and is remembered as an override until cxm writes again; the
// state of a change whose answer was lost is cxm's own.
func (t Tracked) Seen(o Observed) Tracked {
	if t.Pending != "" && o.State == t.Pending {
		t.Written.State, t.Override = o.State, ""
	}
	t.Pending = ""
	if o.State != t.wanted() {
		t.Override = o.State
	}
	if o.State == t.Written.State {
		t.Override = ""
	}
	if t.Phase == Intended || t.Phase == InDoubt || t.Phase == Lost {
		t.Phase = Live
	}
	t.Observed, t.Missing, t.Trouble = o, 0, ""
	return t
}

// wanted is the state the issue was last known to be put in.
func (t Tracked) wanted() State {
	if t.Override != "" {
		return t.Override
	}
	return t.Written.State
}

// Wrote is what to remember of t after cxm wrote d with the status and the
// tracker answered o; titled says that the write carried the title. The block
// is remembered as the tracker returned it, so that a tracker which normalises
// text does not look like a person editing, and a title that people chose is
// never taken for cxm's own. A write counts as a repeat when the block had been
// changed since the last one (ticks apart), not when cxm itself has news, such as
// an amount.
func (t Tracked) Wrote(d Desired, status string, titled bool, o Observed) Tracked {
	title, repeats := t.Written.Title, 0
	if titled {
		title = o.Title
	}
	if before, _ := Own(t.Observed.Description, t.Nonce); t.Phase == Live && d.Digest == t.Written.Digest && o.State == t.Written.State && Unticked(before.Text) != Unticked(t.Written.Block) {
		repeats = t.Written.Repeats + 1
	}
	t.Gave = t.giving(d, o)
	t.Team, t.Written = d.Team, d.writing(status, o.State)
	t.Written.Title, t.Written.Repeats, t.Written.At = title, repeats, o.UpdatedAt
	block, _ := Own(o.Description, t.Nonce)
	t.Written.Block = block.Text
	if t.Phase != Duplicate {
		t.Phase = Live
	}
	t.Observed, t.Override, t.Pending, t.Missing, t.Trouble, t.Returns = o, "", "", 0, "", Returns{}
	return t
}

// Undid is what to remember of t after a person had cxm bring back what the issue
// said before: the state and the text count as chosen by people, so that no plan
// writes again what was undone until the finding says something else. Status is
// the one that stands in the block now; titled says that the write carried the
// title, added which labels it put back.
func (t Tracked) Undid(status string, titled bool, added []string, o Observed) Tracked {
	block, _ := Own(o.Description, t.Nonce)
	t.Written.Block, t.Written.Status, t.Written.At = block.Text, status, o.UpdatedAt
	if titled {
		t.Written.Title = o.Title
	}
	for _, label := range added {
		if !slices.Contains(t.Written.Labels, label) {
			t.Written.Labels = append(slices.Clone(t.Written.Labels), label)
		}
	}
	t.Override = ""
	if o.State != t.Written.State {
		t.Override = o.State
	}
	t.Observed, t.Pending, t.Missing, t.Trouble = o, "", 0, ""
	return t
}

// Intend is the issue that a create of d is about to make. What will have been
// written is remembered before the create is sent, so that an issue found after
// a lost answer is known as well as one that was answered.
func Intend(integration, project int64, nonce string, d Desired, status string) Tracked {
	t := Tracked{Integration: integration, Group: d.Group, Team: d.Team, Nonce: nonce, Phase: Intended, Gave: Gave{Owner: d.Owner}, Written: d.writing(status, Opened)}
	t.Written.Title = d.Title
	t.Observed.ProjectID = project
	if t.Routed = d.Route.Project; t.Routed == 0 {
		t.Routed = project
	}
	return t
}

// Adopt is t after its lost create was found to have been carried out as o.
func (t Tracked) Adopt(o Observed) Tracked {
	block, _ := Own(o.Description, t.Nonce)
	t.Written.Block, t.Written.At = block.Text, o.UpdatedAt
	if t.Phase != Live { // else nobody remembers what it was given
		t.Gave.Known, t.Gave.Assignees = true, assigned(o)
	}
	return t.Seen(o)
}

func (d Desired) writing(status string, state State) Written {
	return Written{Labels: d.Labels, State: state, Digest: d.Digest, Savings: d.Savings, Currency: d.Currency, Severity: d.Severity, Status: status}
}
