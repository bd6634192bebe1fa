-- +goose Up
-- Up to which version each of several integrations is done with a group: it is
-- settled once all are. Where there is one, finding_groups alone says so.
create table settlements (
	tenant         text collate "C" not null,
	group_key      text collate "C" not null,
	integration_id bigint not null,
	version        bigint not null,
	primary key (tenant, group_key, integration_id),
	foreign key (tenant, group_key) references finding_groups (tenant, group_key)
);
