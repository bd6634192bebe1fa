-- EndDecision makes way for another decision about a finding.
-- name: EndDecision :exec
update decisions set standing = false where tenant = @tenant and finding_id = @finding_id and standing;

-- name: AddDecision :one
insert into decisions (tenant, finding_id, decision, reason, author, made_at, until, standing)
values (@tenant, @finding_id, @decision, @reason, @author, @made_at, @until, true)
returning id;

-- DecidedGroups are the groups that a finding is in besides its first one.
-- name: DecidedGroups :many
select group_key from memberships where tenant = @tenant and finding_id = @finding_id;

-- DecisionsOf is what was decided about a finding, the latest first.
-- name: DecisionsOf :many
select d.* from decisions d
where d.tenant = @tenant and d.finding_id = @finding_id and d.id < @before
order by d.id desc limit @page;

-- StandingDecisions is a page of what stands, the latest first; of an empty decision:
-- every one but undecided.
-- name: StandingDecisions :many
select d.*, f.finding_key, f.detection, b.body
from decisions d
cross join findings f
cross join finding_bodies b
where d.tenant = @tenant and d.standing and d.id < @before
and f.id = d.finding_id and f.tenant = d.tenant and b.finding_id = f.id and b.tenant = f.tenant
and d.decision <> 'undecided' and (d.decision = @decision or @decision = '')
order by d.id desc limit @page;
