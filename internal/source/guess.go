package source

import (
	"bytes"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"cxm/internal/source/record"
)

// guess tells from the beginning of a file which format it is, "" when it is
// none or not certain. It looks at the names of the members of the first value
// and of the first record in it.
func guess(f *record.File) Type {
	if f.Form == record.Table {
		header, _, _ := bytes.Cut(f.Head, []byte{'\n'})
		if strings.Contains(string(header), "recommendation_id") && strings.Contains(string(header), "account_id") {
			return CostOptimizationHub
		}
		return ""
	}
	names := make(map[string]bool)
	collect(f.Head, names, "")
	switch has := func(name string) bool { return names[name] }; {
	case has("specversion") && (has("type") || has("source") || has("id")):
		return CloudEvents
	case has("alerts") && (has("receiver") || has("groupKey") || has("groupLabels") || has("externalURL") || has("alerts/labels") && has("alerts/startsAt")):
		return Alertmanager
	case has("items/recommendationId") || has("items/currentResourceType"):
		return CostOptimizationHub
	}
	return ""
}

// collect gathers the names of members, those of a list's first element behind
// the list's name. It ends at the first fault: the head may end anywhere.
func collect(head []byte, names map[string]bool, prefix string) {
	d := jsontext.NewDecoder(bytes.NewBuffer(head), jsontext.AllowDuplicateNames(true))
	if d.PeekKind() == '[' {
		_, _ = d.ReadToken()
	}
	if d.PeekKind() != '{' {
		return
	}
	_, _ = d.ReadToken()
	for d.PeekKind() == '"' {
		token, err := d.ReadToken()
		if err != nil {
			return
		}
		name := prefix + token.String()
		names[name] = true
		if d.PeekKind() == '[' && prefix == "" {
			collect(bytes.TrimLeft(head[d.InputOffset():], " \t\r\n:"), names, name+"/")
		}
		if d.SkipValue() != nil {
			return
		}
	}
}
