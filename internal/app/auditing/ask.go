package auditing

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"

	"cxm/internal/audit"
	kept "cxm/internal/store/audit"
)

// Names of the log that callers need.
type (
	// Filter says which lines are listed.
	Filter = kept.Filter
	// Span is a part of the log by time.
	Span = kept.Span
	// Pruned is what retention removed.
	Pruned = kept.Pruned
	// FaultyError says that the log is not as it was written.
	FaultyError = kept.FaultyError
)

// AuditLines lists lines of the log, the latest first.
func (a *Auditor) AuditLines(ctx context.Context, f Filter) ([]audit.Line, error) {
	return a.log().List(ctx, f)
}

// RecordAudit adds lines about what changes nothing else that cxm keeps, such as a
// sign-in that failed.
func (a *Auditor) RecordAudit(ctx context.Context, lines ...audit.Line) error {
	return a.log().Add(ctx, lines...)
}

// VerifyAudit checks the log: by itself, by its signatures, by the head beside the
// key, and by earlier exports, whose files are named.
func (a *Auditor) VerifyAudit(ctx context.Context, exports ...string) (audit.Report, error) {
	keys, err := a.keys(ctx)
	if err != nil {
		return audit.Report{}, err
	}
	known, remark, err := a.known(exports)
	if err != nil {
		return audit.Report{}, err
	}
	r, err := a.log().Verify(ctx, keys, known...)
	if remark != "" {
		r.Remarks = append(r.Remarks, remark)
	}
	return r, err
}

// known are the heads that are kept outside of the database. The remark says that
// there is none beside the key.
func (a *Auditor) known(exports []string) (out []audit.Known, remark string, err error) {
	h, err := a.readHead()
	switch {
	case errors.Is(err, fs.ErrNotExist):
		remark = fmt.Sprintf("There is no %s beside the key yet, so that lines cut off at the end are not noticed by it.", a.headFile())
	case err != nil:
		return nil, "", err
	default:
		out = append(out, audit.Known{Head: h, Where: a.headFile()})
	}
	for _, file := range exports {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, "", err
		}
		h, err := audit.ReadHead(text)
		if err == nil && h.Tenant != a.Tenant {
			err = fmt.Errorf("it is of tenant %q, and this is %q", h.Tenant, a.Tenant)
		}
		if err != nil {
			return nil, "", fmt.Errorf("reading %s: %w", file, err)
		}
		out = append(out, audit.Known{Head: h, Where: file})
	}
	return out, remark, nil
}

// Formats are the forms that the log is exported in.
func Formats() []string { return []string{"jsonl", "csv"} }

// ExportAudit writes the log, or a part of it by time, in one of the Formats.
func (a *Auditor) ExportAudit(ctx context.Context, w io.Writer, format string, span Span) (audit.Head, error) {
	keys, err := a.keys(ctx)
	if err != nil {
		return audit.Head{}, err
	}
	return a.log().Export(ctx, keys, span, func(log audit.Log) (audit.Exporter, error) {
		switch format {
		case "jsonl":
			return audit.NewJSONL(w, log)
		case "csv":
			return audit.NewCSV(w)
		}
		return nil, fmt.Errorf("the format %q is not known: use jsonl or csv", format)
	})
}

// OldAudit says which lines PruneAudit would remove; a To of 0: none.
func (a *Auditor) OldAudit(ctx context.Context, before time.Time) (audit.Seal, error) {
	return a.log().Plan(ctx, before)
}

// PruneAudit removes the lines that are older than before, and leaves a signed
// seal. The error is *FaultyError when the log is not as it was written.
func (a *Auditor) PruneAudit(ctx context.Context, before time.Time, why string) (Pruned, error) {
	signer := a.pen.Of(a.Tenant)
	if signer == nil {
		return Pruned{}, errors.New("old lines are not removed, since what is left of them could not be signed: restore the key of this installation (`cxm doctor` names it)")
	}
	keys, err := a.keys(ctx)
	if err != nil {
		return Pruned{}, err
	}
	known, _, err := a.known(nil)
	if err != nil {
		return Pruned{}, err
	}
	return a.log().Prune(ctx, before, why, keys, signer, known...)
}

// AcceptAudit takes the log as it is, where the head beside the key knows another:
// after a backup was restored. It says so in the log. Before is what the head
// beside the key said.
func (a *Auditor) AcceptAudit(ctx context.Context, why string) (before, after audit.Head, err error) {
	if before, err = a.readHead(); err != nil {
		return before, after, err
	}
	if after, err = a.log().Head(ctx); err != nil {
		return before, after, err
	}
	err = a.log().Add(ctx, audit.Line{
		Action: "audit.head_accepted", Object: audit.Object{Kind: "audit log"}, Why: why,
		Before: audit.Of(audit.Values{"sequence": before.Sequence, "hash": before.Hash.String()}),
		After:  audit.Of(audit.Values{"sequence": after.Sequence, "hash": after.Hash.String()}),
	})
	if err == nil {
		after, err = a.log().Head(ctx)
	}
	if err == nil {
		err = a.writeHead(after)
	}
	return before, after, err
}
