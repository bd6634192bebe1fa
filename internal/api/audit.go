package api

import (
	"context"
	"encoding/json"
	"time"

	"cxm/internal/signin/role"
)

// Audit is the audit log.
type Audit interface {
	Lines(context.Context, AuditFilter, Slice) ([]AuditLine, Cursor, error)
	Verify(context.Context) (AuditReport, error)
}

// AuditFilter says which lines; what is empty lets everything through.
type AuditFilter struct {
	Actor  string    `query:"actor" maxLength:"300" doc:"The name."`
	Action string    `query:"action" maxLength:"100" doc:"Its first words: token is all that begins with token."`
	Kind   string    `query:"object_kind" maxLength:"100" doc:"Of what it was done to: issue, integration."`
	ID     string    `query:"object_id" maxLength:"300" doc:"Of that, by cxm's own number."`
	Before int64     `query:"before" minimum:"0" doc:"Only lines before this one. 0: all."`
	Since  time.Time `query:"since" doc:"Not before."`
	Until  time.Time `query:"until" doc:"Before."`
}

// AuditLine is one line of the log.
type AuditLine struct {
	Sequence int64           `json:"sequence"`
	At       *time.Time      `json:"at"`
	Actor    AuditActor      `json:"actor"`
	Action   string          `json:"action"`
	Object   AuditObject     `json:"object"`
	Before   json.RawMessage `json:"before" doc:"What it changed, as an object. Null: nothing to say."`
	After    json.RawMessage `json:"after"`
	Why      *string         `json:"why"`
	Run      *int64          `json:"run_id"`
	Request  *string         `json:"request" doc:"The X-Request-ID of the request to this API that did it."`
	Hash     string          `json:"hash"`
	Previous *string         `json:"previous" doc:"The hash of the line before. Null: this is the first."`
}

// AuditActor is who did it.
type AuditActor struct {
	Kind string  `json:"kind"`
	Name *string `json:"name"`
}

// AuditObject is what it was done to.
type AuditObject struct {
	Kind string  `json:"kind"`
	ID   *string `json:"id"`
	Name *string `json:"name"`
}

// AuditReport is what a check of the log found.
type AuditReport struct {
	Whole      bool         `json:"whole" doc:"Nothing is wrong with it."`
	Lines      int64        `json:"lines"`
	First      int64        `json:"first"`
	Last       int64        `json:"last"`
	Hash       string       `json:"hash"`
	Anchors    int          `json:"anchors" doc:"Signatures that were checked."`
	Anchored   int64        `json:"anchored" doc:"Up to here the lines are proved by a signature."`
	Unanchored int64        `json:"unanchored"`
	Sealed     int64        `json:"sealed" doc:"Up to here retention removed lines."`
	Faults     []AuditFault `json:"faults"`
	Remarks    []string     `json:"remarks"`
}

// AuditFault is one thing that is wrong with the lines From to To.
type AuditFault struct {
	Kind string `json:"kind"`
	From int64  `json:"from"`
	To   int64  `json:"to"`
	Text string `json:"text"`
}

func addAudit(a *API) {
	add(a, operation{id: "audit", at: "GET /v1/audit", tag: "audit", summary: "The audit log, the latest line first", needs: role.AuditRead}, func(ctx context.Context, t *Tenant, in *struct {
		AuditFilter
		Paging
	}) (*listed[AuditLine], error) {
		s, err := in.slice(ctx, in.AuditFilter)
		if err != nil {
			return nil, err
		}
		items, next, err := t.Audit.Lines(ctx, in.AuditFilter, s)
		return page(ctx, in.Paging, in.AuditFilter, items, next), err
	})
	add(a, operation{id: "verify-audit", at: "GET /v1/audit/verification", tag: "audit", summary: "Whether the audit log is as it was written", needs: role.AuditRead},
		func(ctx context.Context, t *Tenant, _ *struct{}) (*one[AuditReport], error) {
			out, err := t.Audit.Verify(ctx)
			return &one[AuditReport]{out}, err
		})
}
