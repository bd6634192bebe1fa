package source

import (
	"cmp"
	"encoding/base64"
	"errors"
	"mime"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/shopspring/decimal"

	"cxm/internal/finding"
	"cxm/internal/money"
	"cxm/internal/source/record"
)

// What an event's type and data say.

// meaning is what an event's type says.
type meaning struct {
	base      string // the type without the segment that says how it stands
	detection finding.Detection
	finding   bool // data is a finding
}

// meaningOf reads a type. The segment that says how it stands is the last one,
// or the one before the version: com.example.disk.resolved.v1.
func meaningOf(typ string) (meaning, error) {
	segments := strings.Split(typ, ".")
	last := len(segments) - 1
	version := ""
	if last > 0 && isVersion(segments[last]) {
		version = segments[last]
		last--
	}
	m := meaning{base: typ, detection: finding.Present}
	if last == 0 {
		return m, nil
	}
	switch segments[last] {
	case "resolved", "closed":
		m.detection = finding.Absent
	case "observed", "opened", "reopened", "created", "detected", "raised", "triggered", "firing":
	default:
		return m, nil
	}
	m.finding = segments[last-1] == "finding" && (segments[last] == "observed" || segments[last] == "resolved")
	if m.finding && version != "v1" {
		return m, &finding.FieldError{Field: "type", Value: typ, Mend: "the type of a finding event ends in finding.observed.v1 or finding.resolved.v1"}
	}
	m.base = strings.Join(append(segments[:last:last], segments[last+1:]...), ".")
	return m, nil
}

// isVersion says whether a segment is v1, v2, …
func isVersion(segment string) bool {
	digits, ok := strings.CutPrefix(segment, "v")
	return ok && digits != "" && strings.Trim(digits, "0123456789") == ""
}

// received makes the finding of an event.
func (r *reader) received(e *envelope) (*finding.Finding, error) {
	m, err := meaningOf(e.typ)
	if err != nil {
		return nil, err
	}
	f := &finding.Finding{}
	if m.finding {
		err = r.observed(e, m, f)
	} else {
		err = e.custom(m, f)
	}
	f.Detection, f.SourceFindingID = m.detection, cmp.Or(f.SourceFindingID, e.id)
	f.SourceInstance = cmp.Or(r.o.Instance, f.SourceInstance, e.source)
	if f.SourceUpdatedAt.IsZero() {
		f.SourceUpdatedAt = e.time
	}
	return f, err
}

// about is the event's subject, "" without one.
func (e *envelope) about() string {
	if e.subject == nil {
		return ""
	}
	return *e.subject
}

// custom makes the finding of an event of the user's own. Members title or
// summary, description or message, severity and url of its data are shown when
// they are text; the rest of the data is not.
func (e *envelope) custom(m meaning, f *finding.Finding) error {
	text, err := e.texts()
	if err != nil {
		return err
	}
	*f = finding.Finding{
		FindingKey: finding.NewKey("ce", e.source, m.base, e.about()),
		Kind:       finding.Custom, FindingClass: finding.CustomEvent, SourceSystem: "cloudevents",
		SourceRuleID: m.base, SourceURL: link(text["url"]), ResourceID: e.about(),
		Title:       cmp.Or(record.OneLine(first(text, "title", "summary")), record.OneLine(e.typ+on(e.about()))),
		Description: first(text, "description", "message"), SeverityID: severityNamed(text["severity"]),
	}
	if f.ResourceID != "" {
		f.ResourceAliases = finding.Aliases(f.ResourceID)
	}
	return nil
}

// texts is the members of the data that are text, none when the data is not a
// JSON object.
func (e *envelope) texts() (map[string]string, error) {
	out := make(map[string]string)
	if !e.hasData || !e.isJSON() {
		return out, nil
	}
	d := record.Text("data", string(e.data))
	if d.Kind() != '{' {
		return out, nil
	}
	return out, d.Object(func(name string) error {
		if d.Kind() != '"' {
			return d.Skip()
		}
		var text string
		err := d.Text(&text)
		out[name] = text
		return err
	})
}

// isJSON says whether the data is JSON, which it is when nothing is said.
func (e *envelope) isJSON() bool {
	if e.contentType == nil {
		return true
	}
	media, _, err := mime.ParseMediaType(*e.contentType)
	return err == nil && (media == "application/json" || media == "text/json" || strings.HasSuffix(media, "+json"))
}

