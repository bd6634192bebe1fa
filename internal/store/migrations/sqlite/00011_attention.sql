-- +goose Up
-- Whose attention an issue asks for; empty: no team's.
alter table issues add column team text not null default '';

-- What is counted against budgets: what was made lately, and what is open or may
-- be. What is not known to have failed counts.
create index issues_made on issues (tenant, sent_at, team) where phase <> 'dropped';
create index issues_held on issues (tenant, team) where (phase in ('intended', 'in doubt') or phase in ('live', 'duplicate') and state = 'opened');

-- Who counts for a team or for everybody holds a row of this until its intent is
-- written; for a project that is its watermark.
create table counters (
	tenant text not null,
	scope  text not null,
	primary key (tenant, scope)
) strict, without rowid;

-- See 00001: what the planner should believe of the new indexes.
insert into sqlite_stat1 (tbl, idx, stat) values
	('issues', 'issues_made', '50000 50000 2 1'),
	('issues', 'issues_held', '20000 20000 1000'),
	('counters', 'counters', '20 20 1');
analyze sqlite_schema;
