// Package log is the pages that say what was done and how cxm is: the audit log, and
// the status.
//
// What always holds: both are of the guest's tenant alone; a line of the log is shown
// as it is kept; what is wrong comes with what to do next; nothing here changes
// anything.
package log

import (
	"context"
	"embed"
	"io/fs"
	"net/http"

	"cxm/internal/integration/check"
	"cxm/internal/signin/role"
	"cxm/internal/web/page"
	"cxm/internal/web/site"
	"cxm/internal/web/ui"
)

//go:embed *.html
var files embed.FS

// Templates are those of the area.
func Templates() fs.FS { return files }

// Parts are what the area asks, beside the API. It is required.
type Parts struct{ Healths Healths }

// Healths say how cxm is.
type Healths interface {
	// Health asks nothing of GitLab.
	Health(ctx context.Context, g site.Guest) (Health, error)
	// Test runs every check of a connection, and changes nothing.
	Test(ctx context.Context, g site.Guest, integration int64) ([]check.Result, error)
}

type area struct{ Parts }

const (
	auditAt  = "/settings/audit"
	statusAt = "/settings/status"
)

// New is the area.
func New(parts Parts) site.Area {
	a := &area{parts}
	list := site.View{
		At: page.AtAudit, Title: "Audit log", Lead: "Who did what, when and why. Lines are only added; each holds the hash of the one before.",
		What: "The audit log", May: "read the audit log", Needs: role.AuditRead, Make: a.lines,
	}
	under := list
	under.Lead, under.Trail, under.List = "", []ui.Link{{Text: list.Title, URL: auditAt}}, ui.Link{Text: "Show the audit log", URL: auditAt}
	one, verified := under, under
	one.Title, one.What, one.Make = "Line of the audit log", "This line", a.line
	verified.Title, verified.What, verified.Make = "Verification of the audit log", "The verification", a.verify
	status := site.View{
		At: page.AtStatus, Title: "Status", Lead: "How cxm is for this tenant: what needs somebody, what waits, and what it works with.",
		What: "The status", May: "see how cxm is", Needs: role.Read, Make: a.status,
	}
	checked := status
	checked.Needs, checked.May = role.Plan, "run the checks"
	return site.Area{
		Templates: files,
		Views:     map[string]site.View{auditAt: list, auditAt + "/{sequence}": one, auditAt + "/verification": verified, statusAt: status},
		Forms:     map[string]site.Form{statusAt: {View: checked, Do: a.check}},
		Files:     map[string]site.File{auditAt + ".jsonl": {View: list, Write: a.export("jsonl", "application/x-ndjson")}, auditAt + ".csv": {View: list, Write: a.export("csv", "text/csv; charset=utf-8")}},
	}
}

func (a *area) export(format, kind string) func(http.ResponseWriter, *http.Request, site.Guest) error {
	return func(w http.ResponseWriter, r *http.Request, g site.Guest) error {
		since, until, fault := span(r.URL.Query())
		if fault != "" {
			http.Error(w, fault, http.StatusBadRequest)
			return nil
		}
		w.Header().Set("Content-Type", kind)
		w.Header().Set("Content-Disposition", `attachment; filename="audit-`+g.Tenant+`.`+format+`"`)
		_, err := g.API.Exports.Export(r.Context(), w, format, since, until)
		return err
	}
}
