package plan

import "fmt"

// shelved says what people decided about a group of which all is set aside.
func (d *decider) shelved() string {
	text := "people set it aside, " + d.Group.Aside[0].Decided.Says()
	if n := len(d.Group.Aside) - 1; n > 0 {
		text += fmt.Sprintf(" (and %d more finding%s)", n, s(n))
	}
	return text
}

// timed has the group looked at again where the clock alone brings back what is set
// aside.
func (d *decider) timed(s Step) Step {
	if _, ends := d.Group.Until(); ends {
		s.Later = true
	}
	return s
}
