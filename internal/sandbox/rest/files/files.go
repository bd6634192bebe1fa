package files

import (
	"encoding/base64"
	"errors"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"cxm/internal/sandbox/repo"
	"cxm/internal/sandbox/rest"
	"cxm/internal/sandbox/wire"
	"cxm/internal/sandbox/world/place"
	"cxm/internal/sandbox/world/refuse"
)

const base = "/projects/{id}/repository"

// Routes gives the package's endpoints.
func Routes(s *Store) []rest.Route {
	page := wire.Pagination()
	branches := wire.Spec{Params: rest.Params([]wire.Param{{Name: "search"}, {Name: "regex"}, {Name: "sort"}}, page)}
	create := wire.Spec{Params: []wire.Param{{Name: "branch", Required: true}, {Name: "ref", Required: true}}}
	file := wire.Spec{Params: []wire.Param{{Name: "ref", Required: true}}}
	raw := wire.Spec{Params: []wire.Param{{Name: "ref"}, {Name: "lfs", Kind: wire.Boolean}}}
	tree := wire.Spec{Params: rest.Params([]wire.Param{{Name: "path"}, {Name: "ref"}, {Name: "recursive", Kind: wire.Boolean}, {Name: "pagination"}}, page)}
	commits := wire.Spec{Params: rest.Params([]wire.Param{
		{Name: "ref_name"}, {Name: "path"}, {Name: "since", Kind: wire.Time}, {Name: "until", Kind: wire.Time},
		{Name: "all", Kind: wire.Boolean}, {Name: "with_stats", Kind: wire.Boolean}, {Name: "first_parent", Kind: wire.Boolean},
	}, page)}
	one := wire.Spec{Params: []wire.Param{{Name: "stats", Kind: wire.Boolean, Default: true}}}
	return []rest.Route{
		{Method: "GET", Path: base + "/branches", Access: rest.Anyone, Spec: branches, Handle: s.listBranches},
		{Method: "POST", Path: base + "/branches", Spec: create, Handle: s.createBranch},
		{Method: "GET", Path: base + "/branches/{branch}", Access: rest.Anyone, Handle: s.oneBranch},
		{Method: "HEAD", Path: base + "/branches/{branch}", Access: rest.Anyone, Handle: s.hasBranch},
		{Method: "DELETE", Path: base + "/branches/{branch}", Handle: s.deleteBranch},
		{Method: "GET", Path: base + "/files/{file_path}", Access: rest.Anyone, Scopes: []string{"read_repository"}, Spec: file, Handle: s.file},
		{Method: "GET", Path: base + "/files/{file_path}/raw", Access: rest.Anyone, Scopes: []string{"read_repository"}, Spec: raw, Handle: s.rawFile},
		{Method: "GET", Path: base + "/tree", Access: rest.Anyone, Spec: tree, Handle: s.tree},
		{Method: "GET", Path: base + "/commits", Access: rest.Anyone, Spec: commits, Handle: s.commits},
		{Method: "POST", Path: base + "/commits", Spec: commitSpec(), Handle: s.createCommit},
		{Method: "GET", Path: base + "/commits/{sha}", Access: rest.Anyone, Spec: one, Handle: s.commit},
		{Method: "GET", Path: base + "/commits/{sha}/signature", Access: rest.Anyone, Handle: s.signature},
	}
}

// open finds the path's project and its repository for those who may read code.
func (s *Store) open(r *rest.Request) (*place.Project, *repo.Repository, error) {
	p, err := r.Project()
	if err != nil {
		return nil, nil, err
	}
	if p.Visibility == place.Private && r.W.Places.Role(r.Caller, p) < place.Reporter {
		return nil, nil, refuse.Denied("")
	}
	code, err := s.of(p)
	return p, code, err
}

// refused turns the repository's errors into GitLab's.
func refused(err error, name, ref string) error {
	switch {
	case errors.Is(err, repo.ErrBranchExists):
		return refuse.BadAs("Branch already exists")
	case errors.Is(err, repo.ErrBranchName):
		return refuse.BadAs("Branch name is invalid")
	case errors.Is(err, repo.ErrBranchConflict):
		return refuse.BadAs("Failed to create branch '" + name + "': Branch name conflicts with existing branch hierarchy.")
	case errors.Is(err, repo.ErrNoBranch):
		return refuse.NotFound("Branch")
	case errors.Is(err, repo.ErrNoCommit) && name != "":
		return refuse.BadAs("Failed to create branch '" + name + "': invalid reference name '" + ref + "'")
	case errors.Is(err, repo.ErrNoCommit):
		return refuse.NotFound("Commit")
	case errors.Is(err, repo.ErrNoFile):
		return refuse.NotFound("File")
	}
	return err
}

