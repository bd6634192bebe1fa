-- name: MakeInstallation :exec
insert into installations (tenant, code) values (@tenant, @code)
on conflict (tenant) do nothing;

-- name: Installation :one
select code from installations where tenant = @tenant;

-- name: AddIntegration :one
insert into integrations (
	tenant, provider, url, version, account_id, account_username, account_name, account_bot,
	project_id, project_path, project_web_url, access_level, created_at, verified_at, on_route_change
) values (
	@tenant, @provider, @url, @version, @account_id, @account_username, @account_name, @account_bot,
	@project_id, @project_path, @project_web_url, @access_level, @created_at, @verified_at, @on_route_change
)
on conflict (tenant, url, project_id) do nothing
returning id;

-- name: UpdateIntegration :execrows
update integrations set
	provider = @provider, url = @url, version = @version,
	account_id = @account_id, account_username = @account_username, account_name = @account_name, account_bot = @account_bot,
	project_id = @project_id, project_path = @project_path, project_web_url = @project_web_url,
	access_level = @access_level, created_at = @created_at, verified_at = @verified_at, on_route_change = @on_route_change
where tenant = @tenant and id = @id;

-- name: Integrations :many
select * from integrations where integrations.tenant = @tenant and not exists (
	select 1 from connections c
	where c.tenant = integrations.tenant and c.integration_id = integrations.id and c.disconnected_at is not null
) order by integrations.id;

-- name: Integration :one
select sqlc.embed(integrations), sqlc.embed(tokens)
from integrations
join tokens on tokens.tenant = integrations.tenant and tokens.integration_id = integrations.id and tokens.in_use
where integrations.tenant = @tenant and integrations.id = @id;

-- name: IntegrationAt :one
select id from integrations where tenant = @tenant and url = @url and project_id = @project_id;
