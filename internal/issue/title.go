package issue

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"cxm/internal/finding"
	"cxm/internal/issue/inert"
	"cxm/internal/money"
)

// title is the action, the resource and the money: "Upgrade EBS volume
// vol-0123 from gp2 to gp3 – saves 43.08 USD/month". What is too long is cut
// in front of the money.
func (v view) title() string {
	text := inert.Title(v.lead.Title)
	if text == "" {
		text = "Untitled " + nameOf(v.lead.Kind)
	}
	if name := shortName(v.lead); name != "" && !mentions(v.lead, name) {
		text += " (" + inert.Title(name) + ")"
	}
	suffix := ""
	if v.savings.Valid && v.savings.Decimal.IsPositive() {
		suffix = " – saves " + money.Show(v.savings.Decimal, v.currency) + "/month"
	}
	return ellipsis(text, maxTitle-utf8.RuneCountInString(suffix)) + suffix
}

// nameOf is what a kind of finding is called.
func nameOf(kind finding.Kind) string {
	switch kind {
	case finding.Cost:
		return "cost opportunity"
	case finding.System:
		return "system issue"
	}
	return "event"
}

// shortName is what people call the resource: its name, else the last part of
// its id.
func shortName(f *finding.Finding) string {
	if name := inert.Prose(f.ResourceName); name != "" {
		name, _ = inert.Cut(name, 80)
		return name
	}
	name, _ := inert.Cut(lastPart(inert.Prose(f.ResourceID)), 80)
	return name
}

// lastPart is what an id ends in after its last slash, or colon in an ARN; the
// id itself when that is nothing.
func lastPart(id string) string {
	part := id[strings.LastIndexByte(id, '/')+1:]
	if strings.HasPrefix(part, "arn:") {
		part = part[strings.LastIndexByte(part, ':')+1:]
	}
	if part == "" {
		return id
	}
	return part
}

// mentions says that the title names the resource already, by its name or id.
func mentions(f *finding.Finding, name string) bool {
	title := strings.ToLower(inert.Prose(f.Title))
	id := strings.ToLower(lastPart(inert.Prose(f.ResourceID)))
	return strings.Contains(title, strings.ToLower(name)) || id != "" && strings.Contains(title, id)
}

// ellipsis cuts text to at most limit characters (code points, as GitLab
// counts), at a whole letter as people see it where that is near.
func ellipsis(text string, limit int) string {
	if utf8.RuneCountInString(text) <= limit {
		return text
	}
	runes := []rune(text)
	end := limit - 1
	for back := 0; back < 12 && end > 1 && (attaches(runes[end]) || attaches(runes[end-1]) && runes[end-1] == 0x200d); back++ {
		end--
	}
	return strings.TrimRight(string(runes[:end]), " "+inert.Joiner) + "…"
}

// attaches says that r belongs to the letter before it.
func attaches(r rune) bool {
	return unicode.In(r, unicode.M, unicode.Variation_Selector) || r == 0x200c || r == 0x200d || 0x1f3fb <= r && r <= 0x1f3ff
}
