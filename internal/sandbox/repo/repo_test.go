package repo_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cxm/internal/sandbox/repo"
)

func by(minute int) repo.Signature {
	return repo.Signature{Name: "bot", Email: "bot@example.com", When: time.Date(2026, 1, 2, 3, minute, 0, 0, time.UTC)}
}

func withReadme(t *testing.T) *repo.Repository {
	t.Helper()
	r, err := repo.New("", "# acme\n", by(0))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func write(t *testing.T, r *repo.Repository, minute int, branch string, files map[string][]byte) repo.Commit {
	t.Helper()
	c, err := r.Write(repo.Change{Branch: branch, Message: "change\n\nbecause", Author: by(minute), Files: files})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// The hashes are those git itself gives: printf '# acme\n' | git hash-object
// --stdin, and git commit-tree with the same names and times.
func TestObjectsAreGits(t *testing.T) {
	r := withReadme(t)
	f, err := r.File("HEAD", "README.md")
	if err != nil {
		t.Fatal(err)
	}
	want := repo.File{
		Name: "README.md", Path: "README.md", Size: 7, Content: []byte("# acme\n"),
		SHA256:   "a44ba81a061a68b7dd1eccbb8d9367ee99d163da24a98b64d99165efacc7f73c",
		BlobID:   "e963d591be3a25647da34aca83b098e04c43f28f",
		CommitID: "4881a4e579131970e8ea7ea7174a3474e11f1cac", LastCommitID: "4881a4e579131970e8ea7ea7174a3474e11f1cac",
	}
	if diff := cmp.Diff(want, f); diff != "" {
		t.Error(diff)
	}
}

func TestEmptyRepository(t *testing.T) {
	r, err := repo.New("trunk", "", by(0))
	if err != nil {
		t.Fatal(err)
	}
	if !r.Empty() || r.DefaultBranch() != "trunk" {
		t.Errorf("empty %v, default branch %q", r.Empty(), r.DefaultBranch())
	}
	if _, err := r.Commits(repo.Query{}); !errors.Is(err, repo.ErrNoCommit) {
		t.Errorf("commits of an empty repository: %v", err)
	}
	if _, err := r.File("trunk", "README.md"); !errors.Is(err, repo.ErrNoCommit) {
		t.Errorf("file of an empty repository: %v", err)
	}
	b, err := r.CreateBranch("work", "main", by(1))
	if err != nil {
		t.Fatal(err)
	}
	if f, err := r.File("trunk", "README.md"); err != nil || f.Size != 0 || f.CommitID != b.Commit.ID {
		t.Errorf("the first branch brings README.md on the default branch: %+v, %v", f, err)
	}
	if r.Empty() {
		t.Error("still empty")
	}
}

func TestBranches(t *testing.T) {
	r := withReadme(t)
	tip, _ := r.Branch("main")
	for _, ref := range []string{"main", "HEAD", "", tip.Commit.ID, tip.Commit.ID[:8], "refs/heads/main"} {
		b, err := r.CreateBranch("from-"+strings.ReplaceAll(ref, "/", "-")+"x", ref, by(1))
		if err != nil || b.Commit.ID != tip.Commit.ID || b.Default {
			t.Errorf("branch at %q: %+v, %v", ref, b, err)
		}
	}
	if _, err := r.CreateBranch("work/1", "main", by(1)); err != nil {
		t.Error(err)
	}
	for name, want := range map[string]error{
		"work": repo.ErrBranchConflict,
		"main": repo.ErrBranchExists, "main/a": repo.ErrBranchConflict, "": repo.ErrBranchName, "a b": repo.ErrBranchName,
		"a..b": repo.ErrBranchName, "HEAD": repo.ErrBranchName, "-a": repo.ErrBranchName, "a.lock": repo.ErrBranchName, tip.Commit.ID: repo.ErrBranchName,
	} {
		if _, err := r.CreateBranch(name, "main", by(1)); !errors.Is(err, want) {
			t.Errorf("branch %q: %v, want %v", name, err, want)
		}
	}
	if _, err := r.CreateBranch("a", "nowhere", by(1)); !errors.Is(err, repo.ErrNoCommit) {
		t.Errorf("branch at nowhere: %v", err)
	}
	if err := r.DeleteBranch("from-x"); err != nil {
		t.Error(err)
	}
	if _, err := r.Branch("from-x"); !errors.Is(err, repo.ErrNoBranch) {
		t.Errorf("deleted branch: %v", err)
	}
	all, err := r.Branches()
	if err != nil || len(all) != 7 || all[0].Name > all[1].Name {
		t.Errorf("%d branches, %v", len(all), err)
	}
}

func TestTreeAndHistory(t *testing.T) {
	r := withReadme(t)
	first, _ := r.Branch("main")
	second := write(t, r, 1, "main", map[string][]byte{"infra/net/main.tf": []byte("a\nb\n"), "infra/vars.tf": {}, "z": []byte("z")})
	third := write(t, r, 2, "main", map[string][]byte{"infra/net/main.tf": []byte("a\nc\nd\n"), "z": nil})

	tree, err := r.Tree("main", "", true)
	if err != nil {
		t.Fatal(err)
	}
	var paths []string
	for _, e := range tree {
		paths = append(paths, e.Mode+" "+e.Type+" "+e.Path)
	}
	if diff := cmp.Diff([]string{"040000 tree infra", "040000 tree infra/net", "100644 blob infra/net/main.tf", "100644 blob infra/vars.tf", "100644 blob README.md"}, paths); diff != "" {
		t.Errorf("tree (-want +got):\n%s", diff)
	}
	if _, err := r.Tree("main", "nowhere", false); !errors.Is(err, repo.ErrNoFile) {
		t.Errorf("folder nowhere: %v", err)
	}
	for q, want := range map[repo.Query][]string{
		{}:                                     {third.ID, second.ID, first.Commit.ID},
		{Path: "infra"}:                        {third.ID, second.ID},
		{Path: "infra/vars.tf"}:                {second.ID},
		{Path: "z"}:                            {third.ID, second.ID},
		{Path: "README.md"}:                    {first.Commit.ID},
		{Ref: second.ID}:                       {second.ID, first.Commit.ID},
		{Since: by(1).When, Until: by(1).When}: {second.ID},
	} {
		got, err := r.Commits(q)
		if err != nil {
			t.Fatal(err)
		}
		var ids []string
		for _, c := range got {
			ids = append(ids, c.ID)
		}
		if diff := cmp.Diff(want, ids); diff != "" {
			t.Errorf("commits of %+v (-want +got):\n%s", q, diff)
		}
	}
	f, err := r.File("main", "infra/vars.tf")
	if err != nil || f.CommitID != third.ID || f.LastCommitID != second.ID {
		t.Errorf("last change of vars.tf: %+v, %v", f, err)
	}
	if _, err := r.File("main", "infra"); !errors.Is(err, repo.ErrNoFile) {
		t.Errorf("a folder as a file: %v", err)
	}
	c, err := r.Commit("main")
	if err != nil || c.Stats == nil || *c.Stats != (repo.Stats{Additions: 2, Deletions: 2}) || c.Title != "change" || len(c.ParentIDs) != 1 {
		t.Errorf("commit: %+v %+v, %v", c, c.Stats, err)
	}
}

func TestWriteAllOrNothing(t *testing.T) {
	r := withReadme(t)
	before, _ := r.Branch("main")
	for name, tt := range map[string]struct {
		change repo.Change
		want   error
	}{
		"no such branch": {repo.Change{Branch: "work", Files: map[string][]byte{"a": {}}}, repo.ErrNoBranch},
		"no such file":   {repo.Change{Branch: "main", Files: map[string][]byte{"a": {1}, "b": nil}}, repo.ErrNoFile},
		"nothing":        {repo.Change{Branch: "main", Files: map[string][]byte{"README.md": []byte("# acme\n")}}, repo.ErrNothingToCommit},
		"out of it":      {repo.Change{Branch: "main", Files: map[string][]byte{"a/../../b": {}}}, nil},
		"into .git":      {repo.Change{Branch: "main", Files: map[string][]byte{"a/.GIT/config": {}}}, nil},
	} {
		_, err := r.Write(tt.change)
		if err == nil || tt.want != nil && !errors.Is(err, tt.want) {
			t.Errorf("%s: %v, want %v", name, err, tt.want)
		}
	}
	if after, _ := r.Branch("main"); after.Commit.ID != before.Commit.ID {
		t.Error("a refused change left a commit")
	}
	write(t, r, 1, "main", map[string][]byte{"a/b/c": {1}})
	write(t, r, 2, "main", map[string][]byte{"a/b/c": nil})
	if tree, err := r.Tree("main", "", true); err != nil || len(tree) != 1 {
		t.Errorf("an emptied folder stays: %v, %v", tree, err)
	}
}
