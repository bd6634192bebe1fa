package finding

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"pgregory.net/rapid"
)

func TestCanonical(t *testing.T) {
	const volume, disk = "arn:aws:ec2:us-east-1:111122223333:volume/vol-0a1b2c3d4e5f60718", "vol-0a1b2c3d4e5f60718"
	const lambda = "arn:aws:lambda:us-east-1:111122223333:function:resize"
	for name, c := range map[string]struct {
		f    Finding
		want string
	}{
		"nothing":                 {Finding{ResourceAliases: []string{disk}}, ""},
		"arn of a unique id":      {Finding{ResourceID: volume, SubAccountID: "111122223333"}, disk},
		"unique id":               {Finding{ResourceID: disk, SubAccountID: "other"}, disk},
		"alias is a unique id":    {Finding{ResourceID: "data", ResourceAliases: []string{"x", volume}}, disk},
		"arn of a name":           {Finding{ResourceID: "arn:aws:ecs:us-east-1:111122223333:service/a/b"}, "arn:aws:ecs:us-east-1:111122223333:service/a/b"},
		"qualified function":      {Finding{ResourceID: lambda + ":$LATEST"}, lambda},
		"version of a function":   {Finding{ResourceID: lambda + ":7"}, lambda},
		"function":                {Finding{ResourceID: lambda}, lambda},
		"Google name":             {Finding{ResourceID: "//compute.googleapis.com/projects/p/zones/z/disks/D"}, "//compute.googleapis.com/projects/p/zones/z/disks/D"},
		"Azure id in other case":  {Finding{ResourceID: "/Subscriptions/A-B/resourceGroups/RG/providers/Microsoft.Web/sites/X"}, "/subscriptions/a-b/resourcegroups/rg/providers/microsoft.web/sites/x"},
		"local name is qualified": {Finding{ResourceID: "web", SourceInstance: "i", SubAccountID: "a", RegionID: "r", ResourceType: "t"}, "i|a|r|t|web"},
		"looks like a unique id":  {Finding{ResourceID: "vol-xyz", ResourceType: "t"}, "|||t|vol-xyz"},
	} {
		if got := c.f.Canonical(); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

// TestCanonicalMeets: two sources that spell one disk differently arrive at one
// name, and two accounts' resources of one name do not.
func TestCanonicalMeets(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		prefix := rapid.SampledFrom([]string{"i", "vol", "snap", "nat", "sg", "eni"}).Draw(t, "prefix")
		id := prefix + "-" + rapid.StringMatching(`[0-9a-f]{17}`).Draw(t, "id")
		account, region := rapid.StringMatching(`[0-9]{12}`).Draw(t, "account"), rapid.SampledFrom([]string{"us-east-1", "eu-central-1"}).Draw(t, "region")
		arn := "arn:aws:ec2:" + region + ":" + account + ":thing/" + id
		one := Finding{ResourceID: arn, ResourceAliases: Aliases(arn), SubAccountID: account, SourceInstance: "a"}
		two := Finding{ResourceID: id, SourceInstance: "b"}
		three := Finding{ResourceID: "node-1", ResourceAliases: Aliases("node-1", id)}
		if one.Canonical() != two.Canonical() || two.Canonical() != three.Canonical() || one.Canonical() == "" {
			t.Fatalf("%q, %q, %q", one.Canonical(), two.Canonical(), three.Canonical())
		}
		name := rapid.StringMatching(`[a-z]{1,8}`).Draw(t, "name")
		here, there := Finding{ResourceID: name, SubAccountID: account}, Finding{ResourceID: name, SubAccountID: account + "1"}
		if here.Canonical() == there.Canonical() {
			t.Fatalf("%q is one name in two accounts", here.Canonical())
		}
	})
}

