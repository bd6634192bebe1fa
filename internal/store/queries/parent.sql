-- ParentsOf lists the groups that stand over a group.
-- name: ParentsOf :many
select distinct group_key from memberships
where tenant = @tenant and child = @child and child <> ''
order by group_key;

-- ChildMembers is beneath which group each member of a parent's stands.
-- name: ChildMembers :many
select m.child, f.finding_key
from memberships m
join findings f on f.tenant = m.tenant and f.id = m.finding_id
where m.tenant = @tenant and m.group_key = @group_key and m.child <> '';

-- ChildIssues are the issues that speak for the groups beneath a parent's.
-- name: ChildIssues :many
select i.group_key, i.integration_id, i.phase, i.state, i.project_id, i.iid, i.observed
from issues i
where i.tenant = @tenant and i.phase in ('live', 'lost')
	and i.group_key in (select m.child from memberships m where m.tenant = @tenant and m.group_key = @group_key and m.child <> '');
