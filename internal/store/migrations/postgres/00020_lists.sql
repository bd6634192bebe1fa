-- +goose Up
-- What lists are searched by: words of the body, in lower case.
alter table finding_bodies add column search text not null default '';
update finding_bodies set search = lower(
	coalesce(body::jsonb ->> 'Title', '') || ' ' || coalesce(body::jsonb ->> 'ResourceId', '') || ' ' || coalesce(body::jsonb ->> 'ResourceName', '') || ' ' ||
	coalesce(body::jsonb ->> 'SubAccountId', '') || ' ' || coalesce(body::jsonb ->> 'SubAccountName', '') || ' ' || coalesce(body::jsonb ->> 'ServiceName', '') || ' ' ||
	coalesce(body::jsonb ->> 'RegionId', ''))
where position('\u0000' in body) = 0;
create index findings_worth on findings (tenant, (coalesce(savings_micros, -1)) desc, id);
create index findings_listed on findings (tenant, id);
create index runs_listed on runs (tenant, id);
create index journal_listed on journal (tenant, id);
create index journal_group on journal (tenant, group_key, id);
create index issues_listed on issues (tenant, id);
create index pulls_listed on pulls (tenant, id);
