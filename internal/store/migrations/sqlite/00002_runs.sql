-- +goose Up
-- A run can wait for a person, be approved, and revert another.
alter table runs add column integration_id integer not null default 0;
alter table runs add column state text not null default 'finished';
alter table runs add column why text not null default '';
alter table runs add column digest text not null default '';
alter table runs add column undoes integer not null default 0;
alter table runs add column approved_by text not null default '';
alter table runs add column approved_at text;
alter table runs add column shared integer not null default 0;
create unique index runs_shared on runs (tenant, integration_id) where state = 'running' and shared;
create index runs_open on runs (tenant, integration_id, id) where state in ('running', 'waiting');

-- What undo needs: GitLab's updated_at in its answer, and what was there before.
alter table journal add column stamp text;
alter table journal add column before text not null default '{}'; -- JSON
create index journal_planned on journal (tenant, run_id, id) where outcome in ('planned', 'intended');
-- Brakes count what is open, caps what was created lately.
create index issues_open on issues (tenant, integration_id) where state = 'opened' and phase = 'live';
create index issues_sent on issues (tenant, integration_id, project_id, sent_at);

-- See 00001: what the planner should believe of the new indexes.
insert into sqlite_stat1 (tbl, idx, stat) values
	('runs', 'runs_shared', '2 2 1'),
	('runs', 'runs_open', '3 3 2 1'),
	('journal', 'journal_planned', '1000 1000 500 1'),
	('issues', 'issues_open', '20000 20000 10000'),
	('issues', 'issues_sent', '50000 50000 50000 5000 2');
analyze sqlite_schema;
