package evidence

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"cxm/internal/gitlab"
	"cxm/internal/gitlab/code"
	"cxm/internal/gitlab/people"
	"cxm/internal/gitlab/rest"
	"cxm/internal/issue"
	"cxm/internal/rule/owner/terraform"
	"cxm/internal/store/declared"
)

// asking is what one integration's GitLab is asked by, within its bounds. It is
// guarded by Witness.turn.
type asking struct {
	clock  func() time.Time
	client *gitlab.Client
	code   *code.Client

	begun time.Time // of the window
	spent int       // calls in it
	quiet time.Time // nothing is asked before, since GitLab could not be reached

	known map[string]repository // by path
}

// repository is a project with its newest commit, as of a while ago.
type repository struct {
	at      *code.Repository
	owners  bool   // CODEOWNERS was read
	trouble string // why nothing can be read of it; empty: it can
	until   time.Time
}

// filesOfFolder is how many .tf files of one folder are looked at.
const filesOfFolder = 200

// through has it ask through a client. What was opened stays with the one that
// opened it.
func (a *asking) through(client *gitlab.Client) {
	if a.client != client {
		a.client, a.code = client, code.New(client.Client, people.New(client.Client))
	}
}

// outcome is what came of a question.
type outcome int

const (
	later    outcome = iota // nothing was sent: enough was asked, or GitLab was out of reach a moment ago
	failed                  // GitLab is out of reach
	answered                // with what it said, or why it does not say it
)

// about asks about a subject.
func (a *asking) about(ctx context.Context, of declared.Subject) (said, outcome) {
	now := a.clock()
	if now.Sub(a.begun).Abs() >= window {
		a.begun, a.spent = now, 0
	}
	if a.spent >= calls || now.Before(a.quiet) {
		return said{}, later
	}
	s, err := a.sent(ctx, of)
	switch {
	case err == nil:
		s.At = now.UTC()
		return s, answered
	case lasting(err):
		return said{Trouble: err.Error()}, answered
	}
	a.quiet = now.Add(pause)
	return said{}, failed
}

// lasting says that GitLab would say the same again: it refused, rather than being
// out of reach.
func lasting(err error) bool {
	return rest.Is(err, issue.Forbidden, issue.NotFound, issue.Moved, issue.Invalid) || errors.Is(err, errNothing)
}

var errNothing = errors.New("there is nothing to read")

func (a *asking) sent(ctx context.Context, of declared.Subject) (said, error) {
	r, err := a.repository(ctx, of.Repository)
	if err != nil {
		return said{}, err
	}
	kind, where := split(of)
	if kind == aFolder {
		return a.folder(ctx, r.at, where)
	}
	return a.file(ctx, of.Repository, r, where)
}

// refusedError is what GitLab said of a repository a while ago.
type refusedError string

// Error is that.
func (e refusedError) Error() string { return string(e) }

// Is says that asking again at once is of no use.
func (refusedError) Is(target error) bool { return target == errNothing }

// repository is a project at its newest commit, which is asked for once an hour.
func (a *asking) repository(ctx context.Context, name string) (repository, error) {
	now := a.clock()
	if r, ok := a.known[name]; ok && now.Before(r.until) {
		if r.trouble != "" {
			return r, refusedError(r.trouble)
		}
		return r, nil
	}
	at, err := a.open(ctx, name)
	r := repository{at: at, until: now.Add(opened)}
	if err != nil {
		if !lasting(err) {
			return r, err
		}
		r.trouble, r.until = err.Error(), now.Add(refused)
	}
	a.known[name] = r
	return r, err
}

func (a *asking) open(ctx context.Context, name string) (*code.Repository, error) {
	a.spent += 2
	p, err := a.client.Project(ctx, name)
	if p.ID == 0 && err != nil { // one that issues cannot be made in can be read all the same
		return nil, err
	}
	at, err := a.code.Repository(ctx, p.ID)
	if err == nil && at == nil {
		err = fmt.Errorf("the repository of %s is empty: %w", p.Path, errNothing)
	}
	return at, err
}

// file asks for the owners and the authors of a file. What CODEOWNERS cannot say
// keeps nobody from asking for authors, and the other way around.
func (a *asking) file(ctx context.Context, name string, r repository, where string) (said, error) {
	var out said
	if !r.owners {
		a.spent += 3
		r.owners = true
		a.known[name] = r
	}
	owners, err := r.at.CodeOwners(ctx)
	switch {
	case err != nil && !lasting(err):
		return out, err
	case err != nil:
		out.Remarks = append(out.Remarks, "CODEOWNERS of "+name+": "+err.Error())
	case owners != nil:
		out.Owners = owners.File.Match(where)
	}
	refused := err
	a.spent++
	out.Authors, err = r.at.Authors(ctx, where)
	a.spent += min(5, len(out.Authors)) // who they are
	switch {
	case err == nil:
		out.Authors = out.Authors[:min(len(out.Authors), 10)]
		return out, nil
	case !lasting(err) || refused != nil:
		return said{}, err
	}
	out.Remarks = append(out.Remarks, "the authors of "+where+": "+err.Error())
	return out, nil
}

// folder finds out which resources the files of a folder declare.
func (a *asking) folder(ctx context.Context, r *code.Repository, where string) (said, error) {
	files, there, sent, err := r.Folder(ctx, where)
	a.spent += sent
	switch {
	case err != nil:
		return said{}, err
	case !there:
		return said{}, fmt.Errorf("there is no folder %s: %w", where, errNothing)
	}
	files = slices.DeleteFunc(files, func(f string) bool { return !strings.HasSuffix(f, ".tf") || strings.HasSuffix(f, "override.tf") })
	if len(files) > filesOfFolder {
		return said{}, fmt.Errorf("%s holds more than %d .tf files: %w", where, filesOfFolder, errNothing)
	}
	slices.Sort(files)
	out := said{Blocks: map[string]block{}}
	for _, f := range files {
		a.spent++
		if err := scan(ctx, r, f, &out); err != nil {
			return said{}, err
		}
	}
	return out, nil
}

// scan notes the resources of a file. One that cannot be read is left out.
func scan(ctx context.Context, r *code.Repository, file string, into *said) error {
	text, there, err := r.File(ctx, file)
	if err != nil && !lasting(err) || !there && err == nil {
		return err
	}
	var blocks []terraform.Block
	if err == nil {
		blocks, err = terraform.Scan(text)
	}
	if err != nil && len(into.Remarks) < 5 {
		into.Remarks = append(into.Remarks, path.Base(file)+": "+err.Error())
	}
	for _, b := range blocks {
		name := b.Type + "." + b.Name
		if _, twice := into.Blocks[name]; !twice {
			into.Blocks[name] = block{File: file, Line: b.Line}
		}
	}
	return nil
}
