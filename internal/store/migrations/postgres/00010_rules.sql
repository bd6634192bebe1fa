-- +goose Up
-- The rules, each time that somebody applied other ones.
create table rule_revisions (
	tenant   text collate "C" not null,
	revision bigint not null, -- from 1
	text     text not null,
	digest   text not null, -- of the text
	author   text not null,
	note     text not null,
	made_at  timestamptz,
	restores bigint not null, -- the revision whose text it is again; 0: none
	primary key (tenant, revision)
);

-- How far the findings are assigned under the revision in force; without a row
-- they are, under the built-in rules.
create table rule_states (
	tenant   text collate "C" primary key,
	revision bigint not null,
	stage    text not null, -- assign, inherit, closed, clean or done
	position bigint not null -- the finding or issue up to which the stage is done
);

-- The groups of a finding besides its first, where rules let later ones match too.
create table memberships (
	tenant     text collate "C" not null,
	finding_id bigint not null references findings (id),
	place      bigint not null, -- from 1, in the order of the rules
	group_key  text collate "C" not null,
	rule       text not null,
	primary key (tenant, finding_id, place),
	foreign key (tenant, group_key) references finding_groups (tenant, group_key)
);
create index memberships_group on memberships (tenant, group_key, finding_id);

-- What left which group, until it is settled what becomes of that group's issue.
create table regroupings (
	tenant     text collate "C" not null,
	finding_id bigint not null references findings (id),
	was        text collate "C" not null, -- the group
	place      bigint not null, -- that it was at; 0: the first
	primary key (tenant, finding_id, was)
);
create index regroupings_was on regroupings (tenant, was, finding_id);

alter table findings add column also bigint not null default 0; -- how many memberships it has
alter table findings add column first_key text not null default ''; -- its key under the first definition of its source's keys; empty: finding_key
alter table finding_groups add column ignored text not null default ''; -- why no rule makes an issue of it; empty: one does
