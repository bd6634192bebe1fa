-- +goose Up
-- What lists are searched by: words of the body, in lower case.
alter table finding_bodies add column search text not null default '';
update finding_bodies set search = lower(
	coalesce(json_extract(body, '$.Title'), '') || ' ' || coalesce(json_extract(body, '$.ResourceId'), '') || ' ' || coalesce(json_extract(body, '$.ResourceName'), '') || ' ' ||
	coalesce(json_extract(body, '$.SubAccountId'), '') || ' ' || coalesce(json_extract(body, '$.SubAccountName'), '') || ' ' || coalesce(json_extract(body, '$.ServiceName'), '') || ' ' ||
	coalesce(json_extract(body, '$.RegionId'), ''));
create index findings_worth on findings (tenant, coalesce(savings_micros, -1) desc, id);
create index findings_listed on findings (tenant, id);
create index runs_listed on runs (tenant, id);
create index journal_listed on journal (tenant, id);
create index journal_group on journal (tenant, group_key, id);
create index issues_listed on issues (tenant, id);
create index pulls_listed on pulls (tenant, id);

-- See 00001: what the planner should believe of the new indexes.
insert into sqlite_stat1 (tbl, idx, stat) values
	('findings', 'findings_worth', '200000 200000 20 1'),
	('findings', 'findings_listed', '200000 200000 1'),
	('runs', 'runs_listed', '10000 10000 1'),
	('journal', 'journal_listed', '500000 500000 1'),
	('journal', 'journal_group', '500000 500000 5 1'),
	('issues', 'issues_listed', '50000 50000 1'),
	('pulls', 'pulls_listed', '30000 30000 1');
analyze sqlite_schema;
