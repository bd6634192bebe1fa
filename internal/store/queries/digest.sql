-- name: AddDigest :exec
insert into digests (tenant, integration_id, project_id, group_key)
values (@tenant, @integration_id, @project_id, @group_key)
on conflict (tenant, integration_id, project_id) do update set group_key = excluded.group_key;

-- name: Digests :many
select project_id, group_key from digests
where tenant = @tenant and integration_id = @integration_id
order by project_id;
