-- +goose Up
-- What was done, by whom and why, line by line; each holds the hash of the one
-- before (docs/audit.md). Facts are canonical JSON; hashes are hex digits.
create table audit_lines (
	tenant        text collate "C" not null,
	sequence      bigint not null, -- from 1, without gaps
	at            timestamptz not null,
	actor_kind    text not null,
	actor_name    text not null,
	action        text collate "C" not null,
	object_kind   text collate "C" not null,
	object_id     text collate "C" not null,
	object_name   text not null,
	facts_before  text not null, -- JSON
	facts_after   text not null, -- JSON
	why           text not null,
	run_id        bigint not null, -- 0: none
	request_id    text not null,
	previous_hash text not null,
	hash          text not null,
	primary key (tenant, sequence)
);
create index audit_lines_object on audit_lines (tenant, object_kind, object_id, sequence);

-- The last line of each tenant. Whoever adds lines holds its row, and takes it
-- last of all rows, so that nobody waits in a circle.
create table audit_heads (
	tenant   text collate "C" primary key,
	sequence bigint not null,
	hash     text not null,
	anchored bigint not null -- the sequence of the last anchor; 0: none
) with (fillfactor = 50); -- its few rows change all the time

-- The keys that sign, sealed.
create table audit_keys (
	tenant     text collate "C" not null,
	key_id     text collate "C" not null,
	public_key bytea not null,
	sealed     bytea not null,
	made_at    timestamptz not null,
	primary key (tenant, key_id)
);

-- Lines that were signed: with them all before.
create table audit_anchors (
	tenant    text collate "C" not null,
	sequence  bigint not null,
	previous  bigint not null, -- the sequence of the anchor before; 0: none
	hash      text not null,
	at        timestamptz not null,
	key_id    text not null,
	signature bytea not null,
	primary key (tenant, sequence)
);

-- What is left of lines that retention removed.
create table audit_seals (
	tenant        text collate "C" not null,
	from_sequence bigint not null,
	to_sequence   bigint not null,
	first_hash    text not null,
	last_hash     text not null,
	first_at      timestamptz not null,
	last_at       timestamptz not null,
	at            timestamptz not null,
	key_id        text not null,
	signature     bytea not null,
	primary key (tenant, to_sequence)
);

-- Nothing of it changes, and nothing goes but what a seal stands for.
-- +goose StatementBegin
create function audit_refuse() returns trigger language plpgsql as $$
begin
	raise exception 'the audit log is only added to: nothing of % is changed, and cxm audit prune alone removes old lines', tg_table_name;
end $$;
-- +goose StatementEnd
-- +goose StatementBegin
create function audit_sealed() returns trigger language plpgsql as $$
begin
	if not exists (select 1 from audit_seals s where s.tenant = old.tenant and s.to_sequence >= old.sequence) then
		raise exception 'the audit log is only added to: cxm audit prune removes old lines of %', tg_table_name;
	end if;
	return old;
end $$;
-- +goose StatementEnd
create trigger audit_lines_fixed before update on audit_lines for each row execute function audit_refuse();
create trigger audit_anchors_fixed before update on audit_anchors for each row execute function audit_refuse();
create trigger audit_seals_fixed before update on audit_seals for each row execute function audit_refuse();
create trigger audit_lines_kept before delete on audit_lines for each row execute function audit_sealed();
create trigger audit_anchors_kept before delete on audit_anchors for each row execute function audit_sealed();
create trigger audit_seals_kept before delete on audit_seals for each row execute function audit_refuse();
create trigger audit_lines_whole before truncate on audit_lines for each statement execute function audit_refuse();
create trigger audit_anchors_whole before truncate on audit_anchors for each statement execute function audit_refuse();
create trigger audit_seals_whole before truncate on audit_seals for each statement execute function audit_refuse();
