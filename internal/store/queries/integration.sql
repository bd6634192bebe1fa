-- name: MakeInstallation :exec
insert into installations (tenant, code) values (@tenant, @code)
on conflict (tenant) do nothing;

-- name: Installation :one
select code from installations where tenant = @tenant;

-- name: AddIntegration :one
insert into integrations (
	tenant, provider, url, version, account_id, account_username, account_name, account_bot,
	project_id, project_path, project_web_url, access_level, created_at, verified_at
) values (
	@tenant, @provider, @url, @version, @account_id, @account_username, @account_name, @account_bot,
	@project_id, @project_path, @project_web_url, @access_level, @created_at, @verified_at
)
on conflict (tenant, url, project_id) do nothing
returning id;

-- name: UpdateIntegration :execrows
update integrations set
	provider = @provider, url = @url, version = @version,
	account_id = @account_id, account_username = @account_username, account_name = @account_name, account_bot = @account_bot,
	project_id = @project_id, project_path = @project_path, project_web_url = @project_web_url,
	access_level = @access_level, created_at = @created_at, verified_at = @verified_at
where tenant = @tenant and id = @id;

-- name: PutCredential :exec
insert into credentials (integration_id, tenant, sealed, expires_at, scopes, token_id, token_name)
values (@integration_id, @tenant, @sealed, @expires_at, @scopes, @token_id, @token_name)
on conflict (integration_id) do update set
	sealed = excluded.sealed, expires_at = excluded.expires_at, scopes = excluded.scopes,
	token_id = excluded.token_id, token_name = excluded.token_name
where credentials.tenant = excluded.tenant;

-- name: Integrations :many
select * from integrations where tenant = @tenant order by id;

-- name: Integration :one
select sqlc.embed(integrations), sqlc.embed(credentials)
from integrations
join credentials on credentials.tenant = integrations.tenant and credentials.integration_id = integrations.id
where integrations.tenant = @tenant and integrations.id = @id;

-- name: IntegrationAt :one
select id from integrations where tenant = @tenant and url = @url and project_id = @project_id;
