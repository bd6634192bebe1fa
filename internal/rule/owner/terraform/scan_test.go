package terraform_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"cxm/internal/rule/owner/terraform"
)

const configuration = `# resource "no" "comment" {
// resource "no" "comment" {
/* resource "no" "comment" {
   " unbalanced */
terraform { required_version = ">= 1.0" }
resource "aws_ebs_volume" "data" {
  size = var.size /* } */
  tags = {
    Name  = "brace } and \" quote ${upper("in ${"deep }"} it")} $${ not a template"
    text  = <<-EOT
      resource "no" "heredoc" {
      ${join(",", [for x in { a = "}" } : x])} %{ if true }" %{ endif }
      EOT not yet
      %%{ $${
      EOT
    other = <<EOT
resource "no" "heredoc" {
${ "a" }EOT
EOT
  }
}
resource aws_instance web { ami = "x" }
data "aws_ami" "a" {}
module "resource" { source = "./x" }
locals { resource = { "a" = "b" } }
resource "aws_s3_bucket"   "logs"   # and a comment
resource "random_pet" "pet" /* between */ {}
resource "three" "labels" "here" {
}
resource "bad name" "x" {
}
resource "${x}" "y" {
}
  resource "aws_iam_role" "r_1-a" {
    lifecycle { ignore_changes = [tags["a]"]] }
    x = 1 < 2 ? (3) : 4
  }
x = resource
`

func TestScan(t *testing.T) {
	got, err := terraform.Scan([]byte("\ufeff" + configuration))
	if err != nil {
		t.Fatal(err)
	}
	want := []terraform.Block{
		{"aws_ebs_volume", "data", 6, 21}, {"aws_instance", "web", 22, 22}, {"random_pet", "pet", 27, 27}, {"aws_iam_role", "r_1-a", 34, 37},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestScanLost(t *testing.T) {
	block := "resource \"a\" \"b\" {}\n"
	for text, want := range map[string]string{
		block + "x {":                                "line 2: a bracket is not closed",
		block + "}":                                  "line 2: '}' closes what is not open",
		block + "x = (]":                             "closes what is not open",
		block + "x = \"a\nb\"":                       "line 2: a string does not end on its line",
		block + "x = \"a":                            "a string does not end",
		block + "x = \"a\\\nb\"":                     "line 2: a string does not end on its line",
		block + "x = \"a\\":                          "a string does not end",
		block + "/* x":                               "a comment does not end",
		block + "x = \"${a\"":                        "does not end",
		block + "x = <<EOT\nEO":                      "does not end",
		block + "x = \"${<<A\nA":                     "does not end",
		block + "x = " + strings.Repeat("\"${", 200): "nested deeper",
		strings.Repeat("x", terraform.MostOfFile+1):  "larger than 4 MiB",
		block + "x = <<EOT\n${\nEOT\n":               "does not end",
	} {
		if got, err := terraform.Scan([]byte(text)); err == nil || got != nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.60q: %v, %v, want %q", text, got, err, want)
		}
	}
	if got, err := terraform.Scan(nil); got != nil || err != nil {
		t.Errorf("%v, %v", got, err)
	}
}

// Whatever a file holds, its blocks are within it and in order, and one more at its
// end is found, and found where it is.
func FuzzScan(f *testing.F) {
	f.Add(configuration)
	f.Add("a = <<X\n${<<Y\nY\n}\nX\n")
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 1<<14 {
			t.Skip("too long to be quick")
		}
		blocks, err := terraform.Scan([]byte(text))
		if err != nil {
			return
		}
		last, lines := 0, strings.Count(text, "\n")+1
		for _, b := range blocks {
			if b.Line < last || b.End < b.Line || b.End > lines || b.Type == "" || b.Name == "" {
				t.Errorf("%+v", b)
			}
			last = b.Line
		}
		more, err := terraform.Scan([]byte(text + "\nresource \"t\" \"n\" {\n}\n"))
		if err != nil || len(more) != len(blocks)+1 || fmt.Sprint(more[len(blocks)]) != fmt.Sprintf("{t n %d %d}", lines+1, lines+2) {
			t.Errorf("with one more: %v, %v", more, err)
		}
	})
}
