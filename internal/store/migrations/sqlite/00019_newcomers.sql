-- +goose Up
-- Since when issues are made of what a source delivers into a scope without a
-- person having looked at the first of them; null: its first run waits for one.
alter table scopes add column admitted_at text;
-- What cxm reported about the source itself; empty: nothing is wrong with it.
alter table scopes add column flagged text not null default '';
-- What was there before this is known to people.
update scopes set admitted_at = (select max(p.received_at) from pulls p where p.tenant = scopes.tenant and p.scope_id = scopes.id);
