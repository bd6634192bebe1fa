-- Somebody with the same address gives no row.
-- name: AddPerson :one
insert into people (email, email_key, name, password, installation, generation, created_at, disabled_at, signed_in_at)
values (@email, @email_key, @name, @password, @installation, 1, @created_at, null, null)
on conflict (email_key) where email_key <> '' do nothing
returning id;

-- name: Person :one
select * from people where id = @id;

-- name: PersonByEmail :one
select * from people where email_key = @email_key and email_key <> '';

-- name: People :many
select * from people where id > @after order by id limit @most;

-- name: PeopleOfTenant :many
select * from people
where id > @after and exists (select 1 from tenant_roles r where r.tenant = @tenant and r.person_id = people.id)
order by id limit @most;

-- Locks them until the transaction ends, so that of two who go at once one sees
-- the other gone.
-- name: LockInstallationAdmins :execrows
update people set installation = true where installation = true and disabled_at is null;

-- name: InstallationAdmins :one
select count(*) from people where installation = true and disabled_at is null;

-- Locks who is an admin of a tenant until the transaction ends. Who is left is to be
-- read by another statement, which sees what those did that this one waited for.
-- name: LockTenantAdmins :exec
update tenant_roles set role = 'admin' where tenant = @tenant and role = 'admin';

-- name: OtherTenantAdmins :one
select count(distinct person_id) from tenant_roles
where tenant = @tenant and role = 'admin' and person_id <> @id
and exists (select 1 from people where people.id = tenant_roles.person_id and people.disabled_at is null);

-- name: SavePassword :execrows
update people set password = @password, generation = generation + 1 where id = @id;

-- The same password, hashed anew.
-- name: Rehash :execrows
update people set password = @password where id = @id and password = @was;

-- name: SaveInstallation :execrows
update people set installation = @installation, generation = generation + 1 where id = @id;

-- name: DisablePerson :execrows
update people set disabled_at = @disabled_at, generation = generation + 1 where id = @id;

-- name: NextGeneration :exec
update people set generation = generation + 1 where id = @id;

-- name: SavePerson :exec
update people set email = @email, email_key = @email_key, name = @name where id = @id;

-- Locks the person, so that nobody disables them meanwhile.
-- name: PersonSignsIn :execrows
update people set signed_in_at = @signed_in_at where id = @id and generation = @generation and disabled_at is null;

-- name: RolesOfPeople :many
select * from tenant_roles where person_id >= @first and person_id <= @last order by person_id, tenant;

-- name: SetTenantRole :exec
insert into tenant_roles (tenant, person_id, origin, role, set_at) values (@tenant, @person_id, @origin, @role, @set_at)
on conflict (tenant, person_id, origin) do update set role = excluded.role, set_at = excluded.set_at;

-- name: DropTenantRole :execrows
delete from tenant_roles where tenant = @tenant and person_id = @person_id and origin = @origin;

-- name: Identity :one
select * from identities where issuer = @issuer and subject = @subject;

-- name: AddIdentity :execrows
insert into identities (issuer, subject, person_id, linked_at, seen_at) values (@issuer, @subject, @person_id, @linked_at, @linked_at)
on conflict (issuer, subject) do nothing;

-- name: SeeIdentity :exec
update identities set seen_at = @seen_at where issuer = @issuer and subject = @subject;

-- name: AddSession :one
insert into sessions (person_id, generation, hash, method, address, agent, begun_at, seen_at, ends_at)
values (@person_id, @generation, @hash, @method, @address, @agent, @begun_at, @begun_at, @ends_at)
returning id;

-- name: SessionByHash :one
select * from sessions where hash = @hash;

-- name: SeeSession :exec
update sessions set seen_at = @seen_at where id = @id and seen_at < @before;

-- name: SessionsOfPerson :many
select * from sessions where person_id = @person_id order by id desc;

-- name: DropSession :execrows
delete from sessions where person_id = @person_id and id = @id;

-- name: DropSessions :execrows
delete from sessions where person_id = @person_id and id <> @but;

-- name: PruneSessions :exec
delete from sessions where ends_at < @before;

-- name: AddAPIToken :one
insert into api_tokens (tenant, person_id, role, name, hint, hash, scopes, made_by, made_at, ends_at, used_at, revoked_at)
values (@tenant, @person_id, @role, @name, @hint, @hash, @scopes, @made_by, @made_at, @ends_at, null, null)
returning id;

-- name: APITokenByHash :one
select * from api_tokens where hash = @hash;

-- name: APITokens :many
select * from api_tokens where tenant = @tenant and id > @after order by id limit @most;

-- name: RevokeAPIToken :execrows
update api_tokens set revoked_at = @revoked_at where tenant = @tenant and id = @id and revoked_at is null;

-- name: UseAPIToken :exec
update api_tokens set used_at = @used_at where id = @id and (used_at is null or used_at < @before);

-- Where a link to set up is open already this gives no row.
-- name: AddSignInLink :execrows
insert into signin_links (kind, person_id, hash, made_by, made_at, ends_at, used_at)
values (@kind, @person_id, @hash, @made_by, @made_at, @ends_at, null)
on conflict do nothing;

-- name: DropSetupLinks :exec
delete from signin_links where kind = 'setup' and used_at is null and ends_at < @before;

-- name: DropLinksOfPerson :exec
delete from signin_links where person_id = @person_id and used_at is null;

-- name: SignInLinkByHash :one
select * from signin_links where hash = @hash;

-- Of two who open it at once one gets a row.
-- name: UseSignInLink :execrows
update signin_links set used_at = @used_at where id = @id and used_at is null;

-- Locks the row until the transaction ends, so that attempts follow one another.
-- name: TakeThrottle :one
insert into signin_throttles (key, turns, failures, until_at, last_at) values (@key, 1, 0, null, @last_at)
on conflict (key) do update set turns = signin_throttles.turns + 1
returning *;

-- name: SaveThrottle :exec
update signin_throttles set failures = @failures, until_at = @until_at, last_at = @last_at where key = @key;

-- name: PruneThrottles :exec
delete from signin_throttles where last_at < @before;

-- name: KnownAddress :one
select seen_at from signin_addresses where person_id = @person_id and address = @address;

-- name: SeeAddress :exec
insert into signin_addresses (person_id, address, seen_at) values (@person_id, @address, @seen_at)
on conflict (person_id, address) do update set seen_at = excluded.seen_at;

-- name: PruneAddresses :exec
delete from signin_addresses where person_id = @person_id and seen_at < @before;

-- name: CountSetupLinks :one
select count(*) from signin_links where kind = 'setup' and used_at is null and ends_at >= @now;
