-- +goose Up
-- Up to which version each of several integrations is done with a group: it is
-- settled once all are. Where there is one, finding_groups alone says so.
create table settlements (
	tenant         text not null,
	group_key      text not null,
	integration_id integer not null,
	version        integer not null,
	primary key (tenant, group_key, integration_id),
	foreign key (tenant, group_key) references finding_groups (tenant, group_key)
) strict, without rowid;

-- See 00001: what the planner should believe of the new indexes.
insert into sqlite_stat1 (tbl, idx, stat) values
	('settlements', 'settlements', '100000 100000 2 1');
analyze sqlite_schema;
