-- Locks the row until the transaction ends, so that turns follow one another.
-- name: TakeTurn :one
insert into limits (bucket, state, turns) values (@bucket, '', 1)
on conflict (bucket) do update set turns = limits.turns + 1
returning state;

-- name: EndTurn :exec
update limits set state = @state where bucket = @bucket;

-- name: Clock :one
select cast(clock_timestamp() as timestamptz);

-- name: Breakers :many
select * from breakers
where tenant = @tenant and integration_id = @integration_id
order by target, class;

-- A breaker that somebody else stored first gives no row.
-- name: AddBreaker :execrows
insert into breakers (
	tenant, integration_id, target, class, failures, opened_at, retry_at, probe_until, told, trouble, rev
) values (
	@tenant, @integration_id, @target, @class, @failures, @opened_at, @retry_at, @probe_until, @told, @trouble, 1
)
on conflict (tenant, integration_id, target, class) do nothing;

-- name: SaveBreaker :execrows
update breakers set
	failures = @failures, opened_at = @opened_at, retry_at = @retry_at, probe_until = @probe_until,
	told = @told, trouble = @trouble, rev = rev + 1
where tenant = @tenant and integration_id = @integration_id and target = @target and class = @class and rev = @rev;
