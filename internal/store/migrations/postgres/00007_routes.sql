-- +goose Up
-- What happens to issues of an integration whose project changes: move,
-- close-and-link or stay.
alter table integrations add column on_route_change text not null default 'move';

-- The project the rules sent an issue to, wherever it is now. Until now an
-- integration had one project for all.
alter table issues add column routed_id bigint not null default 0;
update issues set routed_id = (
	select i.project_id from integrations i where i.tenant = issues.tenant and i.id = issues.integration_id
);
-- A move to another project that is under way or in doubt, or was refused.
alter table issues add column move_to bigint not null default 0;
alter table issues add column move_at timestamptz;
alter table issues add column move_refused text not null default '';
create index issues_moving on issues (tenant, integration_id, project_id, id) where move_to > 0 and move_refused = '';

-- How often news came about an issue that a person closed, and what the last was.
alter table issues add column returns bigint not null default 0;
alter table issues add column returned_as text not null default '';

-- When cxm last made sure that an issue is still there, on its own clock.
alter table issues add column checked_at timestamptz;
update issues set checked_at = sent_at;
create index issues_checked on issues (tenant, integration_id, project_id, checked_at) where phase = 'live' and state = 'opened';
