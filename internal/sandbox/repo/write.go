package repo

import (
	"fmt"
	"maps"
	"slices"
	"sort"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/object"
)

// Change is one commit to make on a branch, all of it or nothing.
type Change struct {
	// Branch gets the commit. In an empty repository it comes into being;
	// elsewhere it must exist.
	Branch string
	// Message is the commit's, at least a line.
	Message string
	Author  Signature
	// Committer is who pushes it; the zero value is the author.
	Committer Signature
	// Files are the contents to put at each path; nil takes the file away,
	// which must be there (ErrNoFile). An empty slice is an empty file.
	Files map[string][]byte
}

// Write makes a commit. A change that changes nothing is ErrNothingToCommit.
func (r *Repository) Write(change Change) (Commit, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.write(change)
}

func (r *Repository) write(change Change) (Commit, error) {
	parents, root, err := r.tip(change.Branch)
	if err != nil {
		return Commit{}, err
	}
	tree, err := r.graft(root, change.Files)
	if err != nil {
		return Commit{}, fmt.Errorf("commit to %q: %w", change.Branch, err)
	}
	if tree == root && len(parents) > 0 {
		return Commit{}, fmt.Errorf("commit to %q: %w", change.Branch, ErrNothingToCommit)
	}
	by := object.Signature{Name: change.Author.Name, Email: change.Author.Email, When: change.Author.When}
	committer := by
	if c := change.Committer; c != (Signature{}) {
		committer = object.Signature{Name: c.Name, Email: c.Email, When: c.When}
	}
	hash, err := r.store(&object.Commit{Author: by, Committer: committer, Message: change.Message, TreeHash: tree, ParentHashes: parents})
	if err == nil {
		err = r.git.Storer.SetReference(plumbing.NewHashReference(plumbing.NewBranchReferenceName(change.Branch), hash))
	}
	if err != nil {
		return Commit{}, fmt.Errorf("commit to %q: %w", change.Branch, err)
	}
	c, err := r.git.CommitObject(hash)
	if err != nil {
		return Commit{}, fmt.Errorf("read commit %s back: %w", hash, err)
	}
	return commitOf(c), nil
}

// tip is where a commit on a branch starts from: no parent and no tree if the
// repository is empty.
func (r *Repository) tip(branch string) ([]plumbing.Hash, plumbing.Hash, error) {
	b, err := r.named(branch)
	if err != nil {
		if names, nerr := r.names(); nerr == nil && len(names) == 0 {
			return nil, plumbing.ZeroHash, checkName(branch)
		}
		return nil, plumbing.ZeroHash, err
	}
	hash := plumbing.NewHash(b.Commit.ID)
	c, err := r.git.CommitObject(hash)
	if err != nil {
		return nil, plumbing.ZeroHash, fmt.Errorf("branch %q: %w", branch, err)
	}
	return []plumbing.Hash{hash}, c.TreeHash, nil
}

// graft writes the tree that base (zero: none) becomes with files put in or
// taken away, and the trees below it.
func (r *Repository) graft(base plumbing.Hash, files map[string][]byte) (plumbing.Hash, error) {
	entries, err := r.entries(base)
	if err != nil {
		return plumbing.ZeroHash, err
	}
	below := map[string]map[string][]byte{}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		dir, rest, nested := strings.Cut(name, "/")
		if !sound(dir) {
			return plumbing.ZeroHash, fmt.Errorf("path %q: a part of it is not a file name", name)
		}
		if nested {
			if below[dir] == nil {
				below[dir] = map[string][]byte{}
			}
			below[dir][rest] = files[name]
			continue
		}
		if err := r.put(entries, name, files[name]); err != nil {
			return plumbing.ZeroHash, err
		}
	}
	for dir, inner := range below {
		sub, err := r.graft(folderHash(entries[dir]), inner)
		if err != nil {
			return plumbing.ZeroHash, fmt.Errorf("in folder %q: %w", dir, err)
		}
		entries[dir] = object.TreeEntry{Name: dir, Mode: filemode.Dir, Hash: sub}
	}
	return r.storeTree(entries)
}

func sound(name string) bool {
	return name != "" && name != "." && name != ".." && !strings.EqualFold(name, ".git") && !strings.Contains(name, "\x00")
}

func folderHash(e object.TreeEntry) plumbing.Hash {
	if e.Mode == filemode.Dir {
		return e.Hash
	}
	return plumbing.ZeroHash
}

func (r *Repository) entries(tree plumbing.Hash) (map[string]object.TreeEntry, error) {
	out := map[string]object.TreeEntry{}
	if tree.IsZero() {
		return out, nil
	}
	t, err := r.git.TreeObject(tree)
	if err != nil {
		return nil, fmt.Errorf("read tree %s: %w", tree, err)
	}
	for _, e := range t.Entries {
		out[e.Name] = e
	}
	return out, nil
}

// put sets or, with nil content, takes away one file; its mode stays.
func (r *Repository) put(entries map[string]object.TreeEntry, name string, content []byte) error {
	old, there := entries[name]
	if content == nil {
		if !there || old.Mode == filemode.Dir {
			return fmt.Errorf("take away %q: %w", name, ErrNoFile)
		}
		delete(entries, name)
		return nil
	}
	blob := r.git.Storer.NewEncodedObject()
	blob.SetType(plumbing.BlobObject)
	w, err := blob.Writer()
	if err != nil {
		return fmt.Errorf("write %q: %w", name, err)
	}
	if _, err := w.Write(content); err != nil {
		return fmt.Errorf("write %q: %w", name, err)
	}
	if err := w.Close(); err != nil {
		return fmt.Errorf("write %q: %w", name, err)
	}
	hash, err := r.git.Storer.SetEncodedObject(blob)
	mode := filemode.Regular
	if there && old.Mode != filemode.Dir {
		mode = old.Mode
	}
	entries[name] = object.TreeEntry{Name: name, Mode: mode, Hash: hash}
	return err
}

// storeTree writes a tree; git keeps no empty folders, so those are left out.
func (r *Repository) storeTree(entries map[string]object.TreeEntry) (plumbing.Hash, error) {
	empty, err := r.store(&object.Tree{})
	if err != nil {
		return plumbing.ZeroHash, err
	}
	t := &object.Tree{}
	for _, e := range entries {
		if e.Mode != filemode.Dir || e.Hash != empty {
			t.Entries = append(t.Entries, e)
		}
	}
	sort.Sort(object.TreeEntrySorter(t.Entries))
	return r.store(t)
}

// encoder is what go-git's trees and commits can do.
type encoder interface {
	Encode(plumbing.EncodedObject) error
}

func (r *Repository) store(e encoder) (plumbing.Hash, error) {
	o := r.git.Storer.NewEncodedObject()
	if err := e.Encode(o); err != nil {
		return plumbing.ZeroHash, fmt.Errorf("write a git object: %w", err)
	}
	return r.git.Storer.SetEncodedObject(o)
}
