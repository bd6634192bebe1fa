package files

import (
	"time"

	"cxm/internal/sandbox/repo"
	"cxm/internal/sandbox/rest"
	"cxm/internal/sandbox/world/place"
)

type commit struct {
	ID               string            `json:"id"`
	ShortID          string            `json:"short_id"`
	CreatedAt        string            `json:"created_at"`
	ParentIDs        []string          `json:"parent_ids"`
	Title            string            `json:"title"`
	Message          string            `json:"message"`
	AuthorName       string            `json:"author_name"`
	AuthorEmail      string            `json:"author_email"`
	AuthoredDate     string            `json:"authored_date"`
	CommitterName    string            `json:"committer_name"`
	CommitterEmail   string            `json:"committer_email"`
	CommittedDate    string            `json:"committed_date"`
	Trailers         map[string]string `json:"trailers"`
	ExtendedTrailers map[string]string `json:"extended_trailers"`
	WebURL           string            `json:"web_url"`
}

type stats struct {
	Additions int `json:"additions"`
	Deletions int `json:"deletions"`
	Total     int `json:"total"`
}

type commitDetail struct {
	commit
	Stats        *stats  `json:"stats,omitempty"`
	Status       *string `json:"status"`
	ProjectID    int64   `json:"project_id"`
	LastPipeline *string `json:"last_pipeline"`
}

type branch struct {
	Name               string `json:"name"`
	Commit             commit `json:"commit"`
	Merged             bool   `json:"merged"`
	Protected          bool   `json:"protected"`
	DevelopersCanPush  bool   `json:"developers_can_push"`
	DevelopersCanMerge bool   `json:"developers_can_merge"`
	CanPush            bool   `json:"can_push"`
	Default            bool   `json:"default"`
	WebURL             string `json:"web_url"`
}

type fileView struct {
	FileName     string `json:"file_name"`
	FilePath     string `json:"file_path"`
	Size         int64  `json:"size"`
	Encoding     string `json:"encoding"`
	SHA256       string `json:"content_sha256"`
	Ref          string `json:"ref"`
	BlobID       string `json:"blob_id"`
	CommitID     string `json:"commit_id"`
	LastCommitID string `json:"last_commit_id"`
	Executable   bool   `json:"execute_filemode"`
	Content      string `json:"content"`
}

type treeEntry struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	Type string `json:"type"`
	Path string `json:"path"`
	Mode string `json:"mode"`
}

// gitDate writes a commit's time as GitLab does, with its own zone.
func gitDate(t time.Time) string { return t.Format("2006-01-02T15:04:05.000-07:00") }

func commitView(r *rest.Request, p *place.Project, c repo.Commit) commit {
	return commit{
		ID: c.ID, ShortID: c.ID[:8], CreatedAt: gitDate(c.Committer.When), ParentIDs: append([]string{}, c.ParentIDs...),
		Title: c.Title, Message: c.Message, AuthorName: c.Author.Name, AuthorEmail: c.Author.Email,
		AuthoredDate: gitDate(c.Author.When), CommitterName: c.Committer.Name, CommitterEmail: c.Committer.Email,
		CommittedDate: gitDate(c.Committer.When), Trailers: map[string]string{}, ExtendedTrailers: map[string]string{},
		WebURL: r.Base + "/" + r.W.Places.ProjectPath(p) + "/-/commit/" + c.ID,
	}
}

// branchView shows a branch; the default branch is protected, as on a fresh
// project, for Maintainers to push.
func branchView(r *rest.Request, p *place.Project, b repo.Branch) branch {
	least := place.Developer
	if b.Default {
		least = place.Maintainer
	}
	return branch{
		Name: b.Name, Commit: commitView(r, p, b.Commit), Protected: b.Default, CanPush: r.W.Places.Role(r.Caller, p) >= least,
		Default: b.Default, WebURL: r.Base + "/" + r.W.Places.ProjectPath(p) + "/-/tree/" + b.Name,
	}
}

func treeView(e repo.Entry) treeEntry {
	return treeEntry{ID: e.ID, Name: e.Name, Type: e.Type, Path: e.Path, Mode: e.Mode}
}
