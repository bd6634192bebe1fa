package terraform

import (
	"bytes"
	"encoding/json"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"
)

// word is a text of a state; anything else in its place is skipped.
type word string

// UnmarshalJSON takes a string that is not too long.
func (w *word) UnmarshalJSON(raw []byte) error {
	var s string
	if len(raw) > 0 && raw[0] == '"' && len(raw) <= longest && json.Unmarshal(raw, &s) == nil {
		*w = word(s)
	}
	return nil
}

// attributes are the values of a resource that are read.
type attributes struct {
	ID       word     `json:"id"`
	ARN      word     `json:"arn"`
	SelfLink word     `json:"self_link"`
	Tags     tagsJSON `json:"tags"`
	TagsAll  tagsJSON `json:"tags_all"`
	Labels   tagsJSON `json:"labels"`
}

// tagsJSON are tags, of which those of Yor are read; some resources have a list there.
type tagsJSON map[string]string

// UnmarshalJSON takes what is an object, and of it what says where the code is.
func (t *tagsJSON) UnmarshalJSON(raw []byte) error {
	if len(raw) == 0 || raw[0] != '{' {
		return nil
	}
	var all map[string]word
	if json.Unmarshal(raw, &all) != nil {
		return nil //nolint:nilerr // tags of another form say nothing
	}
	for name, value := range all {
		if located(name) && value != "" {
			if *t == nil {
				*t = tagsJSON{}
			}
			(*t)[name] = string(value)
		}
	}
	return nil
}

// located says whether a tag is one of those that Yor writes to say where the code
// is, with whatever was put before its name. Those that name people are none.
func located(name string) bool {
	return slices.ContainsFunc([]string{"git_org", "git_repo", "git_file", "git_commit", "yor_trace", "yor_name"}, func(known string) bool {
		return len(name) <= 128 && strings.HasSuffix(strings.ToLower(name), known)
	})
}

// drop takes what is sensitive away. Not read is not enough where it was read.
func (a *attributes) drop(name string) {
	switch name {
	case "id":
		a.ID = ""
	case "arn":
		a.ARN = ""
	case "self_link":
		a.SelfLink = ""
	case "tags":
		a.Tags = nil
	case "tags_all":
		a.TagsAll = nil
	case "labels":
		a.Labels = nil
	}
}

// names are the resource's names in the cloud, the surest first.
func (a attributes) names() []string {
	var out []string
	for _, w := range []word{a.ARN, a.SelfLink, a.ID} {
		for _, s := range spellings(string(w)) {
			if !slices.Contains(out, s) {
				out = append(out, s)
			}
		}
	}
	return out
}

func (a attributes) yor() map[string]string {
	var out map[string]string
	for _, tags := range []tagsJSON{a.TagsAll, a.Labels, a.Tags} {
		for name, value := range tags {
			if out == nil {
				out = map[string]string{}
			}
			out[name] = value
		}
	}
	return out
}

// rawJSON is a resource of a state file.
type rawJSON struct {
	Module    string         `json:"module"`
	Mode      string         `json:"mode"`
	Type      string         `json:"type"`
	Name      string         `json:"name"`
	Instances []instanceJSON `json:"instances"`
}

type instanceJSON struct {
	IndexKey   json.RawMessage `json:"index_key"`
	Deposed    string          `json:"deposed"`
	Attributes attributes      `json:"attributes"`
	Sensitive  sensitivePaths  `json:"sensitive_attributes"`
}

// sensitivePaths are the attributes at the start of the paths that are sensitive.
type sensitivePaths []string

// UnmarshalJSON reads [[{"type":"get_attr","value":"id"},…],…]. What it cannot read
// makes everything sensitive.
func (s *sensitivePaths) UnmarshalJSON(raw []byte) error {
	if string(raw) == "null" {
		return nil
	}
	var paths [][]struct {
		Value json.RawMessage `json:"value"`
	}
	if json.Unmarshal(raw, &paths) != nil {
		*s = everything()
		return nil //nolint:nilerr // see above
	}
	for _, p := range paths {
		var name string
		if len(p) == 0 || json.Unmarshal(p[0].Value, &name) != nil {
			*s = everything()
			return nil //nolint:nilerr // see above
		}
		*s = append(*s, name)
	}
	return nil
}

func everything() []string { return []string{"id", "arn", "self_link", "tags", "tags_all", "labels"} }

