// Package repo is a project's git repository, held in memory: real objects
// with real hashes, on go-git. It knows nothing of HTTP, users or projects;
// what its names mean to GitLab's REST API is said where it matters.
//
// What always holds: every object a reference leads to is there; a branch
// points at a commit; the default branch is HEAD's target, also while the
// repository is empty; a Repository may be used from several goroutines.
package repo

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/object"
	"github.com/go-git/go-git/v5/storage/memory"
)

// Errors that GitLab answers differently; test for them with errors.Is.
var (
	// ErrBranchExists is GitLab's 400 "Branch already exists".
	ErrBranchExists = errors.New("branch already exists")
	// ErrBranchName is GitLab's 400 "Branch name is invalid".
	ErrBranchName = errors.New("branch name is invalid")
	// ErrBranchConflict is a name that is a folder of another, or the other
	// way round: "a" beside "a/b".
	ErrBranchConflict = errors.New("branch name conflicts with existing branch hierarchy")
	// ErrNoBranch is GitLab's "404 Branch Not Found".
	ErrNoBranch = errors.New("no such branch")
	// ErrNoCommit is GitLab's "404 Commit Not Found": the ref leads nowhere.
	ErrNoCommit = errors.New("no such commit")
	// ErrNoFile is GitLab's "404 File Not Found", or its tree's.
	ErrNoFile = errors.New("no such file")
	// ErrNothingToCommit is a change that leaves every file as it was.
	ErrNothingToCommit = errors.New("nothing to commit")
)

// Signature says who did something to the repository, and when.
type Signature struct {
	Name, Email string
	When        time.Time
}

// Branch is a name for a commit.
type Branch struct {
	Name   string
	Commit Commit
	// Default says whether it is the repository's default branch.
	Default bool
}

// Repository is one bare git repository.
type Repository struct {
	mu     sync.RWMutex
	git    *git.Repository
	branch string
}

// New makes a repository whose default branch is defaultBranch ("" means
// "main"). Its first commit, "Initial commit", holds README.md with the text
// readme; "" leaves the repository empty, with no commit at all.
func New(defaultBranch, readme string, author Signature) (*Repository, error) {
	branch := cmp.Or(defaultBranch, "main")
	if err := checkName(branch); err != nil {
		return nil, fmt.Errorf("make a repository with default branch %q: %w", branch, err)
	}
	g, err := git.InitWithOptions(memory.NewStorage(), nil, git.InitOptions{DefaultBranch: plumbing.NewBranchReferenceName(branch)})
	if err != nil {
		return nil, fmt.Errorf("make a repository with default branch %q: %w", branch, err)
	}
	r := &Repository{git: g, branch: branch}
	if readme == "" {
		return r, nil
	}
	_, err = r.Write(Change{Branch: branch, Message: "Initial commit", Author: author, Files: map[string][]byte{"README.md": []byte(readme)}})
	return r, err
}

// DefaultBranch is the branch HEAD names; it does not exist while the
// repository is empty.
func (r *Repository) DefaultBranch() string { return r.branch }

// Empty reports whether the repository has no branch.
func (r *Repository) Empty() bool {
	branches, err := r.Branches()
	return err == nil && len(branches) == 0
}

// Branches returns all branches in order of their names.
func (r *Repository) Branches() ([]Branch, error) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	names, err := r.names()
	if err != nil {
		return nil, err
	}
	out := make([]Branch, 0, len(names))
	for _, name := range names {
		b, err := r.named(name)
		if err != nil {
			return nil, err
		}
		out = append(out, b)
	}
	return out, nil
}

// Branch returns one branch, or ErrNoBranch.
func (r *Repository) Branch(name string) (Branch, error) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.named(name)
}

