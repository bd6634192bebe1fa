-- +goose Up
-- A row per token. At most one of an integration is in use: the one that cxm acts
-- with, or that it acted with until access was lost.
create table tokens (
	id             integer primary key,
	tenant         text not null,
	integration_id integer not null,
	state          text not null,
	in_use         integer not null,
	sealed         blob not null, -- empty: the value was dropped
	token_id       integer not null,
	token_name     text not null,
	scopes         text not null, -- JSON
	made_at        text, -- by GitLab
	expires_at     text,
	added_at       text,
	verified_at    text,
	ended_at       text,
	reason         text not null, -- of the state
	rotation_id    integer not null, -- that made it; 0: none
	told_days      integer not null, -- the last expiry warning; 9999: none
	unique (tenant, id),
	foreign key (tenant, integration_id) references integrations (tenant, id)
) strict;
create unique index tokens_in_use on tokens (tenant, integration_id) where in_use;
create index tokens_integration on tokens (tenant, integration_id, id);
create index tokens_same on tokens (tenant, token_id) where in_use;
create index tokens_rotation on tokens (tenant, rotation_id) where rotation_id > 0;

-- Every state that a token came to.
create table token_events (
	id             integer primary key,
	tenant         text not null,
	integration_id integer not null,
	token_row      integer not null,
	at             text,
	state          text not null,
	reason         text not null,
	foreign key (tenant, token_row) references tokens (tenant, id)
) strict;
create index token_events_integration on token_events (tenant, integration_id, id);

-- Rotations, each written down before its request. At most one of a token is open.
create table rotations (
	id             integer primary key,
	tenant         text not null,
	integration_id integer not null,
	token_row      integer not null,
	target         text not null, -- which token of which GitLab
	state          text not null,
	begun_at       text,
	until_at       text, -- until then nobody else decides about it
	ended_at       text,
	trouble        text not null,
	foreign key (tenant, token_row) references tokens (tenant, id)
) strict;
create unique index rotations_open on rotations (tenant, target) where state in ('sent', 'answered');

-- How an integration's token is looked after.
create table token_care (
	tenant         text not null,
	integration_id integer not null,
	rotate_days    integer not null, -- after it was made; 0: only before it expires
	checked_at     text,
	retry_at       text, -- no rotation before then
	trouble        text not null, -- of the last look or rotation
	flagged        text not null, -- what the finding about its expiry said last; empty: there is none
	primary key (tenant, integration_id),
	foreign key (tenant, integration_id) references integrations (tenant, id)
) strict, without rowid;

-- The keys that seal, themselves sealed.
create table keysets (
	tenant     text primary key,
	sealed     blob not null,
	key_id     integer not null, -- of the one that seals
	version    integer not null,
	changed_at text
) strict, without rowid;

-- The table credentials is left to replicas of the version before, and no longer
-- read; it goes in the next release.
insert into tokens (tenant, integration_id, state, in_use, sealed, token_id, token_name, scopes, made_at, expires_at, added_at, verified_at, ended_at, reason, rotation_id, told_days)
select c.tenant, c.integration_id, 'active', 1, c.sealed, c.token_id, c.token_name, c.scopes, null, c.expires_at, i.created_at, i.verified_at, null, 'connected with an earlier version of cxm', 0, 9999
from credentials c join integrations i on i.tenant = c.tenant and i.id = c.integration_id;

-- See 00001: what the planner should believe of the new indexes.
insert into sqlite_stat1 (tbl, idx, stat) values
	('tokens', 'sqlite_autoindex_tokens_1', '100 100 1'),
	('tokens', 'tokens_in_use', '10 10 1'),
	('tokens', 'tokens_integration', '100 100 10 1'),
	('tokens', 'tokens_same', '10 10 1'),
	('tokens', 'tokens_rotation', '80 80 1'),
	('token_events', 'token_events_integration', '400 400 40 1'),
	('rotations', 'rotations_open', '2 2 1'),
	('token_care', 'token_care', '10 10 1'),
	('keysets', 'keysets', '2 1');
analyze sqlite_schema;
