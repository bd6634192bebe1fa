package ui

// Form is fields that are sent together. A form that changes something is sent
// by POST; one that looks for something by GET.
type Form struct {
	ID     string // begins the ids of its fields; unique on its page
	Action string
	Get    bool
	Fields []Field
	Submit string
	Danger bool // Submit takes something away
	Cancel string
	Error  string // about the form as a whole; empty: none
}

// Field is one input with its label.
type Field struct {
	Form         string // the ID of its form, which Ready fills in
	Name         string
	Label        string
	Type         string // text, email, password, url, search, select, checkbox, textarea or hidden; empty: text
	Value        string
	Hint         string
	Error        string // what is wrong with it and how to mend it; empty: nothing
	Required     bool
	Autocomplete string
	Options      []Option // of a select
	Combobox     bool     // a select with a search, where scripts run
	Source       string   // address that a Combobox asks for the options that match what is typed: ?q= and ?within=; empty: it has them all
	Within       string   // name of the field in the same form whose value is within; empty: none
	Checked      bool
	Focus        bool // it has the focus when the page opens
}

// Option is one of the choices of a select.
type Option struct {
	Value, Text string
	Selected    bool
	Disabled    bool // shown, and why it cannot be chosen is part of Text
}

// Ready is the form with what its fields need to know of it. When something is
// wrong, the focus goes to the summary of the errors.
func (f Form) Ready() Form {
	fields := make([]Field, len(f.Fields))
	for i, field := range f.Fields {
		field.Form = f.ID
		field.Focus = field.Focus && !f.Wrong()
		fields[i] = field
	}
	f.Fields = fields
	return f
}

// Wrong says whether anything has to be mended before the form is taken.
func (f Form) Wrong() bool { return f.Error != "" || len(f.Faults()) > 0 }

// Faults are the fields that have to be mended.
func (f Form) Faults() []Field {
	var out []Field
	for _, field := range f.Fields {
		if field.Form = f.ID; field.Error != "" {
			out = append(out, field)
		}
	}
	return out
}

// ID is the field's id on its page.
func (f Field) ID() string { return f.Form + "-" + f.Name }

// Kind is the type of its input.
func (f Field) Kind() string {
	if f.Type == "" {
		return "text"
	}
	return f.Type
}

// Describes lists the ids of what says more about the field; empty: nothing does.
func (f Field) Describes() string {
	var out string
	if f.Hint != "" {
		out = f.ID() + "-hint"
	}
	if f.Error != "" {
		if out != "" {
			out += " "
		}
		out += f.ID() + "-error"
	}
	return out
}