func (s *Store) listBranches(r *rest.Request) (wire.Answer, error) {
	p, code, err := s.open(r)
	if err != nil {
		return wire.Answer{}, err
	}
	found, err := code.Branches()
	if err != nil {
		return wire.Answer{}, err
	}
	keep, err := branchFilter(r.Params)
	if err != nil {
		return wire.Answer{}, err
	}
	found = slices.DeleteFunc(found, func(b repo.Branch) bool { return !keep(b.Name) })
	return rest.Paged(r, found, func(b repo.Branch) branch { return branchView(r, p, b) })
}

// branchFilter reads search (with ^ and $ as anchors) and regex.
func branchFilter(p wire.Params) (func(string) bool, error) {
	search := p.String("search")
	begin, end := strings.HasPrefix(search, "^"), strings.HasSuffix(search, "$")
	search = strings.TrimSuffix(strings.TrimPrefix(search, "^"), "$")
	expression, err := regexp.Compile(p.String("regex"))
	if err != nil {
		return nil, refuse.BadRequest("Invalid regexp: " + err.Error())
	}
	return func(name string) bool {
		switch {
		case !expression.MatchString(name), begin && !strings.HasPrefix(name, search), end && !strings.HasSuffix(name, search):
			return false
		}
		return strings.Contains(name, search)
	}, nil
}

func (s *Store) oneBranch(r *rest.Request) (wire.Answer, error) {
	p, code, err := s.open(r)
	if err != nil {
		return wire.Answer{}, err
	}
	b, err := code.Branch(r.Path("branch"))
	if err != nil {
		return wire.Answer{}, refused(err, "", "")
	}
	return wire.OK(branchView(r, p, b)), nil
}

func (s *Store) hasBranch(r *rest.Request) (wire.Answer, error) {
	if _, err := s.oneBranch(r); err != nil {
		return wire.Answer{}, err
	}
	return wire.NoContent(), nil
}

// pushable opens the repository for those who may push.
func (s *Store) pushable(r *rest.Request) (*place.Project, *repo.Repository, error) {
	p, code, err := s.open(r)
	if err == nil && (r.W.Places.Role(r.Caller, p) < place.Developer || !p.Writable()) {
		err = refuse.Denied("")
	}
	return p, code, err
}

func (s *Store) createBranch(r *rest.Request) (wire.Answer, error) {
	p, code, err := s.pushable(r)
	if err != nil {
		return wire.Answer{}, err
	}
	name, ref := r.Params.String("branch"), r.Params.String("ref")
	by := s.now()
	by.Name, by.Email = r.Caller.Name, r.Caller.Email
	b, err := code.CreateBranch(name, ref, by)
	if err != nil {
		return wire.Answer{}, refused(err, name, ref)
	}
	if p.DefaultBranch == "" {
		p.DefaultBranch, p.HasReadme = code.DefaultBranch(), true
	}
	return wire.Created(branchView(r, p, b)), nil
}

func (s *Store) deleteBranch(r *rest.Request) (wire.Answer, error) {
	p, code, err := s.pushable(r)
	if err != nil {
		return wire.Answer{}, err
	}
	if r.Path("branch") == p.DefaultBranch {
		return wire.Answer{}, refuse.DeniedAs("Protected branch cannot be deleted")
	}
	if err := code.DeleteBranch(r.Path("branch")); err != nil {
		return wire.Answer{}, refused(err, "", "")
	}
	return wire.NoContent(), nil
}

// fileAt reads the path's file at a ref; "" and HEAD are the default branch.
func (s *Store) fileAt(r *rest.Request) (repo.File, string, error) {
	_, code, err := s.open(r)
	if err != nil {
		return repo.File{}, "", err
	}
	ref := r.Params.String("ref")
	if ref == "" {
		ref = "HEAD"
	}
	f, err := code.File(ref, r.Path("file_path"))
	if err != nil {
		return repo.File{}, "", refused(err, "", "")
	}
	return f, ref, nil
}

