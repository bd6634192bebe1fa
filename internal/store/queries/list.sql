-- Lists are read in pages, each behind the last row of the one before. A filter
-- that is empty lets everything through. A cross join keeps SQLite from taking
-- another order than that of the page.

-- name: ListFindings :many
select f.id, f.finding_key, f.group_key, f.detection, f.absences, f.digest, f.since, s.source, s.scope, g.rule, g.ignored, b.body, coalesce(d.decision, '') as decision, coalesce(d.reason, '') as decided_why, coalesce(d.author, '') as decided_by, d.made_at as decided_at, d.until as decided_until
from findings f
cross join finding_bodies b
cross join scopes s
cross join finding_groups g
left join decisions d on d.tenant = f.tenant and d.finding_id = f.id and d.standing
where f.tenant = @tenant and b.finding_id = f.id and b.tenant = f.tenant and s.id = f.scope_id and s.tenant = f.tenant
and g.tenant = f.tenant and g.group_key = f.group_key and f.id > @after
and (f.kind = @kind or @kind = '') and (f.detection = @detection or @detection = '') and (f.account = @account or @account = '')
and (s.source = @source or @source = '') and (s.scope = @scope or @scope = '') and (g.rule = @rule or @rule = '')
and (b.search like cast(@search as text) escape '\' or cast(@search as text) = '')
order by f.id limit @page;

-- The same, those of the largest saving first; those of unknown saving are last.
-- name: ListFindingsByWorth :many
select f.id, f.finding_key, f.group_key, f.detection, f.absences, f.digest, f.since, s.source, s.scope, g.rule, g.ignored, b.body, coalesce(d.decision, '') as decision, coalesce(d.reason, '') as decided_why, coalesce(d.author, '') as decided_by, d.made_at as decided_at, d.until as decided_until, coalesce(f.savings_micros, -1) as worth
from findings f
cross join finding_bodies b
cross join scopes s
cross join finding_groups g
left join decisions d on d.tenant = f.tenant and d.finding_id = f.id and d.standing
where f.tenant = @tenant and b.finding_id = f.id and b.tenant = f.tenant and s.id = f.scope_id and s.tenant = f.tenant
and g.tenant = f.tenant and g.group_key = f.group_key and coalesce(f.savings_micros, -1) <= @below and (coalesce(f.savings_micros, -1) < @below or f.id > @after)
and (f.kind = @kind or @kind = '') and (f.detection = @detection or @detection = '') and (f.account = @account or @account = '')
and (s.source = @source or @source = '') and (s.scope = @scope or @scope = '') and (g.rule = @rule or @rule = '')
and (b.search like cast(@search as text) escape '\' or cast(@search as text) = '')
order by coalesce(f.savings_micros, -1) desc, f.id limit @page;

-- name: OneFinding :many
select f.id, f.finding_key, f.group_key, f.detection, f.absences, f.digest, f.since, s.source, s.scope, g.rule, g.ignored, b.body, coalesce(d.decision, '') as decision, coalesce(d.reason, '') as decided_why, coalesce(d.author, '') as decided_by, d.made_at as decided_at, d.until as decided_until
from findings f
cross join finding_bodies b
cross join scopes s
cross join finding_groups g
left join decisions d on d.tenant = f.tenant and d.finding_id = f.id and d.standing
where f.tenant = @tenant and b.finding_id = f.id and b.tenant = f.tenant and s.id = f.scope_id and s.tenant = f.tenant
and g.tenant = f.tenant and g.group_key = f.group_key and f.finding_key = @finding_key;

-- name: ListGroups :many
select g.group_key, g.rule, g.ignored, g.version, g.dirty,
	(select count(*) from findings f where f.tenant = g.tenant and f.group_key = g.group_key) as findings
from finding_groups g
where g.tenant = @tenant and g.group_key > @after and (g.rule = @rule or @rule = '')
order by g.group_key limit @page;

-- name: ListIssues :many
select * from issues i
where i.tenant = @tenant and i.id < @before and i.phase <> 'dropped'
and (i.integration_id = @integration_id or @integration_id = 0) and (i.project_id = @project_id or @project_id = 0)
and (i.state = @state or @state = '') and (i.phase = @phase or @phase = '') and (i.team = @team or @team = '') and (i.group_key = @group_key or @group_key = '')
order by i.id desc limit @page;

-- name: ListRuns :many
select * from runs r
where r.tenant = @tenant and r.id < @before
and (r.integration_id = @integration_id or @integration_id = 0) and (r.state = @state or @state = '')
order by r.id desc limit @page;

-- name: ListEntries :many
select * from journal j
where j.tenant = @tenant and j.id < @before
and (j.run_id = @run_id or @run_id = 0) and (j.outcome = @outcome or @outcome = '')
order by j.id desc limit @page;

-- name: GroupEntries :many
select * from journal j
where j.tenant = @tenant and j.group_key = @group_key and j.id < @before
order by j.id desc limit @page;

-- name: ListPulls :many
select sqlc.embed(pulls), scopes.source, scopes.scope
from pulls
cross join scopes
where pulls.tenant = @tenant and scopes.tenant = pulls.tenant and scopes.id = pulls.scope_id and pulls.id < @before
and (scopes.source = @source or @source = '') and (scopes.scope = @scope or @scope = '')
order by pulls.id desc limit @page;