// CreateBranch makes a branch at ref: a branch, a tag, a commit, or "HEAD".
// On an empty repository it first commits an empty README.md to the default
// branch, as GitLab does, whatever ref says; by then signs that commit.
func (r *Repository) CreateBranch(name, ref string, by Signature) (Branch, error) {
	if err := checkName(name); err != nil {
		return Branch{}, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	names, err := r.names()
	if err != nil {
		return Branch{}, err
	}
	if len(names) == 0 {
		change := Change{Branch: r.branch, Message: "Add README.md", Author: by, Files: map[string][]byte{"README.md": {}}}
		if _, err := r.write(change); err != nil || name == r.branch {
			return r.orNamed(name, err)
		}
		ref = r.branch
	}
	if err := checkFree(name, names); err != nil {
		return Branch{}, err
	}
	c, err := r.resolve(ref)
	if err != nil {
		return Branch{}, err
	}
	return r.orNamed(name, r.git.Storer.SetReference(plumbing.NewHashReference(plumbing.NewBranchReferenceName(name), c.Hash)))
}

// DeleteBranch removes a branch, not its commits.
func (r *Repository) DeleteBranch(name string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, err := r.named(name); err != nil {
		return err
	}
	return r.git.Storer.RemoveReference(plumbing.NewBranchReferenceName(name))
}

func (r *Repository) orNamed(name string, err error) (Branch, error) {
	if err != nil {
		return Branch{}, fmt.Errorf("create branch %q: %w", name, err)
	}
	return r.named(name)
}

func (r *Repository) named(name string) (Branch, error) {
	ref, err := r.git.Storer.Reference(plumbing.NewBranchReferenceName(name))
	if err != nil {
		return Branch{}, fmt.Errorf("branch %q: %w", name, ErrNoBranch)
	}
	c, err := r.git.CommitObject(ref.Hash())
	if err != nil {
		return Branch{}, fmt.Errorf("branch %q: %w", name, err)
	}
	return Branch{Name: name, Commit: commitOf(c), Default: name == r.branch}, nil
}

func (r *Repository) names() ([]string, error) {
	refs, err := r.git.Branches()
	if err != nil {
		return nil, fmt.Errorf("list branches: %w", err)
	}
	var names []string
	err = refs.ForEach(func(ref *plumbing.Reference) error {
		names = append(names, ref.Name().Short())
		return nil
	})
	slices.Sort(names)
	return names, err
}

// resolve finds the commit of a branch, a tag, "HEAD" (also ""), or a hash of
// at least seven digits, in this order.
func (r *Repository) resolve(ref string) (*object.Commit, error) {
	if ref == "" || ref == "HEAD" {
		ref = r.branch
	}
	for _, name := range []plumbing.ReferenceName{plumbing.NewBranchReferenceName(ref), plumbing.NewTagReferenceName(ref), plumbing.ReferenceName(ref)} {
		if found, err := r.git.Reference(name, true); err == nil {
			return r.git.CommitObject(found.Hash())
		}
	}
	if len(ref) >= 7 && len(ref) <= 40 && strings.Trim(ref, "0123456789abcdef") == "" {
		if hash, err := r.git.ResolveRevision(plumbing.Revision(ref)); err == nil {
			return r.git.CommitObject(*hash)
		}
	}
	return nil, fmt.Errorf("ref %q: %w", ref, ErrNoCommit)
}

// checkName holds a branch name to git's rules (git help check-ref-format),
// and to GitLab's: not HEAD, and nothing that looks like a full reference or a
// commit.
func checkName(name string) error {
	bad := name == "" || name == "HEAD" || strings.HasPrefix(name, "-") || strings.HasPrefix(name, "refs/heads/") ||
		len(name) == 40 && strings.Trim(name, "0123456789abcdef") == ""
	if bad || plumbing.NewBranchReferenceName(name).Validate() != nil {
		return fmt.Errorf("branch %q: %w", name, ErrBranchName)
	}
	return nil
}

func checkFree(name string, taken []string) error {
	for _, other := range taken {
		if other == name {
			return fmt.Errorf("branch %q: %w", name, ErrBranchExists)
		}
		if strings.HasPrefix(other, name+"/") || strings.HasPrefix(name, other+"/") {
			return fmt.Errorf("branch %q beside %q: %w", name, other, ErrBranchConflict)
		}
	}
	return nil
}
