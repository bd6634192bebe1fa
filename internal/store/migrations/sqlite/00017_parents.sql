-- +goose Up
-- A group that stands over others: its issue lists theirs. What kind a group is
-- never changes, as its key says it too.
alter table finding_groups add column parent integer not null default 0;

-- Which of the finding's groups a parent's group stands over; empty: it is no parent's.
alter table memberships add column child text not null default '';
create index memberships_child on memberships (tenant, child, group_key) where child <> '';

-- See 00001: what the planner should believe of the new indexes.
insert into sqlite_stat1 (tbl, idx, stat) values
	('memberships', 'memberships_child', '50000 50000 2 2 1');
analyze sqlite_schema;
