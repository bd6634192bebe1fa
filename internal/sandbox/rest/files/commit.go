package files

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"cxm/internal/sandbox/repo"
	"cxm/internal/sandbox/rest"
	"cxm/internal/sandbox/wire"
	"cxm/internal/sandbox/world/place"
	"cxm/internal/sandbox/world/refuse"
)

func commitSpec() wire.Spec {
	return wire.Spec{Params: []wire.Param{
		{Name: "branch"}, {Name: "commit_message"}, {Name: "actions", Kind: wire.Hash}, {Name: "start_branch"},
		{Name: "author_email"}, {Name: "author_name"}, {Name: "stats", Kind: wire.Boolean, Default: true},
		{Name: "force", Kind: wire.Boolean}, {Name: "allow_empty", Kind: wire.Boolean},
	}}
}

// createCommit commits to a branch, all actions of it or none. It has neither
// start_sha nor start_project, and no chmod.
func (s *Store) createCommit(r *rest.Request) (wire.Answer, error) {
	p, code, err := s.open(r)
	if err != nil {
		return wire.Answer{}, err
	}
	branch := r.Params.String("branch")
	if err := s.mayPush(r, p, branch); err != nil {
		return wire.Answer{}, err
	}
	actions, err := actionsOf(r.Params)
	if err != nil {
		return wire.Answer{}, err
	}
	if err := s.onBranch(r, code, branch); err != nil {
		return wire.Answer{}, err
	}
	change := repo.Change{Branch: branch, Message: r.Params.String("commit_message"), Author: s.now(), Files: map[string][]byte{}}
	change.Author.Name, change.Author.Email = r.Caller.Name, r.Caller.Email
	change.Committer = change.Author
	if name := r.Params.String("author_name"); name != "" {
		change.Author.Name = name
	}
	if email := r.Params.String("author_email"); email != "" {
		change.Author.Email = email
	}
	for _, a := range actions {
		if err := a.into(change.Files, code, branch); err != nil {
			return wire.Answer{}, err
		}
	}
	made, err := code.Write(change)
	if err != nil {
		return wire.Answer{}, refused(err, "", "")
	}
	if p.DefaultBranch == "" {
		p.DefaultBranch = code.DefaultBranch()
	}
	a, err := s.detail(r, p, code, made.ID)
	a.Status = 201
	return a, err
}

// mayPush says whether the caller may push to a branch: the default branch is
// protected, for Maintainers to push.
func (s *Store) mayPush(r *rest.Request, p *place.Project, branch string) error {
	least := place.Developer
	if branch == p.DefaultBranch {
		least = place.Maintainer
	}
	if r.W.Places.Role(r.Caller, p) < least || !p.Writable() {
		return refuse.Denied("You are not allowed to push into this branch")
	}
	return nil
}

// onBranch makes the branch that start_branch asks for.
func (s *Store) onBranch(r *rest.Request, code *repo.Repository, branch string) error {
	_, err := code.Branch(branch)
	there, start := err == nil, r.Params.String("start_branch")
	switch {
	case there && start != "" && start != branch && !r.Params.Bool("force"):
		return refuse.BadAs("A branch called '" + branch + "' already exists. Switch to that branch in order to make changes")
	case there || code.Empty():
		return nil
	case start == "":
		return refuse.BadAs("You can only create or edit files when you are on a branch")
	}
	by := s.now()
	by.Name, by.Email = r.Caller.Name, r.Caller.Email
	_, err = code.CreateBranch(branch, start, by)
	return refused(err, branch, start)
}

// action is one of a commit's.
type action struct {
	verb, path, previous, lastCommit string
	content                          []byte
	given                            bool // content was
}

// actionsOf reads the actions, with GitLab's complaints in its order.
func actionsOf(p wire.Params) ([]action, error) {
	for _, name := range []string{"branch", "commit_message"} {
		if strings.TrimSpace(p.String(name)) == "" {
			return nil, refuse.BadRequest(name + " is required")
		}
	}
	list, ok := p.Raw("actions").([]any)
	switch {
	case !ok && p.Given("actions"):
		return nil, refuse.BadRequest("actions must be an array")
	case len(list) == 0 && !p.Bool("allow_empty"):
		return nil, refuse.BadRequest("Provide at least one action, or set allow_empty to true")
	}
	var out []action
	for i, each := range list {
		a, fault := actionOf(each)
		if fault != "" {
			return nil, refuse.BadRequest(fmt.Sprintf("actions[%d]%s", i, fault))
		}
		out = append(out, a)
	}
	return out, nil
}

func actionOf(raw any) (a action, fault string) {
	fields, ok := raw.(map[string]any)
	if !ok {
		return a, " must be an object"
	}
	text := func(name string) string { s, _ := fields[name].(string); return s }
	a = action{verb: text("action"), path: strings.Trim(text("file_path"), "/"), previous: strings.Trim(text("previous_path"), "/"), lastCommit: text("last_commit_id")}
	_, a.given = fields["content"]
	a.content = []byte(text("content"))
	switch {
	case a.verb == "chmod":
		return a, "[action]: the sandbox changes no file modes"
	case a.verb != "create" && a.verb != "update" && a.verb != "delete" && a.verb != "move":
		return a, "[action] must be one of: create, update, move, delete, chmod"
	case a.path == "":
		return a, "[file_path] is required"
	case a.verb == "move" && a.previous == "":
		return a, "[previous_path] is required for move action"
	case a.verb == "update" && !a.given:
		return a, "[content] is required for update action"
	}
	if text("encoding") == "base64" {
		decoded, err := base64.StdEncoding.DecodeString(text("content"))
		if err != nil {
			return a, "[content] is invalid base64"
		}
		a.content = decoded
	}
	return a, ""
}

// into puts what the action changes into files.
func (a action) into(files map[string][]byte, code *repo.Repository, branch string) error {
	source := a.path
	if a.verb == "move" {
		source = a.previous
	}
	old, err := code.File(branch, source)
	there := err == nil
	if err != nil && !errors.Is(err, repo.ErrNoFile) && !code.Empty() {
		return refused(err, "", "")
	}
	if put, changed := files[source]; changed {
		there = put != nil
	}
	switch {
	case a.verb == "create" && there:
		return refuse.BadAs("A file with this name already exists")
	case a.verb != "create" && !there:
		return refuse.BadAs("A file with this name doesn't exist")
	case a.lastCommit != "" && a.lastCommit != old.LastCommitID:
		return refuse.BadAs("The file has changed since you started editing it: " + source)
	case a.verb == "delete":
		files[a.path] = nil
		return nil
	case a.verb == "move":
		files[source] = nil
		if !a.given {
			a.content = old.Content
		}
	}
	files[a.path] = append([]byte{}, a.content...)
	return nil
}
