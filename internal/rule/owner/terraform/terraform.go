// Package terraform reads what Terraform knows of the resources that it made, so
// that a resource of a cloud is found in code: raw state (version 4), and what
// `terraform show -json` prints of a state or a plan (format 0.1 to 1.x); OpenTofu
// writes the same.
//
// What always holds: of a resource's values only id, arn, self_link and the tags
// that say where its code is are read, and none that is marked as sensitive; the
// rest is skipped as it comes by, and is in no result and no error. None of these
// formats says in which file a resource is declared: that is in Yor's tags, or found
// with Scan.
package terraform

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

const (
	// Most is the largest state that is read, in bytes.
	Most = 128 << 20

	deepest   = 64      // modules within modules
	resources = 1 << 20 // of one state
	longest   = 2048    // bytes of an id, an ARN or an address
)

// Resource is one instance of a resource that Terraform looks after.
type Resource struct {
	Address string            // "module.db.aws_ebs_volume.data[0]"
	Module  string            // "module.db"; empty: the root
	Type    string            // "aws_ebs_volume"
	Name    string            // "data"
	Folder  string            // of its module, from the root module's: "modules/db"; "." is the root module's own; empty: not known
	IDs     []string          // its names in the cloud, the surest first
	Tags    map[string]string // those of Yor alone
}

// State is what was read. It is immutable.
type State struct {
	Resources []Resource
	byName    map[string]int // name in lower case → index; -1: several have it
}

// file is any of the formats, with what is read of it.
type file struct {
	Version       *int         `json:"version"`
	FormatVersion string       `json:"format_version"`
	Resources     []rawJSON    `json:"resources"`
	Values        *valuesJSON  `json:"values"`
	PriorState    *priorJSON   `json:"prior_state"`
	PlannedValues *valuesJSON  `json:"planned_values"`
	Configuration *configsJSON `json:"configuration"`
}

type priorJSON struct {
	Values *valuesJSON `json:"values"`
}

// Parse reads a state or a plan. The error says what it is instead, and never what
// is in it.
func Parse(text []byte) (*State, error) {
	if len(text) > Most {
		return nil, fmt.Errorf("reading Terraform's state: it is larger than %d MiB: split it, or give the state of the part that matters", Most>>20)
	}
	var f file
	d := json.NewDecoder(bytes.NewReader(text))
	if err := d.Decode(&f); err != nil {
		return nil, fmt.Errorf("reading Terraform's state: it is not the JSON that `terraform show -json` or a state file holds (byte %d): look whether it is whole", d.InputOffset())
	}
	if d.More() {
		return nil, errors.New("reading Terraform's state: something follows it: give one state at a time")
	}
	b := builder{state: &State{byName: map[string]int{}}, folders: f.Configuration.folders()}
	if err := b.read(f); err != nil {
		return nil, fmt.Errorf("reading Terraform's state: %w", err)
	}
	b.state.index()
	return b.state, nil
}

func (b *builder) read(f file) error {
	values := f.Values
	switch {
	case f.Version != nil && *f.Version != 4:
		return fmt.Errorf("it is of version %d: Terraform writes version 4 since 0.12, so let a newer one write it", *f.Version)
	case f.Version != nil:
		return b.raw(f.Resources)
	case f.FormatVersion == "":
		return errors.New("it has neither version nor format_version: give a state file, or what `terraform show -json` prints")
	case !strings.HasPrefix(f.FormatVersion, "0.") && !strings.HasPrefix(f.FormatVersion, "1."):
		return fmt.Errorf("format_version is %.10q, and 0.x and 1.x are known", f.FormatVersion)
	case values == nil && f.PriorState != nil && f.PriorState.Values != nil:
		values = f.PriorState.Values // a plan: what is there counts, not what is to be
	case values == nil:
		values = f.PlannedValues
	}
	if values == nil {
		return nil // nothing was made yet
	}
	return b.module(values.Root, 0)
}

// builder collects the resources.
type builder struct {
	state   *State
	folders map[string]string // module without the keys of its instances → folder
}

func (b *builder) add(r Resource) error {
	if len(r.Address) > longest || r.Type == "" || r.Name == "" {
		return nil
	}
	if len(b.state.Resources) >= resources {
		return fmt.Errorf("it has more than %d resources: give the state of the part that matters", resources)
	}
	r.Folder = b.folders[withoutKeys(r.Module)]
	b.state.Resources = append(b.state.Resources, r)
	return nil
}

// index makes the resources findable. A name that several have is nobody's, unless
// one of them has an ARN or a link, and the others only refer to it: a bucket's
// policy has the id of the bucket.
func (s *State) index() {
	sure := map[string]bool{}
	for i, r := range s.Resources {
		strong := len(r.IDs) > 0 && (strings.HasPrefix(r.IDs[0], "arn:") || strings.HasPrefix(r.IDs[0], "//"))
		for _, name := range r.IDs {
			key := strings.ToLower(name)
			_, there := s.byName[key]
			switch {
			case !there, strong && !sure[key]:
				s.byName[key], sure[key] = i, strong
			case strong == sure[key]:
				s.byName[key] = -1
			}
		}
	}
}

// Find is the resource that has one of the names: the first name that one resource
// alone has, letter case aside.
func (s *State) Find(names ...string) (Resource, bool) {
	for _, name := range names {
		for _, spelling := range spellings(name) {
			if i, there := s.byName[strings.ToLower(spelling)]; there && i >= 0 {
				return s.Resources[i], true
			}
		}
	}
	return Resource{}, false
}

// spellings are a resource's name in the cloud as other sources write it: Google's
// links are names beneath their service.
func spellings(name string) []string {
	if name == "" || len(name) > longest {
		return nil
	}
	rest, ok := strings.CutPrefix(name, "https://www.googleapis.com/")
	if !ok {
		host, path, _ := strings.Cut(strings.TrimPrefix(name, "https://"), ".googleapis.com/")
		if !strings.HasPrefix(name, "https://") || path == "" || strings.ContainsAny(host, "/.") {
			return []string{name}
		}
		rest = host + "/" + path
	}
	service, path, ok := strings.Cut(rest, "/")
	version, below, cut := strings.Cut(path, "/")
	if !ok || service == "" || !cut || !strings.HasPrefix(version, "v") {
		return []string{name}
	}
	return []string{"//" + service + ".googleapis.com/" + below, name}
}
