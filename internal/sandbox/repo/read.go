package repo

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"path"
	"strings"
	"time"

	"github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/object"
	"github.com/go-git/go-git/v5/plumbing/storer"
)

// File is a file at a commit: the fields of GitLab's repository files API.
type File struct {
	Name, Path string
	// Size is in bytes.
	Size int64
	// SHA256 is of the content, in lower-case hexadecimal.
	SHA256 string
	// BlobID, CommitID and LastCommitID are full hashes: of the content, of
	// the commit asked for, and of the last commit that changed this path.
	BlobID, CommitID, LastCommitID string
	Executable                     bool
	Content                        []byte
}

// Entry is one line of a folder.
type Entry struct {
	// ID is the hash of the blob or tree.
	ID, Name, Path string
	// Type is "blob", "tree" or "commit" (a submodule), as GitLab names them.
	Type string
	// Mode is six octal digits: "100644".
	Mode string
}

// Commit is a commit without its files.
type Commit struct {
	ID        string
	ParentIDs []string
	// Title is the first line of Message.
	Title, Message    string
	Author, Committer Signature
	// Stats is nil in a list.
	Stats *Stats
}

// Stats counts changed lines against the first parent.
type Stats struct{ Additions, Deletions int }

// Query narrows a list of commits; its zero value asks for all of the default
// branch.
type Query struct {
	// Ref is a branch, a tag, or a commit; "" is the default branch.
	Ref string
	// Path keeps the commits that changed this file or folder; "" all.
	Path string
	// Since and Until bound the committer's time, both included; zero is open.
	Since, Until time.Time
}

// File returns the file at filePath in the commit ref leads to: ErrNoCommit
// or ErrNoFile if there is none.
func (r *Repository) File(ref, filePath string) (File, error) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	c, err := r.resolve(ref)
	if err != nil {
		return File{}, err
	}
	f, err := c.File(filePath)
	if err != nil {
		return File{}, fmt.Errorf("file %q at %q: %w", filePath, ref, ErrNoFile)
	}
	content, err := f.Contents()
	if err != nil {
		return File{}, fmt.Errorf("read file %q at %q: %w", filePath, ref, err)
	}
	last, err := r.lastChange(c, filePath)
	if err != nil {
		return File{}, err
	}
	sum := sha256.Sum256([]byte(content))
	return File{
		Name: path.Base(filePath), Path: filePath, Size: f.Size, SHA256: hex.EncodeToString(sum[:]),
		BlobID: f.Hash.String(), CommitID: c.Hash.String(), LastCommitID: last,
		Executable: f.Mode == filemode.Executable, Content: []byte(content),
	}, nil
}

// Tree lists a folder ("" is the root), folders before files as GitLab does;
// recursive goes down into every folder. A folder that is not there is
// ErrNoFile, a ref that leads nowhere ErrNoCommit.
func (r *Repository) Tree(ref, folder string, recursive bool) ([]Entry, error) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	c, err := r.resolve(ref)
	if err != nil {
		return nil, err
	}
	t, err := c.Tree()
	if folder = strings.Trim(folder, "/"); err == nil && folder != "" {
		t, err = t.Tree(folder)
	}
	if err != nil {
		return nil, fmt.Errorf("folder %q at %q: %w", folder, ref, ErrNoFile)
	}
	return r.list(t, folder, recursive)
}

func (r *Repository) list(t *object.Tree, folder string, recursive bool) ([]Entry, error) {
	var folders, files []Entry
	for _, e := range t.Entries {
		line := Entry{ID: e.Hash.String(), Name: e.Name, Path: path.Join(folder, e.Name), Type: "blob", Mode: fmt.Sprintf("%06o", uint32(e.Mode))}
		if e.Mode == filemode.Submodule {
			line.Type = "commit"
		}
		if e.Mode != filemode.Dir {
			files = append(files, line)
			continue
		}
		line.Type = "tree"
		folders = append(folders, line)
		if !recursive {
			continue
		}
		sub, err := r.git.TreeObject(e.Hash)
		if err != nil {
			return nil, fmt.Errorf("folder %q: %w", line.Path, err)
		}
		below, err := r.list(sub, line.Path, true)
		if err != nil {
			return nil, err
		}
		folders = append(folders, below...)
	}
	return append(folders, files...), nil
}

