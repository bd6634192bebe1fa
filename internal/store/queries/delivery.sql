-- name: AddDelivery :one
insert into deliveries (tenant, source, scope, options, received_at, names, sizes, body, trouble)
values (@tenant, @source, @scope, @options, @received_at, @names, @sizes, @body, '')
returning id;

-- name: NextDelivery :one
select * from deliveries
where tenant = @tenant and source = @source and scope = @scope and trouble = ''
order by id limit 1;

-- NextDeliveries is NextDelivery for several, without what is in them.
-- name: NextDeliveries :many
select id, options, sizes from deliveries
where tenant = @tenant and source = @source and scope = @scope and trouble = ''
order by id limit @most;

-- name: DeliveryByID :one
select * from deliveries where tenant = @tenant and id = @id;

-- name: TroubleDelivery :exec
update deliveries set trouble = @trouble where tenant = @tenant and id = @id;

-- name: DeliveryScopes :many
select distinct source, scope from deliveries
where tenant = @tenant and trouble = '' order by source, scope;

-- TakeDelivery takes a delivery away, for the transaction that takes it in: of
-- two only one finds it.
-- name: TakeDelivery :execrows
delete from deliveries where tenant = @tenant and id = @id;

-- name: CountDeliveries :one
select count(*) from deliveries where tenant = @tenant and trouble = '';

-- name: CountRefused :one
select count(*) from deliveries where tenant = @tenant and trouble <> '';
