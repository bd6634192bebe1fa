-- name: AddRun :one
insert into runs (tenant, started_at, finished_at, steps, done, failed, in_doubt, skipped)
values (@tenant, @started_at, @finished_at, @steps, @done, @failed, @in_doubt, @skipped)
returning id;

-- name: SaveRun :execrows
update runs set started_at = @started_at, finished_at = @finished_at, steps = @steps,
	done = @done, failed = @failed, in_doubt = @in_doubt, skipped = @skipped
where tenant = @tenant and id = @id;

-- name: LastRuns :many
select * from runs where tenant = @tenant order by id desc limit @page;

-- name: AddEntry :one
insert into journal (
	tenant, run_id, seq, verb, reason, group_key, issue_id, outcome, trouble,
	calls, wrote_at, ended_at, summary, web_url, title
) values (
	@tenant, @run_id, @seq, @verb, @reason, @group_key, @issue_id, @outcome, @trouble,
	@calls, @wrote_at, @ended_at, @summary, @web_url, @title
)
returning id;

-- name: SaveEntry :execrows
update journal set issue_id = @issue_id, outcome = @outcome, trouble = @trouble, calls = @calls,
	ended_at = @ended_at, summary = @summary, web_url = @web_url, title = @title
where tenant = @tenant and id = @id;

-- name: Entries :many
select * from journal where tenant = @tenant and run_id = @run_id order by seq, id;

-- A look that found out what became of a create says so in the journal too:
-- whoever took the step may not live any more. Of a change in doubt a look shows
-- only what the issue says now, so its entry stays in doubt.
-- name: EndEntries :exec
update journal set outcome = @ended, ended_at = @ended_at
where tenant = @tenant and issue_id = @issue_id and verb = '+' and outcome in ('intended', 'in doubt');
