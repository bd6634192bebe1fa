-- name: RuleState :one
select * from rule_states where tenant = @tenant;

-- name: SetRuleState :exec
insert into rule_states (tenant, revision, stage, position) values (@tenant, @revision, @stage, @position)
on conflict (tenant) do update set revision = excluded.revision, stage = excluded.stage, position = excluded.position;

-- name: AddRevision :exec
insert into rule_revisions (tenant, revision, text, digest, author, note, made_at, restores)
values (@tenant, @revision, @text, @digest, @author, @note, @made_at, @restores);

-- name: RevisionNumbered :one
select * from rule_revisions where tenant = @tenant and revision = @revision;

-- name: LastRevision :one
select * from rule_revisions where tenant = @tenant order by revision desc limit 1;

-- Revisions lists the last ones without their texts.
-- name: Revisions :many
select revision, digest, author, note, made_at, restores
from rule_revisions where tenant = @tenant order by revision desc limit @most;

-- AssignedAfter is a page of findings with where they are.
-- name: AssignedAfter :many
select f.id, f.finding_key, f.first_key, f.group_key, f.also, g.rule, g.ignored, b.body
from findings f
join finding_groups g on g.tenant = f.tenant and g.group_key = f.group_key
join finding_bodies b on b.finding_id = f.id and b.tenant = f.tenant
where f.tenant = @tenant and f.id > @after
order by f.id limit @page;

-- name: MembershipsOf :many
select place, group_key, rule, child from memberships
where tenant = @tenant and finding_id = @finding_id order by place;

-- name: DropMemberships :exec
delete from memberships where tenant = @tenant and finding_id = @finding_id;

-- name: AddMembership :exec
insert into memberships (tenant, finding_id, place, group_key, rule, child) values (@tenant, @finding_id, @place, @group_key, @rule, @child);

-- name: Regroup :exec
update findings set group_key = @group_key, also = @also where tenant = @tenant and id = @id;

-- name: AddRegrouping :exec
insert into regroupings (tenant, finding_id, was, place) values (@tenant, @finding_id, @was, @place)
on conflict (tenant, finding_id, was) do nothing;

-- ActiveIssuesAfter is a page of the issues that exist or may exist, the oldest
-- first, with whether findings left their groups.
-- name: ActiveIssuesAfter :many
select i.id, i.integration_id, i.group_key, i.state,
	exists (select 1 from regroupings r where r.tenant = i.tenant and r.was = i.group_key) as left_by_some
from issues i
where i.tenant = @tenant and i.id > @after and i.phase in ('intended', 'in doubt', 'live', 'lost')
order by i.id limit @page;

-- name: ActiveIssuesOf :many
select id, integration_id, group_key, state from issues
where tenant = @tenant and group_key = @group_key and phase in ('intended', 'in doubt', 'live', 'lost')
order by id;

-- name: HasFindings :one
select exists (select 1 from findings f where f.tenant = @tenant and f.group_key = @group_key)
	or exists (select 1 from memberships m where m.tenant = @tenant and m.group_key = @group_key) as has_findings;

-- LeadOfLeavers is the finding that an issue of those that left a group would be
-- told by (rule.Group.Lead): one whose group has no issue before one whose group
-- has, and one that has issues before one that is ignored. Of those that left a
-- parent's group it does not matter what their own groups have.
-- name: LeadOfLeavers :one
select f.id, f.group_key, f.also, r.place, w.parent
from regroupings r
join finding_groups w on w.tenant = r.tenant and w.group_key = r.was
join findings f on f.tenant = r.tenant and f.id = r.finding_id
join finding_groups g on g.tenant = f.tenant and g.group_key = f.group_key
where r.tenant = @tenant and r.was = @was
order by
	(not w.parent and exists (
		select 1 from issues o
		where o.tenant = @tenant and o.integration_id = @integration_id and o.group_key = f.group_key
			and o.phase in ('intended', 'in doubt', 'live', 'lost')
	)),
	g.ignored = '' desc, f.detection = 'present' desc, coalesce(f.savings_micros, 0) desc, f.severity desc, f.finding_key
limit 1;

-- Inherit hands an issue to another group, unless that has one. What is under way
-- keeps its rev: its end is still to be recorded.
-- name: Inherit :execrows
update issues set group_key = @heir, rev = issues.rev + case when issues.phase in ('live', 'lost') then 1 else 0 end
where issues.tenant = @tenant and issues.id = @id and issues.group_key = @was
and not exists (
	select 1 from issues o
	where o.tenant = @tenant and o.integration_id = issues.integration_id and o.group_key = @heir
		and o.phase in ('intended', 'in doubt', 'live', 'lost')
);

-- name: RegroupingsEnd :one
select cast(coalesce(max(r.finding_id), 0) as bigint) as finding_id
from (select finding_id from regroupings where tenant = @tenant order by finding_id limit @page) r;

-- name: DropRegroupings :exec
delete from regroupings where tenant = @tenant and finding_id <= @finding_id;

-- Heir is the group that the finding is in that left a group last, if that has
-- none any more, and whether that was a parent's.
-- name: Heir :one
select f.group_key, g.parent
from finding_groups g
join findings f on f.tenant = g.tenant and f.id = g.left_finding
where g.tenant = @tenant and g.group_key = @group_key
	and not exists (select 1 from findings e where e.tenant = @tenant and e.group_key = @group_key)
	and not exists (select 1 from memberships m where m.tenant = @tenant and m.group_key = @group_key);
