-- A target has one hook of an integration: a second gives no row.
-- name: AddHook :one
insert into hooks (
	tenant, integration_id, endpoint, base, sealed, signing, level, target_id, target, gitlab_id,
	created_at, alert, trouble, told, accepted, repeated, ignored, refused
) values (
	@tenant, @integration_id, @endpoint, @base, @sealed, @signing, @level, @target_id, @target, 0,
	@created_at, '', '', false, 0, 0, 0, 0
)
on conflict (tenant, integration_id, level, target_id) do nothing
returning id;

-- name: SaveHook :execrows
update hooks set base = @base, signing = @signing, target = @target, gitlab_id = @gitlab_id
where tenant = @tenant and id = @id;

-- Who was told of a trouble is told again when it came anew.
-- name: CheckHook :execrows
update hooks set alert = @alert, alert_until = @alert_until, checked_at = @checked_at,
	trouble = cast(@trouble as text), told = told and cast(@trouble as text) <> ''
where tenant = @tenant and id = @id;

-- Of several that tell a person one is first.
-- name: TellHook :execrows
update hooks set told = true where tenant = @tenant and id = @id and told = false and trouble <> '';

-- name: CountHook :exec
update hooks set accepted = accepted + @accepted, repeated = repeated + @repeated,
	ignored = ignored + @ignored, refused = refused + @refused, seen_at = coalesce(@seen_at, seen_at)
where tenant = @tenant and id = @id;

-- name: Hooks :many
select * from hooks where tenant = @tenant order by id;

-- name: DeleteHook :execrows
delete from hooks where tenant = @tenant and id = @id;

-- name: KeepHookKey :execrows
insert into hook_keys (tenant, integration_id, code, received_at)
values (@tenant, @integration_id, @code, @received_at)
on conflict (tenant, integration_id, code) do nothing;

-- name: PurgeHookKeys :execrows
delete from hook_keys where tenant = @tenant and received_at < @received_at;

-- The latest change counts.
-- name: AddHookNews :exec
insert into hook_news (tenant, integration_id, project_id, iid, changed_at, marked)
values (@tenant, @integration_id, @project_id, @iid, @changed_at, @marked)
on conflict (tenant, integration_id, project_id, iid) do update set
	changed_at = case when excluded.changed_at > hook_news.changed_at then excluded.changed_at else hook_news.changed_at end,
	marked = (excluded.marked or hook_news.marked);

-- name: HookNews :many
select iid, changed_at, marked from hook_news
where tenant = @tenant and integration_id = @integration_id and project_id = @project_id
order by iid limit @most;

-- News that came while these were read stay.
-- name: DropHookNews :exec
delete from hook_news
where tenant = @tenant and integration_id = @integration_id and project_id = @project_id and iid = @iid
	and changed_at = @changed_at;
