-- +goose Up
-- Who said no to a run that waited, and why. Empty: nobody did.
alter table runs add column rejected_by text not null default '';
alter table runs add column rejection text not null default '';
create index runs_held on runs (tenant, integration_id, id) where digest <> '';

-- What lists of issues are searched and ordered by: title, number and address in
-- lower case, and the saving a month that the issue says, in millionths; -1: unknown.
alter table issues add column search text collate "C" not null default '';
alter table issues add column worth bigint not null default -1;
update issues set
	search = left(lower(coalesce(observed::jsonb ->> 'Title', '') || ' #' || iid || ' ' || coalesce(observed::jsonb ->> 'WebURL', '')), 500)
where position('\u0000' in observed) = 0;
update issues set worth = coalesce(cast(round(cast(written::jsonb ->> 'Savings' as numeric) * 1000000) as bigint), -1)
where position('\u0000' in written) = 0;
create index issues_worth on issues (tenant, worth desc, id desc);
create index issues_named on issues (tenant, search, id);