func (b *builder) raw(list []rawJSON) error {
	for _, r := range list {
		if r.Mode != "managed" {
			continue
		}
		for _, i := range r.Instances {
			key, ok := indexKey(i.IndexKey)
			if i.Deposed != "" || !ok {
				continue
			}
			for _, name := range i.Sensitive {
				i.Attributes.drop(name)
			}
			address := r.Type + "." + r.Name + key
			if r.Module != "" {
				address = r.Module + "." + address
			}
			err := b.add(Resource{Address: address, Module: r.Module, Type: r.Type, Name: r.Name, IDs: i.Attributes.names(), Tags: i.Attributes.yor()})
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// indexKey is [0] or ["key"] as Terraform writes it; nothing for no key.
func indexKey(raw json.RawMessage) (string, bool) {
	var number int64
	var text string
	switch {
	case len(raw) == 0 || bytes.Equal(raw, []byte("null")):
		return "", true
	case json.Unmarshal(raw, &number) == nil:
		return "[" + strconv.FormatInt(number, 10) + "]", true
	case json.Unmarshal(raw, &text) == nil && len(text) <= longest:
		quoted := strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`, "\r", `\r`, "\t", `\t`, "${", "$${", "%{", "%%{").Replace(text)
		return `["` + quoted + `"]`, true
	}
	return "", false
}

// valuesJSON is the state as `terraform show -json` prints it.
type valuesJSON struct {
	Root moduleJSON `json:"root_module"`
}

type moduleJSON struct {
	Address   string       `json:"address"`
	Resources []shownJSON  `json:"resources"`
	Children  []moduleJSON `json:"child_modules"`
}

type shownJSON struct {
	Address   string        `json:"address"`
	Mode      string        `json:"mode"`
	Type      string        `json:"type"`
	Name      string        `json:"name"`
	Deposed   string        `json:"deposed_key"`
	Values    attributes    `json:"values"`
	Sensitive sensitiveMark `json:"sensitive_values"`
}

// sensitiveMark are the values that are sensitive. It is true, or an object with true where a value is sensitive.
type sensitiveMark []string

// UnmarshalJSON keeps the names whose value is, or holds, something sensitive.
func (s *sensitiveMark) UnmarshalJSON(raw []byte) error {
	if string(raw) == "null" || string(raw) == "false" {
		return nil
	}
	var marks map[string]json.RawMessage
	if json.Unmarshal(raw, &marks) != nil {
		*s = everything()
		return nil //nolint:nilerr // true: all of it is sensitive, and so is what it cannot read
	}
	for name, mark := range marks {
		if bytes.Contains(mark, []byte("true")) {
			*s = append(*s, name)
		}
	}
	return nil
}

func (b *builder) module(m moduleJSON, depth int) error {
	if depth > deepest {
		return fmt.Errorf("its modules are nested deeper than %d", deepest)
	}
	for _, r := range m.Resources {
		if r.Mode != "managed" || r.Deposed != "" || r.Address == "" {
			continue
		}
		for _, name := range r.Sensitive {
			r.Values.drop(name)
		}
		err := b.add(Resource{Address: r.Address, Module: m.Address, Type: r.Type, Name: r.Name, IDs: r.Values.names(), Tags: r.Values.yor()})
		if err != nil {
			return err
		}
	}
	for _, child := range m.Children {
		if err := b.module(child, depth+1); err != nil {
			return err
		}
	}
	return nil
}

// configsJSON is the configuration in a plan. It names no files, but says where
// modules of the same repository are.
type configsJSON struct {
	Root configJSON `json:"root_module"`
}

type configJSON struct {
	Calls map[string]callJSON `json:"module_calls"`
}

type callJSON struct {
	Source string     `json:"source"`
	Module configJSON `json:"module"`
}

// folders are those of the modules, from the root module's.
func (c *configsJSON) folders() map[string]string {
	if c == nil {
		return nil
	}
	out := map[string]string{"": "."}
	c.Root.into(out, "", ".", 0)
	return out
}

func (c configJSON) into(out map[string]string, module, folder string, depth int) {
	for name, call := range c.Calls {
		local := strings.HasPrefix(call.Source, "./") || strings.HasPrefix(call.Source, "../")
		if !local || depth > deepest || len(call.Source) > longest {
			continue // its code is in another repository
		}
		address := strings.TrimPrefix(module+".module."+name, ".")
		out[address] = path.Join(folder, call.Source)
		call.Module.into(out, address, out[address], depth+1)
	}
}

// withoutKeys is a module's address without the keys of its instances.
func withoutKeys(module string) string {
	var out strings.Builder
	depth, quoted := 0, false
	for i := 0; i < len(module); i++ {
		c := module[i]
		switch {
		case quoted && c == '\\':
			i++
		case c == '"' && depth > 0:
			quoted = !quoted
		case quoted:
		case c == '[':
			depth++
		case c == ']':
			depth--
		case depth == 0:
			out.WriteByte(c)
		}
	}
	return out.String()
}
