-- +goose Up
-- People are over the tenants; what they may do is said per tenant. Nobody is
-- deleted: what they did names them.
create table people (
	id           integer primary key,
	email        text not null, -- as it was written; empty: none that anybody vouched for
	email_key    text not null, -- the same as it is compared
	name         text not null,
	password     text not null, -- its hash with salt and parameters; empty: none
	installation integer not null, -- looks after the installation
	generation   integer not null, -- a session of another generation is over
	created_at   text,
	disabled_at  text, -- null: not disabled
	signed_in_at text -- null: never
) strict;
create unique index people_email on people (email_key) where email_key <> '';
create index people_installation on people (id) where installation = true;

-- The role that a person has in a tenant, by who gave it: of several the highest counts.
create table tenant_roles (
	tenant    text not null,
	person_id integer not null references people (id),
	origin    text not null, -- the provider whose groups give it; empty: an admin
	role      text not null,
	set_at    text,
	primary key (tenant, person_id, origin)
) strict, without rowid;
create index tenant_roles_person on tenant_roles (person_id, tenant);

-- Who a person is for an OpenID Connect provider.
create table identities (
	issuer    text not null,
	subject   text not null,
	person_id integer not null references people (id),
	linked_at text,
	seen_at   text,
	primary key (issuer, subject)
) strict, without rowid;
create index identities_person on identities (person_id);

create table sessions (
	id         integer primary key,
	person_id  integer not null references people (id),
	generation integer not null, -- of the person when it began
	hash       text not null unique, -- of the value
	method     text not null, -- password, link or the provider's name
	address    text not null,
	agent      text not null,
	begun_at   text,
	seen_at    text,
	ends_at    text
) strict;
create index sessions_person on sessions (person_id, id);
create index sessions_ends on sessions (ends_at);

create table api_tokens (
	id         integer primary key,
	tenant     text not null,
	person_id  integer not null, -- whose; 0: the tenant's own
	role       text not null, -- of one that is the tenant's own
	name       text not null,
	hint       text not null, -- how it begins
	hash       text not null unique, -- of the value
	scopes     text not null, -- JSON
	made_by    text not null,
	made_at    text,
	ends_at    text,
	used_at    text, -- at most an hour old; null: never
	revoked_at text
) strict;
create index api_tokens_tenant on api_tokens (tenant, id);

-- Links that work once: to set up the installation, to choose a new password.
create table signin_links (
	id        integer primary key,
	kind      text not null, -- setup or reset
	person_id integer not null, -- 0: who opens it says who they are
	hash      text not null unique, -- of the value
	made_by   text not null,
	made_at   text,
	ends_at   text,
	used_at   text
) strict;
create unique index signin_links_setup on signin_links (kind) where kind = 'setup' and used_at is null;
create index signin_links_person on signin_links (person_id, id);

-- Who tried to sign in too often: an account, an address, both together. The key is
-- a hash, since people type all kinds of things into the wrong field.
create table signin_throttles (
	key      text primary key,
	turns    integer not null,
	failures integer not null,
	until_at text, -- no attempt before
	last_at  text
) strict, without rowid;
create index signin_throttles_last on signin_throttles (last_at);

-- From where a person signed in, as a hash.
create table signin_addresses (
	person_id integer not null references people (id),
	address   text not null,
	seen_at   text,
	primary key (person_id, address)
) strict, without rowid;

-- See 00001: what the planner should believe of the new indexes.
insert into sqlite_stat1 (tbl, idx, stat) values
	('people', 'people_email', '5000 1'),
	('people', 'people_installation', '5 1'),
	('tenant_roles', 'tenant_roles', '10000 5000 1 1'),
	('tenant_roles', 'tenant_roles_person', '10000 2 1'),
	('identities', 'identities', '5000 5000 1'),
	('identities', 'identities_person', '5000 1'),
	('sessions', 'sqlite_autoindex_sessions_1', '10000 1'),
	('sessions', 'sessions_person', '10000 3 1'),
	('sessions', 'sessions_ends', '10000 1'),
	('api_tokens', 'sqlite_autoindex_api_tokens_1', '1000 1'),
	('api_tokens', 'api_tokens_tenant', '1000 500 1'),
	('signin_links', 'sqlite_autoindex_signin_links_1', '1000 1'),
	('signin_links', 'signin_links_setup', '1 1'),
	('signin_links', 'signin_links_person', '1000 2 1'),
	('signin_throttles', 'signin_throttles', '10000 1'),
	('signin_throttles', 'signin_throttles_last', '10000 1'),
	('signin_addresses', 'signin_addresses', '10000 3 1');
analyze sqlite_schema;
