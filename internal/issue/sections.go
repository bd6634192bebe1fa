package issue

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"cxm/internal/finding"
	"cxm/internal/issue/inert"
	"cxm/internal/money"
)

// How much of a list is shown; the rest is counted.
const (
	maxListed = 10
	maxClaim  = 300 // characters of a claim's title
)

// more counts what a list leaves out; nothing for none.
func more(left int, format string) string {
	if left == 0 {
		return ""
	}
	return fmt.Sprintf(format, left)
}

// writeSummary writes the paragraph that says what to do and why.
func (v view) writeSummary(b *strings.Builder) {
	title := sentence(v.lead)
	switch {
	case v.gone:
		b.WriteString("**Gone.** No source reports this any more, so there is nothing left to do. It said: " + title)
	case v.lead.Kind == finding.Cost:
		b.WriteString(title + " " + v.promise())
	case v.lead.Kind == finding.System && v.lead.FirstObservedAt.IsZero():
		b.WriteString(title + " " + sourceName(v.lead.SourceSystem) + " is reporting this now.")
	case v.lead.Kind == finding.System:
		b.WriteString(title + " " + sourceName(v.lead.SourceSystem) + dated(" has been reporting this since ", v.lead.FirstObservedAt) + ".")
	default:
		b.WriteString(title + " This was reported through " + sourceName(v.lead.SourceSystem) + dated(" on ", v.lead.FirstObservedAt) + ".")
	}
	switch n := len(v.claims); {
	case n > 1 && len(v.resources) > 1 && len(v.totals) == 0:
		fmt.Fprintf(b, " There are %d reports about %s.", n, counted(v.left(), "resource", "resources"))
	case n > 1 && len(v.resources) > 1:
		fmt.Fprintf(b, " There are %d claims about %s; of each the saving counts once, as the largest of its claims.", n, counted(v.left(), "resource", "resources"))
	case n > 1 && v.savings.Valid:
		fmt.Fprintf(b, " There are %d claims about this resource; the saving counts once, as the largest of them.", n)
	case n > 1:
		fmt.Fprintf(b, " There are %d reports about this resource.", n)
	}
	b.WriteString("\n\n")
}

// sentence is a finding's title, with a full stop where it has no end.
func sentence(f *finding.Finding) string {
	text := claimTitle(f)
	if last, _ := utf8.DecodeLastRuneInString(text); strings.ContainsRune(".!?…。！？", last) {
		return text
	}
	return text + "."
}

func claimTitle(f *finding.Finding) string {
	if text := inert.Inline(f.Title, maxClaim); text != "" {
		return text
	}
	return "Untitled " + nameOf(f.Kind)
}

// promise is the sentence about the money.
func (v view) promise() string {
	if !v.savings.Valid {
		return sourceName(v.lead.SourceSystem) + " reports this as a way to save; how much is not known."
	}
	return "That would save " + cmp.Or(v.atLeast(), "about ") + "**" + money.Show(v.savings.Decimal, v.currency) + " a month** (" + v.yearly() + " a year), says " + sourceName(v.lead.SourceSystem) + "."
}

// writeWhy writes the evidence: what each claim says for itself.
func (v view) writeWhy(b *strings.Builder, room int) {
	var why strings.Builder
	left := max(0, len(v.claims)-maxListed)
	for i := range v.claims[:len(v.claims)-left] {
		f := &v.claims[i].Finding
		if len(v.claims) > 1 {
			fmt.Fprintf(&why, "**%d. %s:** %s%s (finding `%s`)\n\n", i+1, sourceName(f.SourceSystem), claimTitle(f), claimed(f), f.FindingKey.Short())
		}
		writeEvidence(&why, f, room)
	}
	why.WriteString(more(left, "And %d more.\n\n"))
	if why.Len() > 0 {
		b.WriteString("### Why\n\n" + why.String())
	}
}

// claimed is what one claim would save.
func claimed(f *finding.Finding) string {
	switch savings := f.EstimatedMonthlySavings; {
	case savings.Valid:
		return ", saves " + money.Show(savings.Decimal, f.BillingCurrency) + " a month"
	case f.Kind == finding.Cost:
		return ", saving not known"
	}
	return ""
}

// writeEvidence writes a description, the days it rests on, and for an alert
// its labels.
func writeEvidence(b *strings.Builder, f *finding.Finding, room int) {
	writeText(b, f.Description, room)
	if f.LookbackDays > 0 && !strings.Contains(f.Description, strconv.Itoa(f.LookbackDays)+" days") {
		fmt.Fprintf(b, "This rests on the last %d days of use.\n\n", f.LookbackDays)
	}
	if f.Kind == finding.System && len(f.Tags) > 0 {
		b.WriteString("Its labels:\n\n" + block(inert.Fence(labelLines(f.Tags), room)))
	}
}

// labelLines writes the labels of an alert, one a line, sorted.
func labelLines(tags map[string]string) string {
	names := slices.Sorted(maps.Keys(tags))
	left := max(0, len(names)-3*maxListed)
	var b strings.Builder
	for _, name := range names[:len(names)-left] {
		b.WriteString(inert.Visible(name, maxFact) + " = " + inert.Visible(tags[name], maxFact) + "\n")
	}
	return b.String() + more(left, "… and %d more")
}

