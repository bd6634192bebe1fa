-- One that was carried through begins again with a nonce of its own; one that was
-- not goes on.
-- name: BeginBootstrap :exec
insert into bootstraps (tenant, url, username, nonce, account_id, integration_id, begun_at, ended_at)
values (@tenant, @url, @username, @nonce, 0, 0, @begun_at, null)
on conflict (tenant, url, username) do update set nonce = excluded.nonce, begun_at = excluded.begun_at, ended_at = null
where bootstraps.ended_at is not null;

-- name: Bootstrap :one
select * from bootstraps where tenant = @tenant and url = @url and username = @username;

-- name: SaveBootstrap :execrows
update bootstraps set account_id = @account_id, integration_id = @integration_id, ended_at = @ended_at
where tenant = @tenant and url = @url and username = @username and nonce = @nonce;

-- name: AddAccessReview :one
insert into access_reviews (tenant, integration_id, reviewed_at, reviewed_by, note, reach, remarks)
values (@tenant, @integration_id, @reviewed_at, @reviewed_by, @note, @reach, @remarks)
returning id;

-- name: AccessReviews :many
select * from access_reviews where tenant = @tenant and integration_id = @integration_id
order by id desc limit @most;

-- name: AccessOwners :many
select * from access_owners where tenant = @tenant and integration_id = @integration_id order by address;

-- name: DropAccessOwners :exec
delete from access_owners where tenant = @tenant and integration_id = @integration_id;

-- name: AddAccessOwner :exec
insert into access_owners (tenant, integration_id, address, set_at)
values (@tenant, @integration_id, @address, @set_at);

-- name: AccessReminder :one
select due_at from access_reminders where tenant = @tenant and integration_id = @integration_id;

-- Gives a row to the first who reminds of what is due.
-- name: RemindAccess :execrows
insert into access_reminders (tenant, integration_id, due_at) values (@tenant, @integration_id, @due_at)
on conflict (tenant, integration_id) do update set due_at = excluded.due_at
where access_reminders.due_at is null or access_reminders.due_at < excluded.due_at;

-- name: ForgetReminder :exec
update access_reminders set due_at = null
where tenant = @tenant and integration_id = @integration_id and due_at = @due_at;
