-- name: FindingsFrom :many
select f.finding_key, f.group_key, f.detection, f.absences, f.since, s.source, s.scope, b.body, coalesce(d.decision, '') as decision, coalesce(d.reason, '') as decided_why, coalesce(d.author, '') as decided_by, d.made_at as decided_at, d.until as decided_until
from findings f
join scopes s on s.tenant = f.tenant and s.id = f.scope_id
join finding_bodies b on b.finding_id = f.id and b.tenant = f.tenant
left join decisions d on d.tenant = f.tenant and d.finding_id = f.id and d.standing
where f.tenant = @tenant and f.finding_key >= @first and f.finding_key < @behind
order by f.finding_key limit @page;

-- name: GroupState :one
select rule, dirty from finding_groups where tenant = @tenant and group_key = @group_key;

-- name: CompletePulls :many
select scopes.source, scopes.scope, pulls.received_at
from scopes
join pulls on pulls.tenant = scopes.tenant and pulls.scope_id = scopes.id
where scopes.tenant = @tenant
and pulls.id = (select max(p.id) from pulls p where p.tenant = scopes.tenant and p.scope_id = scopes.id and p.complete)
order by scopes.source, scopes.scope;
