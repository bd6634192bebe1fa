package terraform_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"cxm/internal/rule/owner/terraform"
)

const state = `{
  "version": 4, "terraform_version": "1.9.0", "serial": 3, "lineage": "x",
  "outputs": {"password": {"value": "hunter2-output", "type": "string", "sensitive": true}},
  "resources": [
    {"mode": "managed", "type": "aws_ebs_volume", "name": "data", "module": "module.db[\"eu\"]", "provider": "p",
     "instances": [
       {"index_key": 0, "attributes": {"arn": "arn:aws:ec2:eu-west-1:1:volume/vol-0a", "id": "vol-0a", "size": 10, "kms_key": "hunter2-key",
         "tags": {"team": "hunter2-team", "git_file": "modules/db/main.tf", "git_last_modified_by": "who@example.com"}, "tags_all": {"yor_trace": "t-1", "x_git_org": "acme"}}},
       {"index_key": "b\"${x}", "attributes": {"arn": "arn:aws:ec2:eu-west-1:1:volume/vol-0b", "id": "vol-0b"}},
       {"index_key": 2, "deposed": "0f", "attributes": {"id": "vol-0c"}}]},
    {"mode": "managed", "type": "aws_s3_bucket", "name": "logs", "instances": [{"attributes": {"arn": "arn:aws:s3:::acme-logs", "id": "acme-logs"}}]},
    {"mode": "managed", "type": "aws_s3_bucket_policy", "name": "logs", "instances": [{"attributes": {"id": "acme-logs"}}]},
    {"mode": "managed", "type": "aws_s3_bucket_versioning", "name": "logs", "instances": [{"attributes": {"id": "acme-logs"}}]},
    {"mode": "managed", "type": "a", "name": "one", "instances": [{"attributes": {"id": "shared"}}]},
    {"mode": "managed", "type": "b", "name": "two", "instances": [{"attributes": {"id": "shared"}}]},
    {"mode": "managed", "type": "google_compute_disk", "name": "d", "instances": [{"attributes": {"id": "projects/p/zones/z/disks/d", "labels": ["no", "object"],
       "self_link": "https://www.googleapis.com/compute/v1/projects/p/zones/z/disks/d"}}]},
    {"mode": "managed", "type": "azurerm_managed_disk", "name": "d", "instances": [{"attributes": {"id": "/subscriptions/S/resourceGroups/RG/providers/Microsoft.Compute/disks/d"}}]},
    {"mode": "managed", "type": "random_password", "name": "p", "instances": [
       {"attributes": {"id": "hunter2-id", "result": "hunter2-result"}, "sensitive_attributes": [[{"type": "get_attr", "value": "result"}], [{"type": "get_attr", "value": "id"}]]}]},
    {"mode": "managed", "type": "odd", "name": "p", "instances": [{"attributes": {"id": "hunter2-odd"}, "sensitive_attributes": "all"}]},
    {"mode": "managed", "type": "numbered", "name": "n", "instances": [{"attributes": {"id": 7, "arn": {"x": "hunter2"}, "tags": null}}]},
    {"mode": "data", "type": "aws_ami", "name": "a", "instances": [{"attributes": {"id": "ami-1"}}]}
  ]
}`

