package client

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strconv"
	"time"

	"cxm/internal/api"
)

// Export writes the audit log to w as it comes. An error says that what was written
// is not all of it.
func (a audits) Export(ctx context.Context, w io.Writer, format string, since, until time.Time) (api.AuditHead, error) {
	ctx, cancel := context.WithTimeout(ctx, a.c.options.Slow)
	defer cancel()
	answer, err := a.c.once(ctx, request{method: http.MethodGet, path: "/v1/audit/export", query: asked(struct {
		Format string    `query:"format"`
		Since  time.Time `query:"since"`
		Until  time.Time `query:"until"`
	}{format, since, until})}, nil, "")
	if err != nil {
		return api.AuditHead{}, a.c.away(err)
	}
	if answer.StatusCode != http.StatusOK {
		_, err := read(answer)
		return api.AuditHead{}, err
	}
	defer answer.Body.Close()
	if _, err := io.Copy(w, answer.Body); err != nil {
		return api.AuditHead{}, errors.Join(errors.New("the export broke off, and what was written is not all of it: run the same again"), err)
	}
	last, err := strconv.ParseInt(answer.Trailer.Get(api.TrailerSequence), 10, 64)
	if err != nil {
		return api.AuditHead{}, errors.New("nothing says that the export came whole: what stands between here and the server drops HTTP trailers, so look whether JSON Lines end with a line of the type head, or run the command on the server")
	}
	return api.AuditHead{Sequence: last, Hash: answer.Trailer.Get(api.TrailerHash)}, nil
}
