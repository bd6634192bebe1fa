-- +goose Up
-- What cxm gave an issue, and what people made of that, as far as was seen.
alter table issues add column gave text not null default '{}'; -- JSON
alter table issues add column judged text collate "C" not null default ''; -- corrected, kept; empty: nothing is known
alter table issues add column judged_at timestamptz; -- GitLab's clock
create index issues_judged on issues (tenant, judged, judged_at, id) where judged <> '';

-- What people's corrections spoke for, by a number that stays, and what an admin
-- said to it.
create table suggestions (
	tenant     text collate "C" not null,
	number     bigint not null, -- from 1
	identity   text collate "C" not null, -- digest of what it says
	says       text not null, -- for people
	answer     text not null, -- accepted, dismissed; empty: none yet
	seen       bigint not null, -- how many issues spoke for it when it was answered
	reason     text not null,
	author     text not null,
	decided_at timestamptz,
	revision   bigint not null, -- of the rules that accepting made; 0: none
	primary key (tenant, number),
	unique (tenant, identity)
);
