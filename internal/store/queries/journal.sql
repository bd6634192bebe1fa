-- AddRun gives no row back when the integration has a shared run under way.
-- name: AddRun :one
insert into runs (
	tenant, integration_id, state, shared, why, digest, undoes, approved_by, approved_at,
	started_at, finished_at, steps, done, failed, in_doubt, skipped
) values (
	@tenant, @integration_id, @state, @shared, @why, @digest, @undoes, @approved_by, @approved_at,
	@started_at, @finished_at, @steps, @done, @failed, @in_doubt, @skipped
)
on conflict (tenant, integration_id) where state = 'running' and shared do nothing
returning id;

-- name: SaveRun :execrows
update runs set state = @state, why = @why, digest = @digest, undoes = @undoes,
	approved_by = @approved_by, approved_at = @approved_at,
	started_at = @started_at, finished_at = @finished_at, steps = @steps,
	done = @done, failed = @failed, in_doubt = @in_doubt, skipped = @skipped
where tenant = @tenant and id = @id;

-- ApproveRun lets a run go that waits, or that was rejected, and only once.
-- name: ApproveRun :execrows
update runs set state = 'running', approved_by = @approved_by, approved_at = @approved_at, finished_at = null, skipped = 0
where tenant = @tenant and id = @id and rejected_by = @seen and (state = 'waiting' or state = 'superseded' and rejected_by <> '');

-- RejectRun ends a run that waits, and only once.
-- name: RejectRun :execrows
update runs set state = 'superseded', rejected_by = @rejected_by, rejection = @rejection, finished_at = @finished_at, skipped = steps
where tenant = @tenant and id = @id and state = 'waiting';

-- LastHeld is what waited last, or waits, of an integration.
-- name: LastHeld :many
select * from runs
where tenant = @tenant and integration_id = @integration_id and digest <> ''
order by id desc limit 1;

-- name: RunByID :one
select * from runs where tenant = @tenant and id = @id;

-- name: OpenRuns :many
select * from runs
where tenant = @tenant and integration_id = @integration_id and state in ('running', 'waiting')
order by id;

-- name: SupersedeRuns :exec
update runs set state = 'superseded', finished_at = @finished_at
where tenant = @tenant and integration_id = @integration_id and state in ('running', 'waiting') and state = 'waiting';

-- name: SkipPlanned :exec
update journal set outcome = 'skipped', trouble = @trouble, ended_at = @ended_at
where tenant = @tenant and run_id = @run_id and outcome = 'planned';

-- name: CountOutcomes :many
select outcome, count(*) as number from journal
where tenant = @tenant and run_id = @run_id
group by outcome order by outcome;

-- name: LastRuns :many
select * from runs where tenant = @tenant order by id desc limit @page;

-- name: AddEntry :one
insert into journal (
	tenant, run_id, seq, verb, reason, group_key, issue_id, outcome, trouble,
	calls, wrote_at, ended_at, summary, web_url, title, stamp, before
) values (
	@tenant, @run_id, @seq, @verb, @reason, @group_key, @issue_id, @outcome, @trouble,
	@calls, @wrote_at, @ended_at, @summary, @web_url, @title, @stamp, @before
)
returning id;

-- name: SaveEntry :execrows
update journal set issue_id = @issue_id, reason = @reason, outcome = @outcome, trouble = @trouble, calls = @calls,
	wrote_at = @wrote_at, ended_at = @ended_at, summary = @summary, web_url = @web_url, title = @title,
	stamp = @stamp, before = @before
where tenant = @tenant and id = @id;

-- name: Entries :many
select * from journal where tenant = @tenant and run_id = @run_id order by seq, id;

-- name: EntryByID :one
select * from journal where tenant = @tenant and id = @id;

-- A look that found out what became of a create says so in the journal too:
-- whoever took the step may not live any more. Of a change in doubt a look shows
-- only what the issue says now, so its entry stays in doubt.
-- name: EndEntries :many
update journal set outcome = @ended, ended_at = @ended_at
where tenant = @tenant and issue_id = @issue_id and verb = '+' and outcome in ('intended', 'in doubt')
returning *;
