-- +goose Up
-- The places that may deliver over HTTP. A scope (see scopes) that one of them
-- delivers into is its own.
create table sources (
	id           integer primary key autoincrement,
	tenant       text not null,
	name         text not null, -- the last part of its address
	type         text not null, -- the format, see scopes.source
	scope        text not null,
	options      text not null, -- how to read it, as the program wrote it
	rate         integer not null, -- events or bodies a second; 0: the program's own bound
	token        blob not null, -- SHA-256
	token_at     text,
	former       blob, -- SHA-256 of the token before; null: none
	former_until text,
	enabled      integer not null,
	created_at   text,
	used_at      text, -- the last delivery that was authentic
	accepted     integer not null, -- deliveries, by what became of them
	events       integer not null,
	repeated     integer not null,
	refused      integer not null,
	unique (tenant, id),
	unique (tenant, name),
	unique (tenant, type, scope)
) strict;

-- The events that were accepted lately, so that each has one effect.
create table source_events (
	tenant    text not null,
	source_id integer not null,
	digest    blob not null, -- of what the event is known by
	seen      integer not null, -- when it was accepted, in seconds since 1970
	primary key (tenant, source_id, digest),
	foreign key (tenant, source_id) references sources (tenant, id)
) strict, without rowid;
create index source_events_seen on source_events (tenant, source_id, seen);

-- See 00001: what the planner should believe of the new indexes.
insert into sqlite_stat1 (tbl, idx, stat) values
	('sources', 'sqlite_autoindex_sources_1', '20 20 1'),
	('sources', 'sqlite_autoindex_sources_2', '20 20 1'),
	('sources', 'sqlite_autoindex_sources_3', '20 20 5 1'),
	('source_events', 'source_events', '500000 500000 100000 1'),
	('source_events', 'source_events_seen', '500000 500000 100000 100');
analyze sqlite_schema;
