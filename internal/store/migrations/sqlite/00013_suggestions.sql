-- +goose Up
-- What cxm gave an issue, and what people made of that, as far as was seen.
alter table issues add column gave text not null default '{}'; -- JSON
alter table issues add column judged text not null default ''; -- corrected, kept; empty: nothing is known
alter table issues add column judged_at text; -- GitLab's clock
create index issues_judged on issues (tenant, judged, judged_at, id) where judged <> '';

-- What people's corrections spoke for, by a number that stays, and what an admin
-- said to it.
create table suggestions (
	tenant     text not null,
	number     integer not null, -- from 1
	identity   text not null, -- digest of what it says
	says       text not null, -- for people
	answer     text not null, -- accepted, dismissed; empty: none yet
	seen       integer not null, -- how many issues spoke for it when it was answered
	reason     text not null,
	author     text not null,
	decided_at text,
	revision   integer not null, -- of the rules that accepting made; 0: none
	primary key (tenant, number),
	unique (tenant, identity)
) strict, without rowid;

-- See 00001: what the planner should believe of the new indexes.
insert into sqlite_stat1 (tbl, idx, stat) values
	('issues', 'issues_judged', '10000 10000 5000 1 1'),
	('suggestions', 'suggestions', '200 200 1'),
	('suggestions', 'sqlite_autoindex_suggestions_2', '200 200 1');
analyze sqlite_schema;
