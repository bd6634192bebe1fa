package remote

import (
	"context"
	"errors"
	"io"

	"cxm/internal/api"
	"cxm/internal/app/auditing"
	"cxm/internal/audit"
)

// AuditLines lists lines of the log, the latest first.
func (s *Server) AuditLines(ctx context.Context, f auditing.Filter) ([]audit.Line, error) {
	me, err := s.client.Me(ctx)
	if err != nil {
		return nil, err
	}
	by := api.AuditFilter{Actor: f.Actor, Action: f.Action, Kind: f.Kind, ID: f.ID, Before: f.Before, Since: f.Since, Until: f.Until}
	most := f.Most
	if most <= 0 {
		most = 100
	}
	got, err := all(min(most, 1000), func(at api.Slice) ([]api.AuditLine, api.Cursor, error) { return s.Audit.Lines(ctx, by, at) })
	out := make([]audit.Line, 0, len(got))
	for _, l := range got {
		line, failed := toLine(me.Tenant, l)
		out, err = append(out, line), errors.Join(err, failed)
	}
	return out, err
}

func toLine(tenant string, l api.AuditLine) (audit.Line, error) {
	hash, err := audit.ParseHash(l.Hash)
	before, failed := audit.ParseHash(known(l.Previous))
	return audit.Line{
		Tenant: tenant, Sequence: l.Sequence, At: moment(l.At), Actor: audit.Actor{Kind: audit.ActorKind(l.Actor.Kind), Name: known(l.Actor.Name)}, Action: l.Action,
		Object: audit.Object{Kind: l.Object.Kind, ID: known(l.Object.ID), Name: known(l.Object.Name)}, Before: facts(l.Before), After: facts(l.After),
		Why: known(l.Why), Run: known(l.Run), Request: known(l.Request), Previous: before, Hash: hash,
	}, errors.Join(err, failed)
}

// facts are those of an object; null is none.
func facts(raw []byte) audit.Facts {
	if string(raw) == "null" {
		return ""
	}
	return audit.Facts(raw)
}

// VerifyAudit has the server check the log. Earlier exports are files of this machine,
// which it does not see.
func (s *Server) VerifyAudit(ctx context.Context, exports ...string) (audit.Report, error) {
	if len(exports) > 0 {
		return audit.Report{}, errHere("--against")
	}
	r, err := s.Audit.Verify(ctx)
	return audit.Report{
		Lines: r.Lines, First: r.First, Last: r.Last, Hash: r.Hash, Anchors: r.Anchors, Anchored: r.Anchored, Unanchored: r.Unanchored, Sealed: r.Sealed, Remarks: append([]string(nil), r.Remarks...), // nil where there are none, as cxm itself has it
		Faults: each(r.Faults, func(f api.AuditFault) audit.Fault {
			return audit.Fault{Kind: audit.FaultKind(f.Kind), From: f.From, To: f.To, Text: f.Text}
		}),
	}, err
}

// ExportAudit writes the log as it comes.
func (s *Server) ExportAudit(ctx context.Context, w io.Writer, format string, part auditing.Span) (audit.Head, error) {
	head, err := s.Exports.Export(ctx, w, format, part.Since, part.Until)
	if err != nil {
		return audit.Head{}, err
	}
	hash, err := audit.ParseHash(head.Hash)
	return audit.Head{Sequence: head.Sequence, Hash: hash}, err
}
