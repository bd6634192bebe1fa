-- +goose Up
-- Times are text of one width, in UTC (db.Time); booleans are 0 and 1.
create table installations (
	tenant text primary key,
	code   text not null
) strict, without rowid;

create table integrations (
	id               integer primary key,
	tenant           text not null,
	provider         text not null,
	url              text not null,
	version          text not null,
	account_id       integer not null,
	account_username text not null,
	account_name     text not null,
	account_bot      integer not null,
	project_id       integer not null,
	project_path     text not null,
	project_web_url  text not null,
	access_level     integer not null,
	created_at       text,
	verified_at      text,
	unique (tenant, url, project_id),
	unique (tenant, id)
) strict;

create table credentials (
	integration_id integer primary key,
	tenant         text not null,
	sealed         blob not null,
	expires_at     text,
	scopes         text not null, -- JSON
	token_id       integer not null,
	token_name     text not null,
	foreign key (tenant, integration_id) references integrations (tenant, id)
) strict;

create table scopes (
	id     integer primary key,
	tenant text not null,
	source text not null,
	scope  text not null,
	unique (tenant, source, scope),
	unique (tenant, id)
) strict;

create table pulls (
	id          integer primary key,
	tenant      text not null,
	scope_id    integer not null,
	received_at text,
	complete    integer not null,
	reasons     text not null, -- JSON
	files       text not null, -- JSON
	added       integer not null,
	changed     integer not null,
	unchanged   integer not null,
	absent      integer not null,
	missing     integer not null,
	skipped     integer not null,
	foreign key (tenant, scope_id) references scopes (tenant, id)
) strict;
create index pulls_scope on pulls (tenant, scope_id, id);

create table finding_groups (
	tenant       text not null,
	group_key    text not null,
	rule         text not null,
	version      integer not null,
	dirty        integer not null,
	left_finding integer,       -- the finding that last moved to another group
	left_at      text,
	primary key (tenant, group_key)
) strict, without rowid;
create index finding_groups_dirty on finding_groups (tenant, group_key) where dirty;

-- What is remembered of a finding, kept narrow: a pull reads all of its scope.
create table findings (
	id             integer primary key,
	tenant         text not null,
	finding_key    text not null,
	scope_id       integer not null,
	group_key      text not null,
	kind           text not null,
	account        text not null,
	detection      text not null,
	absences       integer not null,
	digest         text not null,
	since          text,
	severity       integer not null,
	savings        text,   -- exact decimal per month; null: unknown
	savings_micros integer, -- the same in millionths, for sorting
	currency       text not null,
	unique (tenant, finding_key),
	foreign key (tenant, scope_id) references scopes (tenant, id),
	foreign key (tenant, group_key) references finding_groups (tenant, group_key)
) strict;
create index findings_scope on findings (tenant, scope_id);
create index findings_group on findings (tenant, group_key);

-- What a finding says.
create table finding_bodies (
	finding_id integer primary key references findings (id),
	tenant     text not null,
	body       text not null -- JSON
) strict;

create table issues (
	id             integer primary key,
	tenant         text not null,
	integration_id integer not null,
	group_key      text not null,
	nonce          text not null,
	phase          text not null,
	rev            integer not null,
	sent_at        text,
	project_id     integer not null,
	iid            integer not null,
	state          text not null,
	pending_state  text not null,
	override_state text not null,
	observed       text not null, -- JSON
	written        text not null, -- JSON
	missing        integer not null,
	trouble        text not null,
	unique (tenant, id),
	foreign key (tenant, integration_id) references integrations (tenant, id)
) strict;
-- G1: at most one issue of a group that exists or may exist.
create unique index issues_active on issues (tenant, integration_id, group_key)
	where phase in ('intended', 'in doubt', 'live', 'lost');
-- A nonce is issued once; a second issue that carries it is a duplicate.
create unique index issues_nonce on issues (tenant, nonce) where phase not in ('duplicate', 'retired');
create index issues_nonce_any on issues (tenant, nonce);
create unique index issues_iid on issues (tenant, integration_id, project_id, iid) where iid > 0;
create index issues_project on issues (tenant, integration_id, project_id);
create index issues_group on issues (tenant, group_key, id);
create index issues_unsettled on issues (tenant, integration_id, id) where phase in ('intended', 'in doubt');

create table watermarks (
	tenant         text not null,
	integration_id integer not null,
	project_id     integer not null,
	seen_at        text,
	primary key (tenant, integration_id, project_id),
	foreign key (tenant, integration_id) references integrations (tenant, id)
) strict, without rowid;

create table runs (
	id          integer primary key,
	tenant      text not null,
	started_at  text,
	finished_at text,
	steps       integer not null,
	done        integer not null,
	failed      integer not null,
	in_doubt    integer not null,
	skipped     integer not null,
	unique (tenant, id)
) strict;

create table journal (
	id        integer primary key,
	tenant    text not null,
	run_id    integer not null,
	seq       integer not null,
	verb      text not null,
	reason    text not null,
	group_key text not null,
	issue_id  integer,
	outcome   text not null,
	trouble   text not null,
	calls     integer not null,
	wrote_at  text,
	ended_at  text,
	summary   text not null,
	web_url   text not null,
	title     text not null,
	foreign key (tenant, run_id) references runs (tenant, id),
	foreign key (tenant, issue_id) references issues (tenant, id)
) strict;
create index journal_run on journal (tenant, run_id, seq, id);
create index journal_open on journal (tenant, issue_id) where outcome in ('intended', 'in doubt');

-- What SQLite's planner should believe about the tables, instead of what ANALYZE
-- would find: a large tenant in its tenth month. Without it, it takes "tenant = ?"
-- for selective and reads whole tables. Each row says how many rows there are
-- and how many share the first, the first two, ... columns of the index.
-- TestPlans holds every query to its index.
analyze sqlite_schema;
insert into sqlite_stat1 (tbl, idx, stat) values
	('scopes', 'sqlite_autoindex_scopes_1', '100 100 10 1'),
	('scopes', 'sqlite_autoindex_scopes_2', '100 100 1'),
	('pulls', 'pulls_scope', '30000 30000 300 1'),
	('finding_groups', 'finding_groups', '100000 100000 1'),
	('finding_groups', 'finding_groups_dirty', '1000 1000 1'),
	('findings', 'sqlite_autoindex_findings_1', '200000 200000 1'),
	('findings', 'findings_scope', '200000 200000 2000'),
	('findings', 'findings_group', '200000 200000 2'),
	('finding_bodies', null, '200000'),
	('issues', 'sqlite_autoindex_issues_1', '50000 50000 1'),
	('issues', 'issues_active', '20000 20000 20000 1'),
	('issues', 'issues_nonce', '50000 50000 1'),
	('issues', 'issues_nonce_any', '50000 50000 1'),
	('issues', 'issues_iid', '50000 50000 50000 5000 1'),
	('issues', 'issues_project', '50000 50000 50000 5000'),
	('issues', 'issues_group', '50000 50000 2 1'),
	('issues', 'issues_unsettled', '10 10 10 1'),
	('runs', 'sqlite_autoindex_runs_1', '10000 10000 1'),
	('journal', 'journal_run', '500000 500000 50 1 1'),
	('integrations', 'sqlite_autoindex_integrations_1', '10 10 5 1'),
	('integrations', 'sqlite_autoindex_integrations_2', '10 10 1'),
	('watermarks', 'watermarks', '10 10 2 1');
analyze sqlite_schema;