func parse(t testing.TB, text string) *terraform.State {
	t.Helper()
	s, err := terraform.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestState(t *testing.T) {
	s := parse(t, state)
	for name, want := range map[string]string{
		"arn:aws:ec2:eu-west-1:1:volume/vol-0a": `module.db["eu"].aws_ebs_volume.data[0]`,
		"vol-0a":                                `module.db["eu"].aws_ebs_volume.data[0]`,
		"vol-0b":                                `module.db["eu"].aws_ebs_volume.data["b\"$${x}"]`,
		"vol-0c":                                "",
		"acme-logs":                             "aws_s3_bucket.logs",
		"shared":                                "",
		"//compute.googleapis.com/projects/p/zones/z/disks/d":                    "google_compute_disk.d",
		"https://compute.googleapis.com/compute/v1/projects/p/zones/z/disks/d":   "",
		"https://www.googleapis.com/compute/v1/projects/p/zones/z/disks/d":       "google_compute_disk.d",
		"/subscriptions/s/resourcegroups/rg/providers/microsoft.compute/disks/d": "azurerm_managed_disk.d",
		"ami-1": "", "hunter2-id": "", "hunter2-odd": "", "7": "", "": "",
	} {
		if got, ok := s.Find("nothing", name); got.Address != want || ok != (want != "") {
			t.Errorf("%s: %q, want %q", name, got.Address, want)
		}
	}
	got, _ := s.Find("vol-0a")
	want := terraform.Resource{
		Address: `module.db["eu"].aws_ebs_volume.data[0]`, Module: `module.db["eu"]`, Type: "aws_ebs_volume", Name: "data",
		IDs: []string{"arn:aws:ec2:eu-west-1:1:volume/vol-0a", "vol-0a"}, Tags: map[string]string{"git_file": "modules/db/main.tf", "yor_trace": "t-1", "x_git_org": "acme"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	secretless(t, s)
}

// secretless says that nothing that is secret or names a person was read.
func secretless(t testing.TB, s *terraform.State) {
	t.Helper()
	text, err := json.Marshal(s.Resources)
	if err != nil || strings.Contains(string(text), "hunter2") || strings.Contains(string(text), "example.com") {
		t.Errorf("a secret was read (%v):\n%s", err, text)
	}
}

const plan = `{"format_version": "1.2", "terraform_version": "1.9.0", "variables": {"p": {"value": "hunter2"}},
 "planned_values": {"root_module": {"resources": [{"address": "x.planned", "mode": "managed", "type": "x", "name": "planned", "values": {"id": "planned"}}]}},
 "prior_state": {"format_version": "1.0", "values": {"root_module": {
   "resources": [
     {"address": "x.a", "mode": "managed", "type": "x", "name": "a", "values": {"id": "1a", "password": "hunter2"}, "sensitive_values": {"password": true}},
     {"address": "x.b", "mode": "managed", "type": "x", "name": "b", "values": {"id": "hunter2", "tags": {"git_file": "hunter2"}}, "sensitive_values": {"id": true, "tags": {"git_file": true}}},
     {"address": "x.c", "mode": "managed", "type": "x", "name": "c", "values": {"id": "hunter2"}, "sensitive_values": true},
     {"address": "x.d", "mode": "managed", "type": "x", "name": "d", "deposed_key": "0f", "values": {"id": "1d"}},
     {"address": "data.x.e", "mode": "data", "type": "x", "name": "e", "values": {"id": "1e"}}],
   "child_modules": [{"address": "module.db[\"a.b]\"]", "resources": [{"address": "module.db[\"a.b]\"].x.f", "mode": "managed", "type": "x", "name": "f", "values": {"id": "1f"}}],
     "child_modules": [{"address": "module.db[\"a.b]\"].module.disk[0]", "resources": [{"address": "module.db[\"a.b]\"].module.disk[0].x.g", "mode": "managed", "type": "x", "name": "g", "values": {"id": "1g"}}]},
       {"address": "module.db[\"a.b]\"].module.far", "resources": [{"address": "module.db[\"a.b]\"].module.far.x.h", "mode": "managed", "type": "x", "name": "h", "values": {"id": "1h"}}]}]}]}}},
 "configuration": {"root_module": {"module_calls": {"db": {"source": "./modules/db", "module": {"module_calls": {"disk": {"source": "../disk", "module": {}}, "far": {"source": "acme/far/aws"}}}}}}}}`

func TestPlan(t *testing.T) {
	s := parse(t, plan)
	for id, want := range map[string][2]string{
		"1a": {"x.a", "."}, "1f": {`module.db["a.b]"].x.f`, "modules/db"}, "1g": {`module.db["a.b]"].module.disk[0].x.g`, "modules/disk"},
		"1h": {`module.db["a.b]"].module.far.x.h`, ""}, "1d": {}, "1e": {}, "hunter2": {}, "planned": {},
	} {
		if got, _ := s.Find(id); got.Address != want[0] || got.Folder != want[1] {
			t.Errorf("%s: %s in %q, want %q", id, got.Address, got.Folder, want)
		}
	}
	secretless(t, s)
	bare := parse(t, `{"format_version":"1.0","values":{"root_module":{"resources":[{"address":"x.a","mode":"managed","type":"x","name":"a","values":{"id":"1"}}]}}}`)
	if got, ok := bare.Find("1"); !ok || got.Folder != "" {
		t.Errorf("%+v", got)
	}
	if none := parse(t, `{"format_version":"1.0"}`); len(none.Resources) != 0 {
		t.Error(none)
	}
}

func TestNoState(t *testing.T) {
	deep := strings.Repeat(`{"child_modules":[`, 100) + strings.Repeat(`]}`, 100)
	for text, want := range map[string]string{
		"":                            "byte 0",
		`{"version":4,"x":"hunter2`:   "look whether it is whole",
		`[]`:                          "not the JSON",
		`{}`:                          "neither version nor format_version",
		`{"version":3,"modules":[]}`:  "version 3",
		`{"format_version":"2.0"}`:    `"2.0"`,
		`{"version":4} {"version":4}`: "one state at a time",
		`{"version":"hunter2"}`:       "not the JSON",
		`{"format_version":"1.0","values":{"root_module":` + deep + `}}`: "nested deeper",
	} {
		s, err := terraform.Parse([]byte(text))
		if err == nil || s != nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%.40q: %v, want %q", text, err, want)
		}
	}
}

func TestGiant(t *testing.T) {
	if s, err := terraform.Parse(make([]byte, terraform.Most+1)); s != nil || err == nil || !strings.Contains(err.Error(), "larger than 128 MiB") {
		t.Error(err)
	}
}

// What Terraform itself wrote is read.
func TestSamples(t *testing.T) {
	for name, want := range map[string]int{"terraform.tfstate": 5, "state.json": 5, "show-json-state-modules.json": 2} {
		raw, err := os.ReadFile(filepath.Join(shared(t), "samples", "terraform", name))
		if err != nil {
			t.Fatal(err)
		}
		s := parse(t, string(raw))
		if len(s.Resources) < want {
			t.Errorf("%s: %d resources, want %d at least: %+v", name, len(s.Resources), want, s.Resources)
		}
		for _, r := range s.Resources {
			if r.Address == "" || !strings.HasSuffix(strings.SplitN(r.Address, "[", 2)[0], r.Type+"."+r.Name) {
				t.Errorf("%s: %+v", name, r)
			}
		}
	}
}

// shared is the folder of reference documents and samples.
func shared(t *testing.T) string {
	t.Helper()
	dir, named := os.LookupEnv("CXM_SHARED")
	if !named {
		dir = filepath.Join("..", "..", "..", "..", "..", "shared")
	}
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		t.Skipf("NOT HELD TO WHAT TERRAFORM WRITES: no folder %q (set CXM_SHARED to where the samples lie)", dir)
	}
	return dir
}

// Whatever a state holds, what is found was in it under that name, and nothing that
// is marked sensitive comes out.
func FuzzParse(f *testing.F) {
	f.Add(state)
	f.Add(plan)
	f.Add(`{"version":4,"resources":[{"mode":"managed","type":"t","name":"n","instances":[{"index_key":{},"attributes":{"id":"a","id":5}},{"attributes":null}]}]}`)
	f.Fuzz(func(t *testing.T, text string) {
		s, err := terraform.Parse([]byte(text))
		if err != nil {
			if strings.Contains(err.Error(), "hunter2") {
				t.Error(err)
			}
			return
		}
		for _, r := range s.Resources {
			if r.Address == "" || r.Type == "" || r.Name == "" {
				t.Errorf("%+v", r)
			}
			if found, ok := s.Find(r.IDs...); ok && !strings.Contains(strings.ToLower(fmt.Sprint(found.IDs)), strings.ToLower(found.IDs[0])) {
				t.Errorf("%+v", found)
			}
		}
	})
}
