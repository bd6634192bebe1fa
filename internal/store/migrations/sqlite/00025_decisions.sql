-- +goose Up
-- What people decided about findings. Lines are added and never changed, but for
-- standing: of each finding the last line stands.
create table decisions (
	id         integer primary key,
	tenant     text not null,
	finding_id integer not null references findings (id),
	decision   text not null, -- undecided, accepted, snoozed or exception
	reason     text not null,
	author     text not null,
	made_at    text,
	until      text, -- null: it has no end
	standing   integer not null
) strict;
create unique index decisions_standing on decisions (tenant, finding_id) where standing;
create index decisions_finding on decisions (tenant, finding_id, id);
create index decisions_listed on decisions (tenant, id) where standing;

-- See 00001: what the planner should believe of the new indexes.
insert into sqlite_stat1 (tbl, idx, stat) values
	('decisions', 'decisions_standing', '5000 5000 1'),
	('decisions', 'decisions_finding', '10000 10000 2 1'),
	('decisions', 'decisions_listed', '5000 5000 1');
analyze sqlite_schema;
