-- name: Instance :one
select * from instances where tenant = @tenant and url = @url;

-- name: PutInstance :exec
insert into instances (tenant, url, ca, proxy) values (@tenant, @url, @ca, @proxy)
on conflict (tenant, url) do update set ca = excluded.ca, proxy = excluded.proxy;

-- name: Connection :one
select * from connections where tenant = @tenant and integration_id = @integration_id;

-- name: PutConnection :exec
insert into connections (tenant, integration_id, labels, assignee_id, assignee, confidential, disconnected_at)
values (@tenant, @integration_id, @labels, @assignee_id, @assignee, @confidential, @disconnected_at)
on conflict (tenant, integration_id) do update set
	labels = excluded.labels, assignee_id = excluded.assignee_id, assignee = excluded.assignee,
	confidential = excluded.confidential, disconnected_at = excluded.disconnected_at;

-- name: IntegrationHere :one
select * from integrations where tenant = @tenant and url = @url and project_id = @project_id;

-- What is planned or waits for an integration that is disconnected ends here; a
-- run that a person watches ends by itself.
-- name: AbandonPlanned :execrows
update journal set outcome = 'skipped', trouble = @trouble, ended_at = @ended_at
where journal.tenant = @tenant and outcome = 'planned' and run_id in (
	select runs.id from runs
	where runs.tenant = @tenant and runs.integration_id = @integration_id and runs.state in ('running', 'waiting')
);

-- name: AbandonRuns :execrows
update runs set state = case when state = 'waiting' then 'superseded' else 'finished' end, finished_at = @finished_at
where tenant = @tenant and integration_id = @integration_id and state in ('running', 'waiting') and (shared or state = 'waiting');

-- Beside the token in use: one that a rotation made and nobody took up yet.
-- name: ForgetSealed :exec
update tokens set sealed = @nothing where tenant = @tenant and integration_id = @integration_id and length(sealed) > 0;

-- name: ForgetEarlierCredential :exec
delete from credentials where tenant = @tenant and integration_id = @integration_id;

-- Nothing that was settled before counts for a connection that is there again.
-- name: TouchAll :exec
update finding_groups set dirty = true, version = version + 1 where tenant = @tenant;

-- Those that were disconnected, the last one first.
-- name: Disconnected :many
select sqlc.embed(integrations), connections.disconnected_at
from connections
join integrations on integrations.tenant = connections.tenant and integrations.id = connections.integration_id
where connections.tenant = @tenant and connections.disconnected_at is not null
order by connections.disconnected_at desc, integrations.id;

-- Some issues that cxm made in a project, by which the project is known again.
-- name: Traces :many
select iid, nonce from issues
where tenant = @tenant and integration_id = @integration_id and project_id = @project_id and iid > 0
order by iid desc limit 3;

-- name: IntegrationsOfProject :many
select integrations.id, integrations.url, integrations.created_at,
	exists (select 1 from connections c where c.tenant = integrations.tenant and c.integration_id = integrations.id and c.disconnected_at is not null) as gone
from integrations where integrations.tenant = @tenant and integrations.project_id = @project_id order by integrations.id;
