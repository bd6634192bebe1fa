-- +goose Up
-- Who may have integrations, rules and findings of their own. What belongs to one
-- carries its name everywhere.
create table tenants (
	name     text collate "C" primary key,
	title    text not null, -- for people; empty: the name
	made_at  timestamptz,
	disabled boolean not null -- nothing is done for it, and nothing of it is lost
);
