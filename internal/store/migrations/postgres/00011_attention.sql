-- +goose Up
-- Whose attention an issue asks for; empty: no team's.
alter table issues add column team text collate "C" not null default '';

-- What is counted against budgets: what was made lately, and what is open or may
-- be. What is not known to have failed counts.
create index issues_made on issues (tenant, sent_at, team) where phase <> 'dropped';
create index issues_held on issues (tenant, team) where (phase in ('intended', 'in doubt') or phase in ('live', 'duplicate') and state = 'opened');

-- Who counts for a team or for everybody holds a row of this until its intent is
-- written; for a project that is its watermark.
create table counters (
	tenant text collate "C" not null,
	scope  text collate "C" not null,
	primary key (tenant, scope)
);
