-- +goose Up
-- What was done, by whom and why, line by line; each holds the hash of the one
-- before (docs/audit.md). Facts are canonical JSON; hashes are hex digits.
create table audit_lines (
	tenant        text not null,
	sequence      integer not null, -- from 1, without gaps
	at            text not null,
	actor_kind    text not null,
	actor_name    text not null,
	action        text not null,
	object_kind   text not null,
	object_id     text not null,
	object_name   text not null,
	facts_before  text not null, -- JSON
	facts_after   text not null, -- JSON
	why           text not null,
	run_id        integer not null, -- 0: none
	request_id    text not null,
	previous_hash text not null,
	hash          text not null,
	primary key (tenant, sequence)
) strict, without rowid;
create index audit_lines_object on audit_lines (tenant, object_kind, object_id, sequence);

-- The last line of each tenant. Whoever adds lines holds its row, and takes it
-- last of all rows, so that nobody waits in a circle.
create table audit_heads (
	tenant   text primary key,
	sequence integer not null,
	hash     text not null,
	anchored integer not null -- the sequence of the last anchor; 0: none
) strict, without rowid;

-- The keys that sign, sealed.
create table audit_keys (
	tenant     text not null,
	key_id     text not null,
	public_key blob not null,
	sealed     blob not null,
	made_at    text not null,
	primary key (tenant, key_id)
) strict, without rowid;

-- Lines that were signed: with them all before.
create table audit_anchors (
	tenant    text not null,
	sequence  integer not null,
	previous  integer not null, -- the sequence of the anchor before; 0: none
	hash      text not null,
	at        text not null,
	key_id    text not null,
	signature blob not null,
	primary key (tenant, sequence)
) strict, without rowid;

-- What is left of lines that retention removed.
create table audit_seals (
	tenant        text not null,
	from_sequence integer not null,
	to_sequence   integer not null,
	first_hash    text not null,
	last_hash     text not null,
	first_at      text not null,
	last_at       text not null,
	at            text not null,
	key_id        text not null,
	signature     blob not null,
	primary key (tenant, to_sequence)
) strict, without rowid;

-- Nothing of it changes, and nothing goes but what a seal stands for.
-- +goose StatementBegin
create trigger audit_lines_fixed before update on audit_lines
begin
	select raise(abort, 'the audit log is only added to: no line of it is changed');
end;
-- +goose StatementEnd
-- +goose StatementBegin
create trigger audit_anchors_fixed before update on audit_anchors
begin
	select raise(abort, 'the audit log is only added to: no anchor of it is changed');
end;
-- +goose StatementEnd
-- +goose StatementBegin
create trigger audit_seals_fixed before update on audit_seals
begin
	select raise(abort, 'the audit log is only added to: no seal of it is changed');
end;
-- +goose StatementEnd
-- +goose StatementBegin
create trigger audit_lines_kept before delete on audit_lines
when not exists (select 1 from audit_seals s where s.tenant = old.tenant and s.to_sequence >= old.sequence)
begin
	select raise(abort, 'the audit log is only added to: cxm audit prune removes old lines');
end;
-- +goose StatementEnd
-- +goose StatementBegin
create trigger audit_anchors_kept before delete on audit_anchors
when not exists (select 1 from audit_seals s where s.tenant = old.tenant and s.to_sequence >= old.sequence)
begin
	select raise(abort, 'the audit log is only added to: cxm audit prune removes old lines');
end;
-- +goose StatementEnd
-- +goose StatementBegin
create trigger audit_seals_kept before delete on audit_seals
begin
	select raise(abort, 'the audit log is only added to: its seals stay');
end;
-- +goose StatementEnd

-- See 00001: what the planner should believe of the new indexes.
insert into sqlite_stat1 (tbl, idx, stat) values
	('audit_lines', 'audit_lines', '1000000 1000000 1'),
	('audit_lines', 'audit_lines_object', '1000000 1000000 1000 10 1'),
	('audit_heads', 'audit_heads', '2 1'),
	('audit_keys', 'audit_keys', '4 2 1'),
	('audit_anchors', 'audit_anchors', '20000 20000 1'),
	('audit_seals', 'audit_seals', '50 50 1');
analyze sqlite_schema;
