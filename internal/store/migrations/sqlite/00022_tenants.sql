-- +goose Up
-- Who may have integrations, rules and findings of their own. What belongs to one
-- carries its name everywhere.
create table tenants (
	name     text primary key,
	title    text not null, -- for people; empty: the name
	made_at  text,
	disabled integer not null -- nothing is done for it, and nothing of it is lost
) strict, without rowid;
