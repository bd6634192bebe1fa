-- +goose Up
-- A run can wait for a person, be approved, and revert another.
alter table runs add column integration_id bigint not null default 0;
alter table runs add column state text not null default 'finished';
alter table runs add column why text not null default '';
alter table runs add column digest text not null default '';
alter table runs add column undoes bigint not null default 0;
alter table runs add column approved_by text not null default '';
alter table runs add column approved_at timestamptz;
alter table runs add column shared boolean not null default false;
create unique index runs_shared on runs (tenant, integration_id) where state = 'running' and shared;
create index runs_open on runs (tenant, integration_id, id) where state in ('running', 'waiting');

-- What undo needs: GitLab's updated_at in its answer, and what was there before.
alter table journal add column stamp timestamptz;
alter table journal add column before text not null default '{}'; -- JSON
create index journal_planned on journal (tenant, run_id, id) where outcome in ('planned', 'intended');
-- Brakes count what is open, caps what was created lately.
create index issues_open on issues (tenant, integration_id) where state = 'opened' and phase = 'live';
create index issues_sent on issues (tenant, integration_id, project_id, sent_at);
