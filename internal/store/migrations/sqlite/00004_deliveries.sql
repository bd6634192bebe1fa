-- +goose Up
-- What was accepted and is not taken in yet; taking it in deletes it. An id is
-- never used twice: a job that runs again must not find another delivery.
create index issues_lost on issues (tenant, integration_id, project_id, id) where phase = 'lost';

create table deliveries (
	id          integer primary key autoincrement,
	tenant      text not null,
	source      text not null,
	scope       text not null,
	options     text not null, -- how to read it, as the program wrote it
	received_at text,
	names       text not null, -- JSON: of its parts
	sizes       text not null, -- JSON: of its parts, in bytes, before compression
	body        blob not null, -- its parts one after the other, gzip
	trouble     text not null, -- why it cannot be taken in; empty: nobody tried, or it works
	unique (tenant, id)
) strict;
create index deliveries_next on deliveries (tenant, source, scope, id) where trouble = '';
create index deliveries_refused on deliveries (tenant) where trouble <> '';
insert into sqlite_stat1 (tbl, idx, stat) values
	('issues', 'issues_lost', '100 100 50 20 1'),
	('deliveries', 'sqlite_autoindex_deliveries_1', '100 100 1'),
	('deliveries', 'deliveries_next', '100 100 20 20 1'),
	('deliveries', 'deliveries_refused', '5 5');
analyze sqlite_schema;