// carried is a finding as an event carries it. The fields behind it belong to
// the model too, but a Finding does not keep them: they may be there.
type carried struct {
	finding.Finding
	FormerKeys      []finding.Key // see finding.Finding: what a source that defines its keys anew sends along
	StatusID        int           `json:"StatusId"` // 4 is resolved (OCSF status_id)
	ServiceCategory jsontext.Value
	CostImpact      jsontext.Value
	CostImpactStart jsontext.Value
	CostImpactEnd   jsontext.Value
	Alternatives    jsontext.Value
	Code            jsontext.Value
	SnapshotID      jsontext.Value `json:"SnapshotId"`
	SnapshotScope   jsontext.Value
	RawDigest       jsontext.Value
}

// observed makes the finding of a finding event: its data, completed by what
// the envelope says.
func (r *reader) observed(e *envelope, m meaning, f *finding.Finding) error {
	var data carried
	if err := e.decode(m, &data); err != nil {
		return err
	}
	*f = data.Finding
	f.FormerKeys = data.FormerKeys
	if f.Detection != "" && f.Detection != m.detection || data.StatusID == 4 && m.detection == finding.Present {
		return &finding.FieldError{Field: "data/Detection", Value: string(f.Detection), Mend: "contradicts the event's type, which says " + string(m.detection)}
	}
	rule := cmp.Or(f.SourceRuleID, m.base)
	f.ResourceID = cmp.Or(f.ResourceID, e.about())
	if f.FindingKey == "" {
		f.FindingKey = finding.NewKey("ce", e.source, rule, cmp.Or(e.about(), f.ResourceID))
	}
	f.SourceRuleID, f.SourceSystem, f.Kind = rule, cmp.Or(f.SourceSystem, "cloudevents"), cmp.Or(f.Kind, kindFor(f))
	if f.SourceSystem == finding.OwnSystem && rule == finding.BacklogRule && !r.o.Own {
		return &finding.FieldError{Field: "data/SourceRuleId", Value: rule, Mend: "is what cxm itself tells of what waits: use another name"}
	}
	f.FindingClass = cmp.Or(f.FindingClass, classFor(f.Kind))
	if m.detection == finding.Absent {
		f.Title = cmp.Or(f.Title, record.OneLine(rule+on(f.ResourceID)))
	}
	if f.ResourceID != "" {
		f.ResourceAliases = finding.Aliases(f.ResourceID, f.ResourceAliases...)
	}
	return r.account(f)
}

// account completes and checks what a finding event says about money and links.
func (r *reader) account(f *finding.Finding) error {
	if f.SavingsBasis == "Unspecified" {
		f.SavingsBasis = ""
	}
	if err := r.money(f, f.BillingCurrency); err != nil {
		return &finding.FieldError{Field: "data/BillingCurrency", Value: f.BillingCurrency, Mend: "use an ISO 4217 code such as USD or EUR"}
	}
	if alt := f.EstimatedMonthlySavingsAlt; alt.Valid && alt.Decimal.IsNegative() {
		return &finding.FieldError{Field: "data/EstimatedMonthlySavingsAlt", Value: alt.Decimal.String(), Mend: "must not be negative"}
	}
	if f.SourceURL != "" && link(f.SourceURL) == "" {
		return &finding.FieldError{Field: "data/SourceUrl", Value: f.SourceURL, Mend: "must be a full http or https address"}
	}
	for i, address := range f.References {
		if link(address) == "" {
			return &finding.FieldError{Field: "data/References/" + strconv.Itoa(i), Value: address, Mend: "must be a full http or https address"}
		}
	}
	return nil
}

func kindFor(f *finding.Finding) finding.Kind {
	switch {
	case f.FindingClass == finding.SystemAlert || f.FindingClass == finding.PolicyViolation:
		return finding.System
	case f.FindingClass == finding.CostOptimization || f.EstimatedMonthlySavings.Valid:
		return finding.Cost
	}
	return finding.Custom
}

func classFor(k finding.Kind) finding.Class {
	switch k {
	case finding.Cost:
		return finding.CostOptimization
	case finding.System:
		return finding.SystemAlert
	}
	return finding.CustomEvent
}