func TestAliases(t *testing.T) {
	const arn = "arn:aws:ec2:us-east-1:111122223333:volume/vol-1"
	for name, c := range map[string]struct{ got, want []string }{
		"short id of an arn":   {Aliases(arn), []string{"vol-1"}},
		"sorted, each once":    {Aliases(arn, "z", "a", "vol-1", "z", "", arn), []string{"a", "vol-1", "z"}},
		"nothing to add":       {Aliases("vol-1", "vol-1", ""), nil},
		"function's qualifier": {Aliases("arn:aws:lambda:r:1:function:f:7"), []string{"7", "arn:aws:lambda:r:1:function:f"}},
	} {
		if !slices.Equal(c.got, c.want) {
			t.Errorf("%s: %q, want %q", name, c.got, c.want)
		}
	}
	spellings := []string{"z", "a"}
	Aliases("x", spellings...)
	if !slices.Equal(spellings, []string{"z", "a"}) {
		t.Error("Aliases changed the caller's list")
	}
	rapid.Check(t, func(t *rapid.T) {
		id := rapid.String().Draw(t, "id")
		got := Aliases(id, rapid.SliceOf(rapid.String()).Draw(t, "spellings")...)
		if !slices.IsSorted(got) || len(slices.Compact(slices.Clone(got))) != len(got) || slices.Contains(got, id) || slices.Contains(got, "") {
			t.Fatalf("%q", got)
		}
		if again := Aliases(id, got...); !slices.Equal(again, got) {
			t.Fatalf("%q became %q", got, again)
		}
	})
}

func TestWithoutQualifier(t *testing.T) {
	const function = "arn:aws:lambda:us-east-1:111122223333:function:resize"
	for arn, want := range map[string]string{
		function + ":$LATEST": function, function + ":prod": function, function: function, "": "",
		"arn:aws-cn:lambda:cn-north-1:1:function:f:1": "arn:aws-cn:lambda:cn-north-1:1:function:f",
		"arn:aws:lambda:us-east-1:1:layer:f:1":        "arn:aws:lambda:us-east-1:1:layer:f:1",
		"arn:aws:rds:us-east-1:1:cluster:a:b":         "arn:aws:rds:us-east-1:1:cluster:a:b",
		"resize:$LATEST":                              "resize:$LATEST",
	} {
		if got := WithoutQualifier(arn); got != want {
			t.Errorf("WithoutQualifier(%q) = %q", arn, got)
		}
	}
}

func TestValidate(t *testing.T) {
	if err := full().Validate(); err != nil {
		t.Fatal(err)
	}
	least := Finding{FindingKey: NewKey("a"), Kind: Custom, SourceSystem: "s", Title: "t", Detection: Absent}
	if err := least.Validate(); err != nil {
		t.Errorf("the least a finding must say: %v", err)
	}
	for name, c := range map[string]struct {
		field  string
		change func(f *Finding)
	}{
		"no key":             {"FindingKey", func(f *Finding) { f.FindingKey = "" }},
		"key of another age": {"FindingKey", func(f *Finding) { f.FindingKey = "v0:" + f.FindingKey[3:] }},
		"former key":         {"FormerKeys", func(f *Finding) { f.FormerKeys[0] = "v0:" }},
		"no kind":            {"Kind", func(f *Finding) { f.Kind = "" }},
		"kind of one's own":  {"Kind", func(f *Finding) { f.Kind = "Cost" }},
		"no system":          {"SourceSystem", func(f *Finding) { f.SourceSystem = "" }},
		"blank title":        {"Title", func(f *Finding) { f.Title = " \n\t" }},
		"severity below":     {"SeverityId", func(f *Finding) { f.SeverityID = -1 }},
		"severity above":     {"SeverityId", func(f *Finding) { f.SeverityID = Fatal + 1 }},
		"no detection":       {"Detection", func(f *Finding) { f.Detection = "" }},
		"unknown detection":  {"Detection", func(f *Finding) { f.Detection = Unknown }},
		"negative savings":   {"EstimatedMonthlySavings", func(f *Finding) { f.EstimatedMonthlySavings = known("-0.01") }},
		"no currency":        {"BillingCurrency", func(f *Finding) { f.BillingCurrency = "" }},
		"savings of a fault": {"EstimatedMonthlySavings", func(f *Finding) { f.Kind = System }},
		"NUL in the title":   {"Title", func(f *Finding) { f.Title = "a\x00b" }},
		"NUL in resource":    {"ResourceId", func(f *Finding) { f.ResourceID = "a\x00" }},
		"no UTF-8":           {"Description", func(f *Finding) { f.Description = "\xff" }},
	} {
		f := full()
		c.change(f)
		var wrong *FieldError
		switch err := f.Validate(); {
		case !errors.As(err, &wrong):
			t.Errorf("%s: %v", name, err)
		case wrong.Field != c.field || wrong.Mend == "" || !strings.Contains(err.Error(), "field "+c.field):
			t.Errorf("%s: %v, want field %s", name, err, c.field)
		}
	}
	zero, unknown := full(), full()
	zero.EstimatedMonthlySavings = decimal.NewNullDecimal(decimal.Zero)
	unknown.EstimatedMonthlySavings, unknown.BillingCurrency = decimal.NullDecimal{}, ""
	if zero.Validate() != nil || unknown.Validate() != nil {
		t.Errorf("zero savings: %v, unknown: %v", zero.Validate(), unknown.Validate())
	}
	if err := (&FieldError{"Title", strings.Repeat("x", 500), "shorter"}).Error(); len(err) > 120 {
		t.Errorf("the error is %d characters long", len(err))
	}
}

