-- +goose Up
-- A group that stands over others: its issue lists theirs. What kind a group is
-- never changes, as its key says it too.
alter table finding_groups add column parent boolean not null default false;

-- Which of the finding's groups a parent's group stands over; empty: it is no parent's.
alter table memberships add column child text collate "C" not null default '';
create index memberships_child on memberships (tenant, child, group_key) where child <> '';
