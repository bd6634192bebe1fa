-- name: Tenants :many
select * from tenants order by name;

-- name: TenantOf :many
select * from tenants where name = @name;

-- name: AddTenant :execrows
insert into tenants (name, title, made_at, disabled) values (@name, @title, @made_at, false)
on conflict (name) do nothing;

-- name: SaveTenant :exec
insert into tenants (name, title, made_at, disabled) values (@name, @title, @made_at, @disabled)
on conflict (name) do update set title = excluded.title, disabled = excluded.disabled;
