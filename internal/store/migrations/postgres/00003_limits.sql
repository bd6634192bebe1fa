-- +goose Up
-- What is left of the limits of an account on an instance. They belong to that
-- account, whichever tenants use it, so these rows alone carry no tenant; bucket
-- is a hash of whose limit it is.
create table limits (
	bucket text collate "C" primary key,
	state  text not null, -- JSON
	turns  bigint not null
);

-- What is left alone for a while since it failed before (breaker.Breaker).
create table breakers (
	tenant         text collate "C" not null,
	integration_id bigint not null,
	target         text collate "C" not null,
	class          text collate "C" not null,
	failures       bigint not null,
	opened_at      timestamptz,
	retry_at       timestamptz,
	probe_until    timestamptz,
	told           boolean not null,
	trouble        text not null,
	rev            bigint not null,
	primary key (tenant, integration_id, target, class),
	foreign key (tenant, integration_id) references integrations (tenant, id)
);
