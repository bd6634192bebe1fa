-- +goose Up
-- How a GitLab is reached; without a row: with the system's certificates, and the
-- environment's proxy.
create table instances (
	tenant text not null,
	url    text not null,
	ca     text not null, -- PEM
	proxy  text not null, -- its URL, or none; empty: the environment's
	primary key (tenant, url)
) strict, without rowid;

-- What issues of an integration are given when they are made, and whether it is
-- still connected; without a row: nothing, and it is.
create table connections (
	tenant          text not null,
	integration_id  integer not null,
	labels          text not null, -- JSON
	assignee_id     integer not null, -- 0: nobody
	assignee        text not null,
	confidential    integer not null,
	disconnected_at text,
	primary key (tenant, integration_id),
	foreign key (tenant, integration_id) references integrations (tenant, id)
) strict, without rowid;
insert into sqlite_stat1 (tbl, idx, stat) values
	('instances', 'instances', '10 10 1'),
	('connections', 'connections', '10 10 1');
analyze sqlite_schema;
