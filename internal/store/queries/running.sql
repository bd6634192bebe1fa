-- What the pages of runs and issues show beside the lists of list.sql.

-- RunSteps are the steps of a run in the order of its plan.
-- name: RunSteps :many
select * from journal j
where j.tenant = @tenant and j.run_id = @run_id and j.seq >= @seq and (j.seq > @seq or j.id > @after) and (j.outcome = @outcome or @outcome = '')
order by j.seq, j.id limit @page;

-- LatestSteps are the last steps of a run that have an outcome, the latest first.
-- name: LatestSteps :many
select * from journal j
where j.tenant = @tenant and j.run_id = @run_id and j.outcome not in ('planned', 'intended')
order by j.seq desc, j.id desc limit @page;

-- GroupSteps are the steps about a group behind one of them, in the order of time.
-- name: GroupSteps :many
select * from journal j
where j.tenant = @tenant and j.group_key = @group_key and j.id > @after
order by j.id limit @page;

-- name: SearchIssues :many
select * from issues i
where i.tenant = @tenant and i.id < @before and i.phase <> 'dropped'
and (i.integration_id = @integration_id or @integration_id = 0) and (i.project_id = @project_id or @project_id = 0)
and (i.state = @state or @state = '') and (i.phase = @phase or @phase = '') and (i.team = @team or @team = '')
and (i.search like cast(@search as text) escape '\' or cast(@search as text) = '')
order by i.id desc limit @page;

-- The same, those of the largest saving first; those of unknown saving are last.
-- name: SearchIssuesByWorth :many
select * from issues i
where i.tenant = @tenant and i.worth <= @below and (i.worth < @below or i.id < @before) and i.phase <> 'dropped'
and (i.integration_id = @integration_id or @integration_id = 0) and (i.project_id = @project_id or @project_id = 0)
and (i.state = @state or @state = '') and (i.phase = @phase or @phase = '') and (i.team = @team or @team = '')
and (i.search like cast(@search as text) escape '\' or cast(@search as text) = '')
order by i.worth desc, i.id desc limit @page;

-- The same by title.
-- name: SearchIssuesByTitle :many
select * from issues i
where i.tenant = @tenant and i.search >= @behind and (i.search > @behind or i.id > @after) and i.phase <> 'dropped'
and (i.integration_id = @integration_id or @integration_id = 0) and (i.project_id = @project_id or @project_id = 0)
and (i.state = @state or @state = '') and (i.phase = @phase or @phase = '') and (i.team = @team or @team = '')
and (i.search like cast(@search as text) escape '\' or cast(@search as text) = '')
order by i.search, i.id limit @page;

-- name: IssueTeams :many
select distinct team from issues where tenant = @tenant and phase <> 'dropped' and team <> '' order by team limit 500;

-- name: IssuePlaces :many
select distinct integration_id, project_id from issues where tenant = @tenant order by integration_id, project_id limit 500;
