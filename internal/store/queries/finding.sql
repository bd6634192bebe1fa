-- EnterScope makes the scope when it is new, and in any case holds its row until
-- the transaction ends: two pulls of one scope take turns.
-- name: EnterScope :one
insert into scopes (tenant, source, scope) values (@tenant, @source, @scope)
on conflict (tenant, source, scope) do update set scope = excluded.scope
returning id;

-- name: FindingPlace :one
select id, group_key, also, scope_id from findings where tenant = @tenant and finding_key = @finding_key;

-- AddGroup makes a group that is new, and neither changes nor holds one that is
-- there. It is run for many at once (AddGroups).
-- name: AddGroup :many
insert into finding_groups (tenant, group_key, rule, ignored, parent, version, dirty)
values (@tenant, @group_key, @rule, @ignored, @parent, 1, true)
on conflict (tenant, group_key) do nothing
returning group_key;

-- MarkGroup says that a group changed, by which rule it is now, and which finding
-- left it; what is not given stays.
-- name: MarkGroup :exec
update finding_groups set
	rule = coalesce(sqlc.narg('rule'), rule), ignored = coalesce(sqlc.narg('ignored'), ignored), left_finding = coalesce(sqlc.narg('left_finding'), left_finding),
	left_at = coalesce(sqlc.narg('left_at'), left_at), dirty = true, version = version + 1
where tenant = @tenant and group_key = @group_key;

-- PutFinding keeps since where none is given. It is run for many at once (PutFindings).
-- name: PutFinding :one
insert into findings (
	tenant, scope_id, finding_key, first_key, group_key, also, kind, account, detection, absences,
	digest, since, severity, savings, savings_micros, currency
) values (
	@tenant, @scope_id, @finding_key, @first_key, @group_key, @also, @kind, @account, @detection, @absences,
	@digest, @since, @severity, @savings, @savings_micros, @currency
)
on conflict (tenant, finding_key) do update set
	scope_id = excluded.scope_id, first_key = excluded.first_key, group_key = excluded.group_key, also = excluded.also, kind = excluded.kind, account = excluded.account,
	detection = excluded.detection, absences = excluded.absences, digest = excluded.digest, since = coalesce(excluded.since, findings.since),
	severity = excluded.severity, savings = excluded.savings, savings_micros = excluded.savings_micros, currency = excluded.currency
returning id, finding_key;

-- PutBody is run for many at once (PutBodies).
-- name: PutBody :exec
insert into finding_bodies (finding_id, tenant, body, search) values (@finding_id, @tenant, @body, @search)
on conflict (finding_id) do update set body = excluded.body, search = excluded.search;

-- Miss keeps since where none is given.
-- name: Miss :one
update findings set detection = @detection, absences = @absences, digest = @digest, since = coalesce(@since, since)
where tenant = @tenant and finding_key = @finding_key
returning id, group_key, also;

-- Rekey moves what the scope holds to another key, unless that is taken.
-- name: Rekey :execrows
update findings set finding_key = @finding_key, first_key = case findings.first_key when '' then @former else findings.first_key end
where findings.tenant = @tenant and findings.scope_id = @scope_id and findings.finding_key = @former
and not exists (select 1 from findings f where f.tenant = @tenant and f.finding_key = @finding_key);

-- name: AddPull :one
insert into pulls (tenant, scope_id, received_at, complete, reasons, files, added, changed, unchanged, absent, missing, skipped)
values (@tenant, @scope_id, @received_at, @complete, @reasons, @files, @added, @changed, @unchanged, @absent, @missing, @skipped)
returning id;

-- name: LastPulls :many
select sqlc.embed(pulls), scopes.source, scopes.scope
from scopes
join pulls on pulls.tenant = scopes.tenant and pulls.scope_id = scopes.id
where scopes.tenant = @tenant
and pulls.id = (select max(p.id) from pulls p where p.tenant = scopes.tenant and p.scope_id = scopes.id)
order by scopes.source, scopes.scope;

-- name: CountFindings :many
select kind, detection, count(*) as number
from findings where tenant = @tenant
group by kind, detection order by kind, detection;

-- Claims lists what each group's present findings would save, group by group.
-- name: Claims :many
select group_key, savings, currency
from findings
where tenant = @tenant and detection = 'present' and kind = 'cost'
order by group_key;

-- SharedClaims lists what those say that share a group: which resources they are
-- about decides what is added up.
-- name: SharedClaims :many
select findings.group_key, finding_bodies.body
from findings
join finding_bodies on finding_bodies.finding_id = findings.id
where findings.tenant = @tenant and findings.detection = 'present' and findings.kind = 'cost'
and findings.group_key in (
	select f.group_key from findings f
	where f.tenant = @tenant and f.detection = 'present' and f.kind = 'cost'
	group by f.group_key having count(*) > 1
)
order by findings.group_key, findings.id;

-- Newcomers lists the groups, each with the scopes of its findings, all of which
-- came in scopes whose first run waits for a person. What cxm reports about itself
-- comes in scopes that begin with cxm-.
-- name: Newcomers :many
select f.group_key, s.id, s.source, s.scope
from scopes s
join findings f on f.tenant = s.tenant and f.scope_id = s.id
where s.tenant = @tenant and s.admitted_at is null and s.scope not like 'cxm-%'
and not exists (
	select 1 from findings o join scopes a on a.tenant = o.tenant and a.id = o.scope_id
	where o.tenant = @tenant and o.group_key = f.group_key and a.admitted_at is not null
)
group by f.group_key, s.id, s.source, s.scope
order by f.group_key, s.id;

-- The same for the groups that findings are in besides their first one.
-- name: AlsoNewcomers :many
select m.group_key, s.id, s.source, s.scope
from scopes s
join findings f on f.tenant = s.tenant and f.scope_id = s.id
join memberships m on m.tenant = f.tenant and m.finding_id = f.id
where s.tenant = @tenant and s.admitted_at is null and s.scope not like 'cxm-%'
and not exists (
	select 1 from memberships n
	join findings o on o.tenant = n.tenant and o.id = n.finding_id
	join scopes a on a.tenant = o.tenant and a.id = o.scope_id
	where n.tenant = @tenant and n.group_key = m.group_key and a.admitted_at is not null
)
group by m.group_key, s.id, s.source, s.scope
order by m.group_key, s.id;

-- name: AdmitScope :exec
update scopes set admitted_at = @at where tenant = @tenant and id = @id and admitted_at is null;

-- name: FlagScope :exec
update scopes set flagged = @flagged where tenant = @tenant and id = @id;

-- name: ScopeOf :many
select * from scopes where tenant = @tenant and source = @source and scope = @scope;

-- name: Scopes :many
select * from scopes where tenant = @tenant order by source, scope;

-- name: RecentPulls :many
select * from pulls where tenant = @tenant and scope_id = @scope_id order by id desc limit @most;

-- name: CountWaiting :one
select count(*) from deliveries where tenant = @tenant and source = @source and scope = @scope and trouble = '';

-- RefusedSince lists why deliveries of a source and scope are refused, that came after a moment.
-- name: RefusedSince :many
select received_at, trouble from deliveries
where tenant = @tenant and source = @source and scope = @scope and trouble <> '' and received_at > @after
order by id desc limit 1;
