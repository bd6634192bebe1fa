-- +goose Up
-- The webhooks through which GitLab says that something changed. A row is there
-- before GitLab is asked for its hook.
create table hooks (
	id             integer primary key autoincrement,
	tenant         text not null,
	integration_id integer not null,
	endpoint       text not null, -- the random end of its address
	base           text not null, -- the address of cxm that a person gave
	sealed         blob not null, -- its secret
	signing        integer not null, -- the secret signs; else it is sent along
	level          text not null, -- project or group
	target_id      integer not null, -- of the project or group, in GitLab
	target         text not null, -- its path, for people
	gitlab_id      integer not null, -- 0: GitLab has not answered yet
	created_at     text,
	seen_at        text, -- the last delivery that was authentic
	alert          text not null, -- GitLab's alert_status; empty: never read
	alert_until    text,
	checked_at     text,
	trouble        text not null, -- why it does not work; empty: it does
	told           integer not null, -- a person was told of the trouble
	accepted       integer not null,
	repeated       integer not null,
	ignored        integer not null,
	refused        integer not null,
	unique (tenant, id),
	unique (tenant, integration_id, level, target_id),
	foreign key (tenant, integration_id) references integrations (tenant, id)
) strict;
create unique index hooks_endpoint on hooks (endpoint);

-- What was received lately, so that it has one effect.
create table hook_keys (
	tenant         text not null,
	integration_id integer not null,
	code           text not null, -- a hash
	received_at    text,
	primary key (tenant, integration_id, code),
	foreign key (tenant, integration_id) references integrations (tenant, id)
) strict, without rowid;
create index hook_keys_received on hook_keys (tenant, received_at);

-- The issues that deliveries named and nobody has looked at since.
create table hook_news (
	tenant         text not null,
	integration_id integer not null,
	project_id     integer not null,
	iid            integer not null,
	changed_at     text, -- as GitLab says; the year 9999: it does not say
	marked         integer not null, -- its text may carry a marker of cxm's
	primary key (tenant, integration_id, project_id, iid),
	foreign key (tenant, integration_id) references integrations (tenant, id)
) strict, without rowid;

-- See 00001: what the planner should believe of the new indexes.
insert into sqlite_stat1 (tbl, idx, stat) values
	('hooks', 'sqlite_autoindex_hooks_1', '5 5 1'),
	('hooks', 'sqlite_autoindex_hooks_2', '5 5 3 2 1'),
	('hooks', 'hooks_endpoint', '5 1'),
	('hook_keys', 'hook_keys', '50000 50000 25000 1'),
	('hook_keys', 'hook_keys_received', '50000 50000 2'),
	('hook_news', 'hook_news', '1000 1000 500 100 1');
analyze sqlite_schema;
