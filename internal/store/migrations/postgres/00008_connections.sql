-- +goose Up
-- How a GitLab is reached; without a row: with the system's certificates, and the
-- environment's proxy.
create table instances (
	tenant text collate "C" not null,
	url    text collate "C" not null,
	ca     text not null, -- PEM
	proxy  text not null, -- its URL, or none; empty: the environment's
	primary key (tenant, url)
);

-- What issues of an integration are given when they are made, and whether it is
-- still connected; without a row: nothing, and it is.
create table connections (
	tenant          text collate "C" not null,
	integration_id  bigint not null,
	labels          text not null, -- JSON
	assignee_id     bigint not null, -- 0: nobody
	assignee        text not null,
	confidential    boolean not null,
	disconnected_at timestamptz,
	primary key (tenant, integration_id),
	foreign key (tenant, integration_id) references integrations (tenant, id)
);
