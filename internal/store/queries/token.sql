-- name: AddToken :one
insert into tokens (
	tenant, integration_id, state, in_use, sealed, token_id, token_name, scopes,
	made_at, expires_at, added_at, verified_at, ended_at, reason, rotation_id, told_days
) values (
	@tenant, @integration_id, @state, @in_use, @sealed, @token_id, @token_name, @scopes,
	@made_at, @expires_at, @added_at, @verified_at, null, @reason, @rotation_id, 9999
)
returning id;

-- name: TokenInUse :one
select * from tokens where tenant = @tenant and integration_id = @integration_id and in_use;

-- The tokens in use, of all integrations, that are one token of one GitLab.
-- name: SameTokens :many
select tokens.* from tokens
join integrations on integrations.tenant = tokens.tenant and integrations.id = tokens.integration_id
where tokens.tenant = @tenant and tokens.token_id = @token_id and tokens.in_use and integrations.url = @url
order by tokens.id;

-- name: Tokens :many
select * from tokens where tenant = @tenant and integration_id = @integration_id order by id;

-- The tokens that a rotation made.
-- name: RotatedTokens :many
select * from tokens where tenant = @tenant and rotation_id = @rotation_id and rotation_id > 0;

-- name: MoveToken :execrows
update tokens set
	state = @state, in_use = @in_use, reason = @reason, ended_at = @ended_at, verified_at = @verified_at, sealed = @sealed
where tenant = @tenant and id = @id and state = @was;

-- name: DescribeToken :execrows
update tokens set
	token_id = @token_id, token_name = @token_name, scopes = @scopes, made_at = @made_at,
	expires_at = @expires_at, verified_at = @verified_at
where tenant = @tenant and id = @id;

-- Gives a row to the first who tells it.
-- name: TellExpiry :execrows
update tokens set told_days = @days where tenant = @tenant and id = @id and told_days > @days;

-- name: AddTokenEvent :exec
insert into token_events (tenant, integration_id, token_row, at, state, reason)
values (@tenant, @integration_id, @token_row, @at, @state, @reason);

-- name: TokenEvents :many
select * from token_events where tenant = @tenant and integration_id = @integration_id order by id;

-- Gives no row when another one of the same token is open.
-- name: BeginRotation :one
insert into rotations (tenant, integration_id, token_row, target, state, begun_at, until_at, trouble)
values (@tenant, @integration_id, @token_row, @target, 'sent', @begun_at, @until_at, '')
on conflict do nothing
returning id;

-- name: OpenRotation :one
select * from rotations where tenant = @tenant and target = @target and state in ('sent', 'answered');

-- name: EndRotation :execrows
update rotations set state = @state, ended_at = @ended_at, trouble = @trouble
where tenant = @tenant and id = @id and state = @was;

-- name: TokenCare :one
select * from token_care where tenant = @tenant and integration_id = @integration_id;

-- name: AddTokenCare :exec
insert into token_care (tenant, integration_id, rotate_days, trouble, flagged)
values (@tenant, @integration_id, @rotate_days, '', '')
on conflict (tenant, integration_id) do nothing;

-- name: ScheduleRotation :execrows
update token_care set rotate_days = @rotate_days where tenant = @tenant and integration_id = @integration_id;

-- name: TokenChecked :execrows
update token_care set checked_at = @checked_at, retry_at = @retry_at, trouble = @trouble
where tenant = @tenant and integration_id = @integration_id;

-- name: FlagToken :execrows
update token_care set flagged = @flagged where tenant = @tenant and integration_id = @integration_id;

-- name: Keyset :one
select * from keysets where tenant = @tenant;

-- name: AddKeyset :exec
insert into keysets (tenant, sealed, key_id, version, changed_at)
values (@tenant, @sealed, @key_id, 1, @changed_at)
on conflict (tenant) do nothing;

-- name: SaveKeyset :execrows
update keysets set sealed = @sealed, key_id = @key_id, version = version + 1, changed_at = @changed_at
where tenant = @tenant and version = @version;

-- Holds the keyset still until the transaction ends; gives no row when another
-- key seals by now.
-- name: HoldKey :execrows
update keysets set changed_at = changed_at where tenant = @tenant and key_id = @key_id;

-- name: SealedTokens :many
select id, integration_id, sealed from tokens where tenant = @tenant and length(sealed) > 0 order by id;

-- name: ResealToken :execrows
update tokens set sealed = @sealed where tenant = @tenant and id = @id;

-- name: SealedHooks :many
select id, endpoint, sealed from hooks where tenant = @tenant and length(sealed) > 0 order by id;

-- name: ResealHook :execrows
update hooks set sealed = @sealed where tenant = @tenant and id = @id;

-- What the version before kept, which another key opens.
-- name: DropEarlierCredentials :exec
delete from credentials where tenant = @tenant;
