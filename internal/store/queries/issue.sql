-- A group that has an active issue already gives no row back.
-- name: AddIssue :one
insert into issues (
	tenant, integration_id, group_key, nonce, phase, rev, sent_at,
	project_id, iid, state, pending_state, override_state, observed, written, missing, trouble,
	routed_id, move_to, move_at, move_refused, returns, returned_as, checked_at, team, gave, judged, judged_at, search, worth
) values (
	@tenant, @integration_id, @group_key, @nonce, @phase, 1, @sent_at,
	@project_id, @iid, @state, @pending_state, @override_state, @observed, @written, @missing, @trouble,
	@routed_id, @move_to, @move_at, @move_refused, @returns, @returned_as, @checked_at, @team, @gave, @judged, @judged_at, @search, @worth
)
on conflict (tenant, integration_id, group_key) where phase in ('intended', 'in doubt', 'live', 'lost') do nothing
returning id;

-- name: SaveIssue :execrows
update issues set
	phase = @phase, sent_at = @sent_at, project_id = @project_id, iid = @iid, state = @state,
	pending_state = @pending_state, override_state = @override_state,
	observed = @observed, written = @written, missing = @missing, trouble = @trouble,
	routed_id = @routed_id, move_to = @move_to, move_at = @move_at, move_refused = @move_refused,
	returns = @returns, returned_as = @returned_as, team = @team,
	gave = @gave, judged = @judged, judged_at = @judged_at, search = @search, worth = @worth, rev = rev + 1
where tenant = @tenant and id = @id and rev = @rev;

-- name: Unsettled :many
select * from issues
where tenant = @tenant and integration_id = @integration_id and phase in ('intended', 'in doubt')
order by id;

-- name: IssueByIID :many
select * from issues
where tenant = @tenant and integration_id = @integration_id and project_id = @project_id and iid = @iid and iid > 0;

-- name: IssueByNonce :many
select * from issues
where tenant = @tenant and integration_id = @integration_id and nonce = @nonce;

-- name: CountIssues :many
select phase, state, count(*) as number
from issues where tenant = @tenant
group by phase, state order by phase, state;

-- name: Watermark :one
select seen_at from watermarks
where tenant = @tenant and integration_id = @integration_id and project_id = @project_id;

-- name: SetWatermark :exec
insert into watermarks (tenant, integration_id, project_id, seen_at)
values (@tenant, @integration_id, @project_id, @seen_at)
on conflict (tenant, integration_id, project_id) do update set seen_at = excluded.seen_at;

-- name: Projects :many
select distinct project_id from issues
where tenant = @tenant and integration_id = @integration_id and project_id > 0 and phase not in ('dropped', 'retired')
order by project_id;

-- name: CountOpen :one
select count(*) from issues
where tenant = @tenant and integration_id = @integration_id and state = 'opened' and phase = 'live';

-- name: LostIssues :many
select * from issues
where tenant = @tenant and integration_id = @integration_id and project_id = @project_id and phase = 'lost' and iid > 0
order by id limit 1000;

-- name: IssueByID :one
select * from issues where tenant = @tenant and id = @id;

-- Room is what a project has had of its caps: issues created lately, and open
-- ones. What is not known to have failed counts.
-- Digests of what waits do not count; there are few of them, so they are counted
-- apart and taken off.
-- name: CountCreated :one
select cast(count(*) - (
	select count(*) from digests d join issues i on i.tenant = d.tenant and i.group_key = d.group_key
	where d.tenant = @tenant and d.integration_id = @integration_id and i.integration_id = @integration_id
		and i.project_id = @project_id and i.sent_at > @since and i.phase <> 'dropped'
) as bigint) from issues
where issues.tenant = @tenant and issues.integration_id = @integration_id and issues.project_id = @project_id
	and issues.sent_at > @since and issues.phase <> 'dropped';

-- name: CountOpenIn :one
select cast(count(*) - (
	select count(*) from digests d join issues i on i.tenant = d.tenant and i.group_key = d.group_key
	where d.tenant = @tenant and d.integration_id = @integration_id and i.integration_id = @integration_id
		and i.project_id = @project_id and (i.phase in ('intended', 'in doubt') or i.phase in ('live', 'duplicate') and i.state = 'opened')
) as bigint) from issues
where issues.tenant = @tenant and issues.integration_id = @integration_id and issues.project_id = @project_id
	and (issues.phase in ('intended', 'in doubt') or issues.phase in ('live', 'duplicate') and issues.state = 'opened');

-- EnterProject holds a project's row until the transaction ends: of two who
-- count and then create, one waits for the other.
-- name: EnterProject :exec
insert into watermarks (tenant, integration_id, project_id, seen_at)
values (@tenant, @integration_id, @project_id, null)
on conflict (tenant, integration_id, project_id) do update set seen_at = watermarks.seen_at;

-- CountMade and CountHeld are the same for a team, and over everything.
-- name: CountMade :one
select count(*) from issues
where tenant = @tenant and sent_at > @since and team = @team and phase <> 'dropped';

-- name: CountHeld :one
select count(*) from issues
where tenant = @tenant and team = @team
	and (phase in ('intended', 'in doubt') or phase in ('live', 'duplicate') and state = 'opened');

-- name: CountAllMade :one
select cast(count(*) - (
	select count(*) from digests d join issues i on i.tenant = d.tenant and i.group_key = d.group_key and i.integration_id = d.integration_id
	where d.tenant = @tenant and i.sent_at > @since and i.phase <> 'dropped'
) as bigint) from issues
where issues.tenant = @tenant and issues.sent_at > @since and issues.phase <> 'dropped';

-- name: CountAllHeld :one
select cast(count(*) - (
	select count(*) from digests d join issues i on i.tenant = d.tenant and i.group_key = d.group_key and i.integration_id = d.integration_id
	where d.tenant = @tenant and (i.phase in ('intended', 'in doubt') or i.phase in ('live', 'duplicate') and i.state = 'opened')
) as bigint) from issues
where issues.tenant = @tenant
	and (issues.phase in ('intended', 'in doubt') or issues.phase in ('live', 'duplicate') and issues.state = 'opened');

-- EnterCounter is EnterProject for a team, and for everybody.
-- name: EnterCounter :exec
insert into counters (tenant, scope)
values (@tenant, @scope)
on conflict (tenant, scope) do update set scope = counters.scope;
