package issue

import (
	"maps"
	"slices"
	"strings"
	"time"

	"cxm/internal/finding"
	"cxm/internal/issue/template"
)

// data is what a template is told of a group.
func (v view) data() *template.View {
	left := max(0, len(v.claims)-template.MaxMembers)
	d := &template.View{
		Claim: claimData(v.lead), Headline: v.headline(), Group: v.group.Short(), Rule: v.as.Rule, Team: v.as.Team, Gone: v.gone, Severity: v.severityShown(),
		Savings: template.NewMoney(v.savings, v.currency, v.atLeast() != ""), Owner: v.ownerData(), MembersLeft: left, Parts: v.parts(),
	}
	for _, m := range v.claims[:len(v.claims)-left] {
		d.Members = append(d.Members, claimData(&m.Finding))
	}
	v.worth(d)
	v.sourcesData(d)
	v.resourcesData(d)
	return d
}

// worth adds the saving per currency.
func (v view) worth(d *template.View) {
	for _, currency := range slices.Sorted(maps.Keys(v.totals)) {
		known := v.savings
		known.Decimal, known.Valid = v.totals[currency], true
		d.Totals = append(d.Totals, template.NewMoney(known, currency, v.atLeast() != ""))
	}
}

func (v view) ownerData() template.Owner {
	if o := v.as.Owner; !o.zero() {
		return template.Owner{Name: o.Name, Why: o.Why, Confidence: o.Confidence, Others: o.Others}
	}
	for i := range v.claims {
		if owner, tag := ownerOf(v.claims[i].Finding.Tags); owner != "" {
			return template.Owner{Name: owner, Why: "from the tag " + tag}
		}
	}
	return template.Owner{}
}

// sourcesData adds who reports it and where there is more to read, each once.
func (v view) sourcesData(d *template.View) {
	link := func(words, url string) {
		one := template.Link{Words: words, URL: strings.TrimSpace(url)}
		if one.URL != "" && !slices.Contains(d.Links, one) && len(d.Links) < maxListed {
			d.Links = append(d.Links, one)
		}
	}
	for i := range v.claims {
		f := &v.claims[i].Finding
		if name := plainSource(f.SourceSystem); !slices.Contains(d.Sources, name) && len(d.Sources) < maxListed {
			d.Sources = append(d.Sources, name)
		}
		link("See it in "+plainSource(f.SourceSystem), f.SourceURL)
	}
	for i := range v.claims {
		for _, reference := range v.claims[i].Finding.References {
			link("Read more", reference)
		}
	}
	slices.Sort(d.Sources)
}

// resourcesData adds a line for each resource, as a checklist has it.
func (v view) resourcesData(d *template.View) {
	d.ResourceCount, d.ResourcesLeft = v.left(), max(0, len(v.list)-template.MaxMembers)
	for _, i := range v.list[:len(v.list)-d.ResourcesLeft] {
		d.Resources = append(d.Resources, template.Resource{
			ID:             i.say(func(f *finding.Finding) string { return f.ResourceID }),
			Name:           i.say(func(f *finding.Finding) string { return f.ResourceName }),
			Type:           i.say(func(f *finding.Finding) string { return f.ResourceType }),
			SubAccountID:   i.say(func(f *finding.Finding) string { return f.SubAccountID }),
			SubAccountName: i.say(func(f *finding.Finding) string { return f.SubAccountName }),
			RegionID:       i.say(func(f *finding.Finding) string { return f.RegionID }),
			Title:          i.say(func(f *finding.Finding) string { return f.Title }),
			Savings:        template.NewMoney(i.savings, i.currency, false), Gone: i.gone,
		})
	}
}