// writeText writes text of a finding's: a short line as a paragraph, all else
// as it is, in a fence.
func writeText(b *strings.Builder, text string, room int) {
	text = strings.TrimSpace(text)
	if !strings.ContainsAny(text, "\r\n\u2028\u2029\u0085") && len(text) <= min(inert.MaxLine, room) {
		b.WriteString(block(inert.Inline(text, inert.MaxLine)))
		return
	}
	b.WriteString(block(inert.Fence(text, room)))
}

// block puts a blank line behind a part that is not empty.
func block(part string) string {
	if part == "" {
		return ""
	}
	return strings.TrimSuffix(part, "\n") + "\n\n"
}

// writeHow writes the way to do it and where to read more.
func (v view) writeHow(b *strings.Builder, room int) {
	var how strings.Builder
	var seen []string
	for i := range v.claims {
		text := v.claims[i].Finding.Remediation
		if strings.TrimSpace(text) == "" || slices.Contains(seen, text) || len(seen) == maxListed {
			continue
		}
		seen = append(seen, text)
		writeRemedy(&how, text, room)
	}
	v.writeLinks(&how)
	if how.Len() > 0 {
		b.WriteString("### How to do it\n\n" + how.String())
	}
}

// writeRemedy writes a remediation: a first line that ends in a colon is a
// sentence, what follows it are commands to copy.
func writeRemedy(b *strings.Builder, text string, room int) {
	text = strings.TrimSpace(text)
	if intro, commands, found := strings.Cut(text, "\n"); found && len(intro) <= inert.MaxLine && strings.HasSuffix(strings.TrimSpace(intro), ":") {
		b.WriteString(block(inert.Inline(intro, inert.MaxLine)))
		b.WriteString(block(inert.Fence(commands, room)))
		return
	}
	if isCommand(text) {
		b.WriteString(block(inert.Fence(text, room)))
		return
	}
	writeText(b, text, room)
}

// isCommand says that a line is one to paste into a terminal.
func isCommand(text string) bool {
	program, rest, found := strings.Cut(text, " ")
	if !found || rest == "" {
		return false
	}
	switch program {
	case "aws", "az", "gcloud", "gsutil", "bq", "kubectl", "helm", "terraform", "tofu", "eksctl", "docker", "systemctl", "sudo", "$":
		return true
	}
	return false
}

// writeLinks lists where the claims can be seen and read about, each once.
func (v view) writeLinks(b *strings.Builder) {
	var lines []string
	add := func(words, address string) {
		if address = strings.TrimSpace(address); address == "" {
			return
		}
		if line := "- " + words + ": " + inert.Link(address) + "\n"; !slices.Contains(lines, line) {
			lines = append(lines, line)
		}
	}
	for i := range v.claims {
		add("See it in "+sourceName(v.claims[i].Finding.SourceSystem), v.claims[i].Finding.SourceURL)
	}
	for i := range v.claims {
		for _, reference := range v.claims[i].Finding.References {
			add("Read more", reference)
		}
	}
	left := max(0, len(lines)-maxListed)
	for _, line := range lines[:len(lines)-left] {
		b.WriteString(line)
	}
	b.WriteString(more(left, "- and %d more\n"))
	if len(lines) > 0 {
		b.WriteByte('\n')
	}
}

// writeNext says what becomes of the issue, and what is people's to decide.
func (v view) writeNext(b *strings.Builder) {
	b.WriteString("### What cxm will do next\n\n- " + v.closing() + "\n" +
		"- If it comes back soon after, cxm reopens this issue; long after, it opens a new one.\n" +
		"- Will it not be done? Close the issue. cxm leaves it closed, unless the severity or the saving grows a lot.\n" +
		"- Everything outside this block is yours, and so are assignee, milestone, due date and the labels you set: cxm keeps them. It rewrites only this block.\n\n")
}

// closing is when the issue is closed without anybody doing it.
func (v view) closing() string {
	switch {
	case v.gone:
		return "cxm closes this issue, since it is done."
	case v.as.Parent != nil:
		return "A line is ticked when its issue is closed. Once all of it is proved gone, cxm closes this issue by itself; ticks are for you to keep track, and do not close it."
	case v.as.Checklist:
		return "A line whose resource is no longer reported is struck out. Once that is proved of all of them, cxm closes this issue by itself; ticks are for you to keep track, and do not close it."
	case v.lead.Kind == finding.Cost:
		return "When this is done, the next reports no longer contain it. Once that is proved, cxm closes this issue by itself."
	case v.lead.Kind == finding.System:
		return "When the alert is resolved, cxm closes this issue by itself."
	}
	return "When the event is reported as resolved, cxm closes this issue by itself."
}

// writeSignature writes who speaks, in small type.
func (v view) writeSignature(b *strings.Builder) {
	b.WriteString("<sub>Written by cxm, which keeps issues true to what sources report; here " + sourceName(v.lead.SourceSystem) + ". Finding `" + v.lead.FindingKey.Short() + "`")
	b.WriteString(more(len(v.claims)-1, " and %d more") + ".</sub>\n")
}