func TestStatus(t *testing.T) {
	for _, c := range []struct {
		state State
		want  string
	}{
		{State{}, "new"},
		{State{Detection: Present, Decision: Undecided, Work: NoWork, Savings: Estimated}, "new"},
		{State{Detection: Present, Decision: Accepted, Work: NoWork, Savings: Estimated}, "accepted"},
		{State{Detection: Present, Decision: Accepted, Work: IssueOpen, Savings: Estimated}, "issue open"},
		{State{Detection: Present, Decision: Undecided, Work: MergeRequestOpen}, "merge request open"},
		{State{Detection: Present, Decision: Undecided, Work: Merged, Savings: Measuring}, "merged"},
		{State{Detection: Present, Decision: Undecided, Work: ClosedByPerson}, "closed by a person"},
		{State{Detection: Unknown, Decision: Accepted, Work: IssueOpen}, "unknown"},
		{State{Detection: Unknown, Decision: Snoozed, Work: IssueOpen}, "snoozed"},
		{State{Detection: Present, Decision: Exception, Work: IssueOpen}, "exception"},
		{State{Detection: Absent, Decision: Exception, Work: IssueOpen}, "gone"},
		{State{Detection: Absent, Savings: Inconclusive}, "gone"},
		{State{Detection: Absent, Work: Merged, Savings: Realised}, "realised"},
		{State{Detection: Present, Work: IssueOpen, Savings: Regressed}, "regressed"},
		{State{Detection: Absent, Savings: Partly}, "partly"},
	} {
		if got := c.state.Status(); got != c.want {
			t.Errorf("%+v is %q, want %q", c.state, got, c.want)
		}
	}
}

func TestSeverityString(t *testing.T) {
	for severity, want := range map[Severity]string{SeverityUnknown: "Unknown", Informational: "Informational", Medium: "Medium", Fatal: "Fatal", -1: "Unknown", 7: "Unknown"} {
		if got := severity.String(); got != want {
			t.Errorf("%d is %q", int(severity), got)
		}
	}
}

func TestProvable(t *testing.T) {
	for _, c := range []struct {
		complete bool
		findings int
		want     bool
	}{{false, 0, false}, {false, 5, false}, {true, 0, false}, {true, 1, true}} {
		if got, why := Provable(c.complete, c.findings); got != c.want || why == "" {
			t.Errorf("Provable(%t, %d) = %t, %q", c.complete, c.findings, got, why)
		}
	}
}

// TestMiss: a finding is absent exactly when it was missing from as many
// complete snapshots in a row as proof wants; what is not complete says nothing.
func TestMiss(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		proof := rapid.IntRange(-1, 4).Draw(t, "proof")
		snapshots := rapid.SliceOfN(rapid.Bool(), 0, 12).Draw(t, "complete")
		s := Sighting{Detection: Present, Digest: full().Digest(), Since: at(1)}
		missed, gone := 0, -1
		for i, complete := range snapshots {
			before := s
			now := at(2).Add(time.Duration(i) * time.Hour)
			var why string
			s, why = s.Miss(complete, proof, now)
			if complete && gone < 0 {
				if missed++; missed >= max(proof, 1) {
					gone = i
				}
			}
			switch {
			case why == "":
				t.Fatal("no reason is given")
			case s.Digest != before.Digest:
				t.Fatal("what the finding last said is lost")
			case !complete && s != before:
				t.Fatalf("a snapshot that is not complete changed %+v to %+v", before, s)
			case (s.Detection == Absent) != (gone >= 0):
				t.Fatalf("after %v with proof %d: %+v", snapshots[:i+1], proof, s)
			case gone == i && !s.Since.Equal(now), gone >= 0 && gone < i && s != before:
				t.Fatalf("absent since %s: %+v", now, s)
			}
		}
	})
	s, why := Sighting{Detection: Unknown}.Miss(true, 2, at(2))
	if s.Detection != Unknown || s.Absences != 1 || !strings.Contains(why, "1 of 2") {
		t.Errorf("%+v %q", s, why)
	}
}
