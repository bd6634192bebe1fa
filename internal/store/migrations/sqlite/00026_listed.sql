-- +goose Up
-- Who said no to a run that waited, and why. Empty: nobody did.
alter table runs add column rejected_by text not null default '';
alter table runs add column rejection text not null default '';
create index runs_held on runs (tenant, integration_id, id) where digest <> '';

-- What lists of issues are searched and ordered by: title, number and address in
-- lower case, and the saving a month that the issue says, in millionths; -1: unknown.
alter table issues add column search text not null default '';
alter table issues add column worth integer not null default -1;
update issues set
	search = substr(lower(coalesce(json_extract(observed, '$.Title'), '') || ' #' || iid || ' ' || coalesce(json_extract(observed, '$.WebURL'), '')), 1, 500),
	worth = coalesce(cast(round(cast(json_extract(written, '$.Savings') as real) * 1000000) as integer), -1);
create index issues_worth on issues (tenant, worth desc, id desc);
create index issues_named on issues (tenant, search, id);

-- See 00001: what the planner should believe of the new indexes.
insert into sqlite_stat1 (tbl, idx, stat) values
	('runs', 'runs_held', '1000 1000 500 1'),
	('issues', 'issues_worth', '50000 50000 20 1'),
	('issues', 'issues_named', '50000 50000 1 1');
analyze sqlite_schema;