// decode reads the data of a finding event. What resolves may come without.
func (e *envelope) decode(m meaning, to *carried) error {
	data := e.data
	switch {
	case e.hasCoded:
		decoded, err := base64.StdEncoding.DecodeString(e.coded)
		if err != nil {
			return &finding.FieldError{Field: "data_base64", Value: e.coded, Mend: "is not base64"}
		}
		data = decoded
	case !e.hasData && m.detection == finding.Absent:
		return nil
	case !e.hasData:
		return &finding.FieldError{Field: "data", Mend: "missing: an observed finding says what it is"}
	}
	if !e.isJSON() {
		return &finding.FieldError{Field: "datacontenttype", Value: *e.contentType, Mend: "the data of a finding event is JSON"}
	}
	return unmarshal(data, to)
}

// unmarshal reads a finding strictly: names it does not know, numbers that lose
// digits and NUL characters are errors of their field.
func unmarshal(data []byte, to *carried) error {
	exact := json.JoinUnmarshalers(json.UnmarshalFromFunc(readAmount), json.UnmarshalFromFunc(readTime), json.UnmarshalFromFunc(readText),
		json.UnmarshalFromFunc(func(d *jsontext.Decoder, to *finding.Class) error { return readText(d, (*string)(to)) }))
	err := json.Unmarshal(data, to, json.RejectUnknownMembers(true), json.WithUnmarshalers(exact))
	var semantic *json.SemanticError
	switch {
	case !errors.As(err, &semantic):
		return err
	case errors.Is(err, json.ErrUnknownName):
		name := semantic.JSONPointer.LastToken()
		return &finding.FieldError{Field: "data" + string(semantic.JSONPointer), Mend: "is not a field of a finding" + record.Suggest(name, fieldNames())}
	case semantic.Err != nil:
		return &finding.FieldError{Field: "data" + string(semantic.JSONPointer), Value: string(semantic.JSONValue), Mend: semantic.Err.Error()}
	}
	return &finding.FieldError{Field: "data" + string(semantic.JSONPointer), Value: string(semantic.JSONValue), Mend: "is of the wrong type: the field is " + typeName(semantic.GoType)}
}

// readAmount reads an exact decimal written as text or as a number.
func readAmount(d *jsontext.Decoder, to *decimal.NullDecimal) error {
	token, err := d.ReadToken()
	if err != nil || token.Kind() == 'n' {
		*to = money.Unknown()
		return err
	}
	if token.Kind() != '"' && token.Kind() != '0' {
		return errors.New("must be a decimal such as \"43.08\", or null when unknown")
	}
	value, err := money.Parse(token.String())
	*to = money.Known(value)
	return err
}

func readTime(d *jsontext.Decoder, to *time.Time) error {
	token, err := d.ReadToken()
	if err != nil || token.Kind() == 'n' {
		return err
	}
	if token.Kind() != '"' {
		return errors.New("must be a time such as \"2026-01-31T12:00:00Z\"")
	}
	*to, err = record.Time(token.String())
	return err
}

func readText(d *jsontext.Decoder, to *string) error {
	token, err := d.ReadToken()
	switch {
	case err != nil || token.Kind() == 'n':
		return err
	case token.Kind() != '"':
		return errors.New("must be text")
	}
	*to = token.String()
	if strings.ContainsRune(*to, 0) {
		return errors.New("holds a NUL character: take it out")
	}
	return nil
}

// fieldNames lists the names a finding's fields have in JSON.
func fieldNames() []string {
	var names []string
	for _, t := range [...]reflect.Type{reflect.TypeFor[finding.Finding](), reflect.TypeFor[carried]()} {
		for field := range t.Fields() {
			if !field.Anonymous {
				name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
				names = append(names, strings.TrimPrefix(cmp.Or(name, field.Name), "-"))
			}
		}
	}
	return names
}

// typeName is a Go type for a person.
func typeName(t reflect.Type) string {
	switch {
	case t == nil:
		return "another"
	case t.Kind() == reflect.String:
		return "text"
	case t.Kind() == reflect.Bool:
		return "true or false"
	case t.Kind() == reflect.Slice:
		return "a list"
	case t.Kind() == reflect.Struct || t.Kind() == reflect.Map:
		return "an object"
	}
	return "a whole number"
}
