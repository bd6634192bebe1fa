-- +goose Up
-- The rules, each time that somebody applied other ones.
create table rule_revisions (
	tenant   text not null,
	revision integer not null, -- from 1
	text     text not null,
	digest   text not null, -- of the text
	author   text not null,
	note     text not null,
	made_at  text,
	restores integer not null, -- the revision whose text it is again; 0: none
	primary key (tenant, revision)
) strict, without rowid;

-- How far the findings are assigned under the revision in force; without a row
-- they are, under the built-in rules.
create table rule_states (
	tenant   text primary key,
	revision integer not null,
	stage    text not null, -- assign, inherit, closed, clean or done
	position integer not null -- the finding or issue up to which the stage is done
) strict, without rowid;

-- The groups of a finding besides its first, where rules let later ones match too.
create table memberships (
	tenant     text not null,
	finding_id integer not null references findings (id),
	place      integer not null, -- from 1, in the order of the rules
	group_key  text not null,
	rule       text not null,
	primary key (tenant, finding_id, place),
	foreign key (tenant, group_key) references finding_groups (tenant, group_key)
) strict, without rowid;
create index memberships_group on memberships (tenant, group_key, finding_id);

-- What left which group, until it is settled what becomes of that group's issue.
create table regroupings (
	tenant     text not null,
	finding_id integer not null references findings (id),
	was        text not null, -- the group
	place      integer not null, -- that it was at; 0: the first
	primary key (tenant, finding_id, was)
) strict, without rowid;
create index regroupings_was on regroupings (tenant, was, finding_id);

alter table findings add column also integer not null default 0; -- how many memberships it has
alter table findings add column first_key text not null default ''; -- its key under the first definition of its source's keys; empty: finding_key
alter table finding_groups add column ignored text not null default ''; -- why no rule makes an issue of it; empty: one does

-- See 00001: what the planner should believe of the new indexes.
insert into sqlite_stat1 (tbl, idx, stat) values
	('rule_revisions', 'rule_revisions', '200 200 1'),
	('rule_states', 'rule_states', '2 1'),
	('memberships', 'memberships', '50000 50000 2 1'),
	('memberships', 'memberships_group', '50000 50000 2 1'),
	('regroupings', 'regroupings', '50000 50000 1 1'),
	('regroupings', 'regroupings_was', '50000 50000 2 1');
analyze sqlite_schema;
