-- +goose Up
-- The groups that are digests of what waits in a project: their issues count
-- against no budget and no cap.
create table digests (
	tenant         text collate "C" not null,
	integration_id bigint not null,
	project_id     bigint not null,
	group_key      text collate "C" not null,
	primary key (tenant, integration_id, project_id),
	foreign key (tenant, integration_id) references integrations (tenant, id)
);
