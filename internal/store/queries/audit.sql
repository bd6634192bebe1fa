-- TakeAuditHead holds the row of the head until the transaction ends.
-- name: TakeAuditHead :one
insert into audit_heads (tenant, sequence, hash, anchored) values (@tenant, 0, '', 0)
on conflict (tenant) do update set sequence = audit_heads.sequence
returning sequence, hash, anchored;

-- name: SaveAuditHead :exec
update audit_heads set sequence = @sequence, hash = @hash, anchored = @anchored where tenant = @tenant;

-- name: AuditHead :one
select sequence, hash, anchored from audit_heads where tenant = @tenant;

-- name: AddAuditLine :exec
insert into audit_lines (
	tenant, sequence, at, actor_kind, actor_name, action, object_kind, object_id, object_name,
	facts_before, facts_after, why, run_id, request_id, previous_hash, hash
) values (
	@tenant, @sequence, @at, @actor_kind, @actor_name, @action, @object_kind, @object_id, @object_name,
	@facts_before, @facts_after, @why, @run_id, @request_id, @previous_hash, @hash
);

-- name: AuditLinesAfter :many
select * from audit_lines where tenant = @tenant and sequence > @after order by sequence limit @page;

-- AuditLinesBefore is a page of the last lines, the latest first. An actor that is
-- empty is any; an action is a range of its words.
-- name: AuditLinesBefore :many
select * from audit_lines
where tenant = @tenant and sequence < @before
	and (cast(@actor as text) = '' or actor_name = cast(@actor as text))
	and action >= @action_from and action < @action_until
	and at >= @since and at < @until
order by sequence desc limit @page;

-- AuditLinesOf is the same of one kind of object, or one object.
-- name: AuditLinesOf :many
select * from audit_lines
where tenant = @tenant and object_kind = @object_kind and object_id = @object_id and sequence < @before
	and (cast(@actor as text) = '' or actor_name = cast(@actor as text))
	and action >= @action_from and action < @action_until
	and at >= @since and at < @until
order by sequence desc limit @page;

-- name: AddAuditAnchor :exec
insert into audit_anchors (tenant, sequence, previous, hash, at, key_id, signature)
values (@tenant, @sequence, @previous, @hash, @at, @key_id, @signature);

-- name: AuditAnchors :many
select * from audit_anchors where tenant = @tenant order by sequence;

-- name: AddAuditSeal :exec
insert into audit_seals (tenant, from_sequence, to_sequence, first_hash, last_hash, first_at, last_at, at, key_id, signature)
values (@tenant, @from_sequence, @to_sequence, @first_hash, @last_hash, @first_at, @last_at, @at, @key_id, @signature);

-- name: AuditSeals :many
select * from audit_seals where tenant = @tenant order by to_sequence;

-- name: DropAuditLines :execrows
delete from audit_lines where tenant = @tenant and sequence <= @sequence;

-- name: DropAuditAnchors :exec
delete from audit_anchors where tenant = @tenant and sequence <= @sequence;

-- name: AddAuditKey :exec
insert into audit_keys (tenant, key_id, public_key, sealed, made_at)
values (@tenant, @key_id, @public_key, @sealed, @made_at);

-- name: AuditKeys :many
select * from audit_keys where tenant = @tenant order by key_id;

-- name: ResealAuditKey :execrows
update audit_keys set sealed = @sealed where tenant = @tenant and key_id = @key_id;
