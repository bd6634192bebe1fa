-- name: SaveView :exec
insert into saved_views (tenant, person, name, query, made_at) values (@tenant, @person, @name, @query, @made_at)
on conflict (tenant, person, name) do update set query = excluded.query;

-- name: SavedViews :many
select id, name, query from saved_views where tenant = @tenant and person = @person order by name;

-- name: CountViews :one
select count(*) from saved_views where tenant = @tenant and person = @person and name <> @name;

-- name: DropView :execrows
delete from saved_views where tenant = @tenant and person = @person and id = @id;

-- name: SaveDay :exec
insert into saving_days (tenant, day, currency, open, working, at) values (@tenant, @day, @currency, @open, @working, @at)
on conflict (tenant, day, currency) do update set open = excluded.open, working = excluded.working, at = excluded.at;

-- name: DropDay :exec
delete from saving_days where tenant = @tenant and day = @day;

-- name: DropDaysBefore :exec
delete from saving_days where tenant = @tenant and day < @day;

-- name: SavingDays :many
select day, currency, open, working, at from saving_days where tenant = @tenant and day >= @since order by day, currency;

-- WrittenIssues changes whenever any issue does.
-- name: WrittenIssues :one
select count(*) as number, cast(coalesce(sum(rev), 0) as bigint) as revisions from issues where tenant = @tenant;

-- name: LastPull :one
select cast(coalesce((select p.id from pulls p where p.tenant = @tenant order by p.id desc limit 1), 0) as bigint);

-- name: PulledScopes :many
select scope_id from pulls where tenant = @tenant and id > @after order by id;

-- BriefIssues are the issues that say how far the work has come.
-- name: BriefIssues :many
select id, group_key, phase, state, override_state, team from issues
where tenant = @tenant and phase in ('live', 'lost', 'retired')
order by id;

-- name: AllMemberships :many
select finding_id, group_key from memberships where tenant = @tenant;

-- name: LastDecision :one
select cast(coalesce((select d.id from decisions d where d.tenant = @tenant and d.standing order by d.id desc limit 1), 0) as bigint);

-- DecidedBriefly is what stands.
-- name: DecidedBriefly :many
select finding_id, decision, until from decisions where tenant = @tenant and standing and id > @after;
