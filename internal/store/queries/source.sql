-- A name is taken once, and so is the scope of a type: a second gives no row.
-- name: AddSource :one
insert into sources (
	tenant, name, type, scope, options, rate, token, token_at, enabled, created_at, accepted, events, repeated, refused
) values (
	@tenant, @name, @type, @scope, @options, @rate, @token, @token_at, true, @created_at, 0, 0, 0, 0
)
on conflict do nothing
returning id;

-- name: Sources :many
select * from sources where tenant = @tenant order by name;

-- name: SourceNamed :one
select * from sources where tenant = @tenant and name = @name;

-- name: EnabledSources :many
select id, type, scope, options from sources where tenant = @tenant and enabled;

-- name: RotateSource :execrows
update sources set former = token, former_until = @former_until, token = @token, token_at = @token_at
where tenant = @tenant and name = @name;

-- name: EnableSource :execrows
update sources set enabled = @enabled where tenant = @tenant and name = @name;

-- name: DeleteSource :execrows
delete from sources where tenant = @tenant and id = @id;

-- name: CountSource :exec
update sources set accepted = accepted + @accepted, events = events + @events, repeated = repeated + @repeated,
	refused = refused + @refused, used_at = coalesce(@used_at, used_at)
where tenant = @tenant and id = @id;

-- ScopeHolder is whose a scope is: the name is empty when it is no configured
-- source's.
-- name: ScopeHolder :one
select scopes.source, scopes.scope, coalesce(sources.name, '') as name
from scopes
left join sources on sources.tenant = scopes.tenant and sources.type = scopes.source and sources.scope = scopes.scope
where scopes.tenant = @tenant and scopes.id = @id;

-- SourceEventsEnd is when the event was accepted that so many came after.
-- name: SourceEventsEnd :one
select seen from source_events where tenant = @tenant and source_id = @source_id
order by seen desc limit 1 offset cast(@keep as bigint);

-- name: PurgeSourceEvents :execrows
delete from source_events
where source_events.tenant = @tenant and source_events.source_id = @source_id and source_events.digest in (
	select e.digest from source_events e
	where e.tenant = @tenant and e.source_id = @source_id and e.seen < @before
	order by e.seen limit @most
);

-- LoadWaiting is how much waits to be taken in: deliveries, and their bytes as
-- they are stored.
-- name: LoadWaiting :one
select count(*) as deliveries, cast(coalesce(sum(length(body)), 0) as bigint) as bytes
from deliveries where tenant = @tenant and trouble = '';

-- name: RefusedDeliveries :many
select id, source, scope, received_at, trouble from deliveries
where tenant = @tenant and trouble <> '' order by id desc limit @most;

-- name: ForgetDelivery :execrows
delete from deliveries where tenant = @tenant and id = @id and trouble <> '';
