-- +goose Up
-- The service accounts that cxm sets up, each written down before GitLab is asked
-- for it. The nonce is in the names of its tokens.
create table bootstraps (
	id             integer primary key,
	tenant         text not null,
	url            text not null,
	username       text not null,
	nonce          text not null,
	account_id     integer not null, -- 0: GitLab has not answered yet
	integration_id integer not null, -- 0: not connected yet
	begun_at       text,
	ended_at       text,
	unique (tenant, url, username)
) strict;

-- What an integration's account could reach when somebody looked at it.
create table access_reviews (
	id             integer primary key,
	tenant         text not null,
	integration_id integer not null,
	reviewed_at    text,
	reviewed_by    text not null,
	note           text not null,
	reach          text not null, -- JSON
	remarks        text not null, -- JSON
	foreign key (tenant, integration_id) references integrations (tenant, id)
) strict;
create index access_reviews_integration on access_reviews (tenant, integration_id, id);

-- Who looks after an integration's account: addresses of teams.
create table access_owners (
	tenant         text not null,
	integration_id integer not null,
	address        text not null,
	set_at         text,
	primary key (tenant, integration_id, address),
	foreign key (tenant, integration_id) references integrations (tenant, id)
) strict, without rowid;

-- The review that somebody was reminded of; null: it was made.
create table access_reminders (
	tenant         text not null,
	integration_id integer not null,
	due_at         text,
	primary key (tenant, integration_id),
	foreign key (tenant, integration_id) references integrations (tenant, id)
) strict, without rowid;

-- See 00001: what the planner should believe of the new indexes.
insert into sqlite_stat1 (tbl, idx, stat) values
	('bootstraps', 'sqlite_autoindex_bootstraps_1', '10 10 5 1'),
	('access_reviews', 'access_reviews_integration', '100 100 10 1'),
	('access_owners', 'access_owners', '20 20 2 1'),
	('access_reminders', 'access_reminders', '10 10 1');
analyze sqlite_schema;
