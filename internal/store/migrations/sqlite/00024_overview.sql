-- +goose Up
-- Lists of findings that people gave a name.
create table saved_views (
	id      integer primary key,
	tenant  text not null,
	person  integer not null,
	name    text not null,
	query   text not null, -- of the list's address
	made_at text,
	unique (tenant, person, name)
) strict;

-- What could be saved a month, as it was last known on each day.
create table saving_days (
	tenant   text not null,
	day      text not null, -- in UTC: 2026-03-14
	currency text not null,
	open     text not null, -- exact decimal per month: of all that can be saved
	working  text not null, -- of what is being worked on
	at       text,
	primary key (tenant, day, currency)
) strict, without rowid;

-- The number and the sum of the revisions tell whether any issue was written.
create index issues_written on issues (tenant, rev);

-- See 00001: what the planner should believe of the new indexes.
insert into sqlite_stat1 (tbl, idx, stat) values
	('saved_views', 'sqlite_autoindex_saved_views_1', '500 250 5 1'),
	('saving_days', 'saving_days', '2000 1000 2 1'),
	('issues', 'issues_written', '50000 50000 2000');
analyze sqlite_schema;
