-- +goose Up
-- The states of Terraform that an admin gave, so that resources are found in code.
-- Nothing of a state is kept but what says where a resource is declared.
create table code_states (
	tenant     text collate "C" not null,
	name       text collate "C" not null,
	host       text not null, -- where the repository is; empty: on the instance of the integration
	repository text not null, -- "acme/infra"
	folder     text not null, -- of the root module, from the root of the repository: "." is that itself
	resources  bigint not null,
	added_by   text not null,
	added_at   timestamptz,
	primary key (tenant, name)
);

-- What a resource is called in its cloud, and where it is declared.
create table code_names (
	tenant text collate "C" not null,
	name   text collate "C" not null, -- in lower case
	state  text collate "C" not null,
	spot   text not null, -- JSON
	primary key (tenant, name, state),
	foreign key (tenant, state) references code_states (tenant, name)
);
create index code_names_state on code_names (tenant, state, name);

-- What GitLab said about a file or a folder of a repository.
create table code_evidence (
	tenant         text collate "C" not null,
	integration_id bigint not null,
	repository     text collate "C" not null, -- in lower case
	subject        text collate "C" not null, -- "file …" or "folder …"
	said           text not null, -- JSON; empty: it was not asked yet
	due_at         timestamptz not null, -- when it is to be asked, again
	used_at        timestamptz not null, -- when somebody last wanted to know it, to the week
	primary key (tenant, integration_id, repository, subject),
	foreign key (tenant, integration_id) references integrations (tenant, id)
);
create index code_evidence_due on code_evidence (tenant, integration_id, due_at);
