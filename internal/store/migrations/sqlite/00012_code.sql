-- +goose Up
-- The states of Terraform that an admin gave, so that resources are found in code.
-- Nothing of a state is kept but what says where a resource is declared.
create table code_states (
	tenant     text not null,
	name       text not null,
	host       text not null, -- where the repository is; empty: on the instance of the integration
	repository text not null, -- "acme/infra"
	folder     text not null, -- of the root module, from the root of the repository: "." is that itself
	resources  integer not null,
	added_by   text not null,
	added_at   text,
	primary key (tenant, name)
) strict, without rowid;

-- What a resource is called in its cloud, and where it is declared.
create table code_names (
	tenant text not null,
	name   text not null, -- in lower case
	state  text not null,
	spot   text not null, -- JSON
	primary key (tenant, name, state),
	foreign key (tenant, state) references code_states (tenant, name)
) strict, without rowid;
create index code_names_state on code_names (tenant, state, name);

-- What GitLab said about a file or a folder of a repository.
create table code_evidence (
	tenant         text not null,
	integration_id integer not null,
	repository     text not null, -- in lower case
	subject        text not null, -- "file …" or "folder …"
	said           text not null, -- JSON; empty: it was not asked yet
	due_at         text not null, -- when it is to be asked, again
	used_at        text not null, -- when somebody last wanted to know it, to the week
	primary key (tenant, integration_id, repository, subject),
	foreign key (tenant, integration_id) references integrations (tenant, id)
) strict, without rowid;
create index code_evidence_due on code_evidence (tenant, integration_id, due_at);

-- See 00001: what the planner should believe of the new indexes.
insert into sqlite_stat1 (tbl, idx, stat) values
	('code_states', 'code_states', '20 20 1'),
	('code_names', 'code_names', '200000 200000 1 1'),
	('code_names', 'code_names_state', '200000 200000 10000 1'),
	('code_evidence', 'code_evidence', '5000 5000 2500 50 1'),
	('code_evidence', 'code_evidence_due', '5000 5000 2500 10');
analyze sqlite_schema;
