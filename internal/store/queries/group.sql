-- The pages of groups are read in ranges of keys: a range needs no list of keys
-- in the statement. Every query exists twice, since "all or dirty" in one
-- condition would keep both databases from using the index of dirty groups.

-- name: GroupsAfter :many
select group_key, version, left_finding, left_at, rule, ignored, parent
from finding_groups
where tenant = @tenant and group_key > @after
order by group_key limit @page;

-- name: DirtyGroupsAfter :many
select group_key, version, left_finding, left_at, rule, ignored, parent
from finding_groups
where tenant = @tenant and group_key > @after and dirty
order by group_key limit @page;

-- name: Members :many
select f.group_key, f.finding_key, f.detection, f.absences, f.digest, f.since, b.body, coalesce(d.decision, '') as decision, coalesce(d.reason, '') as decided_why, coalesce(d.author, '') as decided_by, d.made_at as decided_at, d.until as decided_until
from findings f
join finding_bodies b on b.finding_id = f.id and b.tenant = f.tenant
left join decisions d on d.tenant = f.tenant and d.finding_id = f.id and d.standing
where f.tenant = @tenant and f.group_key >= @first and f.group_key <= @last
order by f.group_key;

-- name: DirtyMembers :many
select f.group_key, f.finding_key, f.detection, f.absences, f.digest, f.since, b.body, coalesce(d.decision, '') as decision, coalesce(d.reason, '') as decided_why, coalesce(d.author, '') as decided_by, d.made_at as decided_at, d.until as decided_until
from finding_groups g
join findings f on f.tenant = g.tenant and f.group_key = g.group_key
join finding_bodies b on b.finding_id = f.id and b.tenant = f.tenant
left join decisions d on d.tenant = f.tenant and d.finding_id = f.id and d.standing
where g.tenant = @tenant and g.group_key >= @first and g.group_key <= @last and g.dirty
order by g.group_key;

-- Findings that are in a group besides their first one.
-- name: AlsoMembers :many
select m.group_key, f.finding_key, f.detection, f.absences, f.digest, f.since, b.body, coalesce(d.decision, '') as decision, coalesce(d.reason, '') as decided_why, coalesce(d.author, '') as decided_by, d.made_at as decided_at, d.until as decided_until
from memberships m
join findings f on f.tenant = m.tenant and f.id = m.finding_id
join finding_bodies b on b.finding_id = f.id and b.tenant = f.tenant
left join decisions d on d.tenant = f.tenant and d.finding_id = f.id and d.standing
where m.tenant = @tenant and m.group_key >= @first and m.group_key <= @last
order by m.group_key;

-- name: DirtyAlsoMembers :many
select m.group_key, f.finding_key, f.detection, f.absences, f.digest, f.since, b.body, coalesce(d.decision, '') as decision, coalesce(d.reason, '') as decided_why, coalesce(d.author, '') as decided_by, d.made_at as decided_at, d.until as decided_until
from finding_groups g
join memberships m on m.tenant = g.tenant and m.group_key = g.group_key
join findings f on f.tenant = m.tenant and f.id = m.finding_id
join finding_bodies b on b.finding_id = f.id and b.tenant = f.tenant
left join decisions d on d.tenant = f.tenant and d.finding_id = f.id and d.standing
where g.tenant = @tenant and g.group_key >= @first and g.group_key <= @last and g.dirty
order by g.group_key;

-- name: Departed :one
select f.group_key, f.finding_key, f.detection, f.absences, f.digest, f.since, b.body, coalesce(d.decision, '') as decision, coalesce(d.reason, '') as decided_why, coalesce(d.author, '') as decided_by, d.made_at as decided_at, d.until as decided_until
from findings f
join finding_bodies b on b.finding_id = f.id and b.tenant = f.tenant
left join decisions d on d.tenant = f.tenant and d.finding_id = f.id and d.standing
where f.tenant = @tenant and f.id = @id;

-- name: GroupIssues :many
select * from issues
where tenant = @tenant and group_key >= @first and group_key <= @last and phase <> 'dropped'
order by group_key, id;

-- name: DirtyGroupIssues :many
select sqlc.embed(i)
from finding_groups g
join issues i on i.tenant = g.tenant and i.group_key = g.group_key
where g.tenant = @tenant and g.group_key >= @first and g.group_key <= @last and g.dirty and i.phase <> 'dropped'
order by g.group_key, i.id;

-- name: CountGroups :one
select count(*) from finding_groups where tenant = @tenant;

-- name: CountDirtyGroups :one
select count(*) from finding_groups where tenant = @tenant and dirty;

-- name: TouchGroup :exec
update finding_groups set dirty = true, version = version + 1
where tenant = @tenant and group_key = @group_key;

-- SettleFor says that one of several integrations is done with a group.
-- name: SettleFor :exec
insert into settlements (tenant, group_key, integration_id, version)
select g.tenant, g.group_key, @integration_id, g.version from finding_groups g
where g.tenant = @tenant and g.group_key = @group_key and g.version = @version
and exists (select 1 from integrations i where i.tenant = @tenant and i.id <> @integration_id)
on conflict (tenant, group_key, integration_id) do update set version = excluded.version;

-- SettleGroup says that nothing is left to do about a group, once no other
-- integration has still to look at it.
-- name: SettleGroup :exec
update finding_groups set dirty = false
where finding_groups.tenant = @tenant and finding_groups.group_key = @group_key and finding_groups.version = @version and finding_groups.dirty
and (@integration_id = 0 or not exists (
	select 1 from integrations i
	where i.tenant = @tenant and i.id <> @integration_id
	and not exists (select 1 from connections c where c.tenant = i.tenant and c.integration_id = i.id and c.disconnected_at is not null)
	and not exists (select 1 from settlements s where s.tenant = i.tenant and s.group_key = @group_key and s.integration_id = i.id and s.version = @version)
));

-- name: GroupHead :one
select group_key, version, left_finding, left_at, rule, ignored, parent
from finding_groups
where tenant = @tenant and group_key = @group_key;