func claimData(f *finding.Finding) template.Claim {
	c := template.Claim{
		Kind: string(f.Kind), SourceSystem: f.SourceSystem, SourceName: plainSource(f.SourceSystem), SourceInstance: f.SourceInstance,
		SourceRuleID: f.SourceRuleID, SourceURL: f.SourceURL, FindingKey: f.FindingKey.Short(),
		Title: f.Title, Description: f.Description, Remediation: f.Remediation, References: f.References, ActionType: f.ActionType,
		ProviderName: f.ProviderName, BillingAccountID: f.BillingAccountID, SubAccountID: f.SubAccountID, SubAccountName: f.SubAccountName,
		RegionID: f.RegionID, AvailabilityZone: f.AvailabilityZone, ServiceName: f.ServiceName,
		ResourceID: f.ResourceID, ResourceName: f.ResourceName, ResourceType: f.ResourceType, Tags: f.Tags,
		EstimatedMonthlySavings: template.NewMoney(f.EstimatedMonthlySavings, f.BillingCurrency, false),
		EstimatedMonthlyCost:    template.NewMoney(f.EstimatedMonthlyCost, f.BillingCurrency, false), SavingsBasis: f.SavingsBasis,
		ImplementationEffort: plainEffort(f.ImplementationEffort), RestartNeeded: yesNo(f.RestartNeeded), RollbackPossible: yesNo(f.RollbackPossible),
		LookbackDays: f.LookbackDays, SourceUpdatedAt: moment(f.SourceUpdatedAt), FirstObservedAt: moment(f.FirstObservedAt), LastObservedAt: moment(f.LastObservedAt),
	}
	if f.SeverityID != finding.SeverityUnknown {
		c.ClaimSeverity = f.SeverityID.String()
	}
	return c
}

func moment(at time.Time) *time.Time {
	if at.IsZero() {
		return nil
	}
	return &at
}

// parts are what cxm writes itself, where a template asks for it.
func (v view) parts() template.Parts {
	part := func(write func(b *strings.Builder, room int)) func(int) string {
		return func(room int) string {
			var b strings.Builder
			write(&b, room)
			return b.String()
		}
	}
	return template.Parts{
		Summary: part(func(b *strings.Builder, _ int) {
			if v.as.Checklist {
				v.writeListSummary(b)
				return
			}
			v.writeSummary(b)
		}),
		Facts: part(func(b *strings.Builder, _ int) {
			if v.as.Checklist {
				b.WriteString(factsHead)
				v.writeListFacts(b)
				return
			}
			v.writeFacts(b)
		}),
		Evidence: part(v.told().writeWhy),
		HowTo: part(func(b *strings.Builder, room int) {
			if !v.gone {
				v.told().writeHow(b, room)
			}
		}),
		Checklist: v.checklist,
		Next:      part(func(b *strings.Builder, _ int) { v.writeNext(b) }),
	}
}

// templated is the body as the template has it, with what stands in every issue.
func (v view) templated() (string, error) {
	body, err := v.as.Template.Body(v.data())
	if err != nil {
		return "", err
	}
	var b strings.Builder
	if v.gone && !body.Summary {
		b.WriteString("**Gone.** No source reports this any more, so there is nothing left to do. It said:\n\n")
	}
	b.WriteString(body.Text + "\n\n")
	if v.as.Checklist && !body.Checklist {
		room := maxBody - b.Len() - 4_000
		for lines := 16_000; lines > 0; lines /= 2 {
			if list := v.checklist(lines); len(list) <= room {
				b.WriteString("### To do\n\n" + list)
				break
			}
		}
	}
	v.writeAside(&b)
	if !body.Next {
		v.writeNext(&b)
	}
	v.writeSignature(&b)
	return strings.TrimSuffix(b.String(), "\n"), nil
}

// unlisted are the keys of the checklist's lines that a body has no room for.
func (v view) unlisted(body string) []string {
	list, _, _ := tasks(body)
	there := make(map[string]bool, len(list))
	for _, t := range list {
		there[t.id] = true
	}
	var out []string
	for _, i := range v.list {
		if !i.gone && !there["1 "+i.key] {
			out = append(out, i.key)
		}
	}
	return out
}
