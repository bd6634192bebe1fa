package api

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"cxm/internal/signin/role"
)

// Exports write the audit log.
type Exports interface {
	// Export writes it in a format, jsonl or csv, and says where it ends.
	Export(ctx context.Context, w io.Writer, format string, since, until time.Time) (AuditHead, error)
}

// AuditHead is where the audit log ends.
type AuditHead struct {
	Sequence int64
	Hash     string
}

// The trailers of an export that say where the log ends. An export without them did
// not come whole.
const (
	TrailerSequence = "Cxm-Audit-Sequence"
	TrailerHash     = "Cxm-Audit-Hash"
)

const (
	typeJSONL = "application/x-ndjson"
	typeCSV   = "text/csv"
)

// exportType is the media type of a format.
func exportType(format string) string {
	if format == "csv" {
		return typeCSV
	}
	return typeJSONL
}

func addExports(a *API) {
	add(a, operation{id: "export-audit", at: "GET /v1/audit/export", tag: "audit", summary: "The audit log as a file", needs: role.AuditRead, stream: []string{typeJSONL, typeCSV},
		details: "JSON Lines hold what is needed to check it without cxm; CSV is a table for people. The trailers " + TrailerSequence + " and " + TrailerHash + " say where the log ends, which JSON Lines do in their last line, too. An export that breaks off has neither."},
		func(ctx context.Context, t *Tenant, in *struct {
			Format string    `query:"format" enum:"jsonl,csv" default:"jsonl"`
			Since  time.Time `query:"since" doc:"Not before."`
			Until  time.Time `query:"until" doc:"Before."`
		}) (*huma.StreamResponse, error) {
			return &huma.StreamResponse{Body: func(h huma.Context) {
				h.SetHeader("Content-Type", exportType(in.Format))
				h.SetHeader("Trailer", TrailerSequence+", "+TrailerHash)
				h.SetHeader("Content-Disposition", fmt.Sprintf(`attachment; filename="audit.%s"`, in.Format))
				head, err := t.Exports.Export(ctx, h.BodyWriter(), in.Format, in.Since, in.Until)
				if err != nil {
					a.broke(ctx, err)
				}
				h.SetHeader(TrailerSequence, strconv.FormatInt(head.Sequence, 10))
				h.SetHeader(TrailerHash, head.Hash)
			}}, nil
		})
}

// broke ends an answer in the middle, so that its reader notices.
func (a *API) broke(ctx context.Context, err error) {
	if ctx.Err() == nil {
		a.options.Logger.ErrorContext(ctx, "an export broke off", "error", err)
	}
	panic(http.ErrAbortHandler)
}
