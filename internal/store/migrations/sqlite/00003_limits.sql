-- +goose Up
-- What is left of the limits of an account on an instance. They belong to that
-- account, whichever tenants use it, so these rows alone carry no tenant; bucket
-- is a hash of whose limit it is.
create table limits (
	bucket text primary key,
	state  text not null, -- JSON
	turns  integer not null
) strict, without rowid;

-- What is left alone for a while since it failed before (breaker.Breaker).
create table breakers (
	tenant         text not null,
	integration_id integer not null,
	target         text not null,
	class          text not null,
	failures       integer not null,
	opened_at      text,
	retry_at       text,
	probe_until    text,
	told           integer not null,
	trouble        text not null,
	rev            integer not null,
	primary key (tenant, integration_id, target, class),
	foreign key (tenant, integration_id) references integrations (tenant, id)
) strict, without rowid;
