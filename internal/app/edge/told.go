package edge

import (
	"errors"
	"net/http"

	"cxm/internal/api/door"
	"cxm/internal/plan"
)

// Digest names the steps of a plan as the API does: POST /v1/runs with it carries out
// these steps and no others.
func Digest(steps []plan.Step) string { return digest(steps) }

// Overtaken says that what somebody saw of a plan is not the plan any more, and that
// nothing was done.
func Overtaken(err error) bool {
	p, ok := errors.AsType[*door.Problem](err)
	return ok && p.Status == http.StatusConflict && len(p.Errors) == 1 && p.Errors[0].Location == "body.plan"
}

// Told is what people are to be told of an error; not ok: it is one within cxm, which
// is for the log.
func Told(err error) (text string, ok bool) {
	p, ok := errors.AsType[*door.Problem](fault(err))
	if !ok || p.Status == http.StatusInternalServerError {
		return "", false
	}
	return p.Detail, true
}