// Commits lists commits, newest first.
func (r *Repository) Commits(q Query) ([]Commit, error) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	from, err := r.resolve(q.Ref)
	if err != nil {
		return nil, err
	}
	var out []Commit
	err = r.walk(from, q.Path, func(c *object.Commit) error {
		when := c.Committer.When
		if (q.Since.IsZero() || !when.Before(q.Since)) && (q.Until.IsZero() || !when.After(q.Until)) {
			out = append(out, commitOf(c))
		}
		return nil
	})
	return out, err
}

// Commit returns one commit with its stats; ref may also be a branch or a tag.
func (r *Repository) Commit(ref string) (Commit, error) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	c, err := r.resolve(ref)
	if err != nil {
		return Commit{}, err
	}
	files, err := c.Stats()
	if err != nil {
		return Commit{}, fmt.Errorf("count lines of commit %s: %w", c.Hash, err)
	}
	out := commitOf(c)
	out.Stats = &Stats{}
	for _, f := range files {
		out.Stats.Additions += f.Addition
		out.Stats.Deletions += f.Deletion
	}
	return out, nil
}

func (r *Repository) lastChange(from *object.Commit, filePath string) (string, error) {
	last := ""
	err := r.walk(from, filePath, func(c *object.Commit) error {
		last = c.Hash.String()
		return storer.ErrStop
	})
	return last, err
}

// walk calls fn for the commits that lead to from, newest first; with a path,
// for those that changed what is there.
func (r *Repository) walk(from *object.Commit, filePath string, fn func(*object.Commit) error) error {
	log, err := r.git.Log(&git.LogOptions{From: from.Hash, Order: git.LogOrderCommitterTime})
	if err != nil {
		return fmt.Errorf("read the history of %s: %w", from.Hash, err)
	}
	err = log.ForEach(func(c *object.Commit) error {
		if changed, err := changes(c, filePath); err != nil || !changed {
			return err
		}
		return fn(c)
	})
	if err != nil {
		return fmt.Errorf("read the history of %s: %w", from.Hash, err)
	}
	return nil
}

// changes reports whether c differs at filePath from every one of its parents.
func changes(c *object.Commit, filePath string) (bool, error) {
	if filePath = strings.Trim(filePath, "/"); filePath == "" {
		return true, nil
	}
	now, err := at(c, filePath)
	if err != nil {
		return false, err
	}
	same := c.NumParents() == 0 && now.IsZero()
	err = c.Parents().ForEach(func(p *object.Commit) error {
		before, err := at(p, filePath)
		same = same || before == now
		return err
	})
	return !same, err
}

// at is the hash of what a commit has at a path, zero if nothing.
func at(c *object.Commit, filePath string) (plumbing.Hash, error) {
	t, err := c.Tree()
	if err != nil {
		return plumbing.ZeroHash, err
	}
	e, err := t.FindEntry(filePath)
	if errors.Is(err, object.ErrEntryNotFound) || errors.Is(err, object.ErrDirectoryNotFound) {
		return plumbing.ZeroHash, nil
	}
	if err != nil {
		return plumbing.ZeroHash, err
	}
	return e.Hash, nil
}

func commitOf(c *object.Commit) Commit {
	title, _, _ := strings.Cut(c.Message, "\n")
	out := Commit{ID: c.Hash.String(), Title: title, Message: c.Message, Author: signature(c.Author), Committer: signature(c.Committer)}
	for _, p := range c.ParentHashes {
		out.ParentIDs = append(out.ParentIDs, p.String())
	}
	return out
}

func signature(s object.Signature) Signature { return Signature{s.Name, s.Email, s.When} }
