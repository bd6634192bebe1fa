-- BeginReply takes a key; none is inserted when somebody has it.
-- name: BeginReply :execrows
insert into replies (tenant, holder, idempotent, digest, status, location, body, begun_at, ends_at)
values (@tenant, @holder, @idempotent, @digest, 0, '', @body, @begun_at, @ends_at)
on conflict do nothing;

-- name: Reply :one
select * from replies where tenant = @tenant and holder = @holder and idempotent = @idempotent;

-- name: EndReply :exec
update replies set status = @status, location = @location, body = @body, ends_at = @ends_at
where tenant = @tenant and holder = @holder and idempotent = @idempotent and begun_at = @begun_at;

-- name: DropReply :exec
delete from replies where tenant = @tenant and holder = @holder and idempotent = @idempotent and begun_at = @begun_at;

-- name: PruneReplies :exec
delete from replies where ends_at <= @now;