func (s *Store) file(r *rest.Request) (wire.Answer, error) {
	f, ref, err := s.fileAt(r)
	if err != nil {
		return wire.Answer{}, err
	}
	v := fileView{
		FileName: f.Name, FilePath: f.Path, Size: f.Size, Encoding: "base64", SHA256: f.SHA256, Ref: ref, BlobID: f.BlobID,
		CommitID: f.CommitID, LastCommitID: f.LastCommitID, Executable: f.Executable, Content: base64.StdEncoding.EncodeToString(f.Content),
	}
	return withFileHeaders(wire.OK(v), f, ref), nil
}

func (s *Store) rawFile(r *rest.Request) (wire.Answer, error) {
	f, ref, err := s.fileAt(r)
	if err != nil {
		return wire.Answer{}, err
	}
	a := wire.Answer{Status: http.StatusOK, Text: &wire.Text{ContentType: "text/plain; charset=utf-8", Bytes: f.Content}}
	return withFileHeaders(a.Set("Content-Disposition", `inline; filename="`+strings.ReplaceAll(f.Name, `"`, "")+`"`), f, ref), nil
}

func withFileHeaders(a wire.Answer, f repo.File, ref string) wire.Answer {
	for name, value := range map[string]string{
		"Blob-Id": f.BlobID, "Commit-Id": f.CommitID, "Content-Sha256": f.SHA256, "Encoding": "base64", "File-Name": f.Name,
		"File-Path": f.Path, "Last-Commit-Id": f.LastCommitID, "Ref": ref, "Size": strconv.FormatInt(f.Size, 10),
		"Execute-Filemode": strconv.FormatBool(f.Executable),
	} {
		a = a.Set("X-Gitlab-"+name, value)
	}
	return a
}

func (s *Store) tree(r *rest.Request) (wire.Answer, error) {
	_, code, err := s.open(r)
	if err != nil {
		return wire.Answer{}, err
	}
	ref := r.Params.String("ref")
	if ref == "" {
		ref = "HEAD"
	}
	if code.Empty() {
		return wire.Answer{}, refuse.NotFound("Tree")
	}
	found, err := code.Tree(ref, strings.Trim(r.Params.String("path"), "/"), r.Params.Bool("recursive"))
	if errors.Is(err, repo.ErrNoFile) || errors.Is(err, repo.ErrNoCommit) {
		return wire.Answer{}, refuse.NotFound("invalid revision or path")
	}
	if err != nil {
		return wire.Answer{}, err
	}
	return rest.Paged(r, found, treeView)
}

func (s *Store) commits(r *rest.Request) (wire.Answer, error) {
	p, code, err := s.open(r)
	if err != nil {
		return wire.Answer{}, err
	}
	q := repo.Query{Ref: r.Params.String("ref_name"), Path: r.Params.String("path")}
	if at := r.Params.Time("since"); at != nil {
		q.Since = *at
	}
	if at := r.Params.Time("until"); at != nil {
		q.Until = *at
	}
	found, err := code.Commits(q)
	if err != nil && !code.Empty() {
		return wire.Answer{}, refused(err, "", "")
	}
	return rest.Paged(r, found, func(c repo.Commit) commit { return commitView(r, p, c) })
}

func (s *Store) commit(r *rest.Request) (wire.Answer, error) {
	p, code, err := s.open(r)
	if err != nil {
		return wire.Answer{}, err
	}
	return s.detail(r, p, code, r.Path("sha"))
}

// detail shows one commit.
func (s *Store) detail(r *rest.Request, p *place.Project, code *repo.Repository, sha string) (wire.Answer, error) {
	c, err := code.Commit(sha)
	if err != nil {
		return wire.Answer{}, refused(err, "", "")
	}
	v := commitDetail{commit: commitView(r, p, c), ProjectID: p.ID}
	if c.Stats != nil && r.Params.Bool("stats") {
		v.Stats = &stats{Additions: c.Stats.Additions, Deletions: c.Stats.Deletions, Total: c.Stats.Additions + c.Stats.Deletions}
	}
	return wire.OK(v), nil
}

// signature answers for a commit's signature: none is signed.
func (s *Store) signature(r *rest.Request) (wire.Answer, error) {
	_, code, err := s.open(r)
	if err != nil {
		return wire.Answer{}, err
	}
	if _, err := code.Commit(r.Path("sha")); err != nil {
		return wire.Answer{}, refused(err, "", "")
	}
	return wire.Answer{}, refuse.NotFound("Signature")
}
