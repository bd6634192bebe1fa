-- +goose Up
-- The groups that are digests of what waits in a project: their issues count
-- against no budget and no cap.
create table digests (
	tenant         text not null,
	integration_id integer not null,
	project_id     integer not null,
	group_key      text not null,
	primary key (tenant, integration_id, project_id),
	foreign key (tenant, integration_id) references integrations (tenant, id)
) strict, without rowid;

-- See 00001: what the planner should believe of the new index.
insert into sqlite_stat1 (tbl, idx, stat) values
	('digests', 'digests', '300 300 100 1');
analyze sqlite_schema;
