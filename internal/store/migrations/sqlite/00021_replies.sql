-- +goose Up
-- What requests with an Idempotency-Key were answered, so that one that is sent
-- again does nothing twice.
create table replies (
	tenant     text not null,
	holder     text not null, -- who sent it
	idempotent text not null, -- the key that they chose
	digest     text not null, -- of the request
	status     integer not null, -- that was answered; 0: it is under way
	location   text not null, -- the header of the answer
	body       blob not null,
	begun_at   text not null,
	ends_at    text not null, -- from then on the key is free again
	primary key (tenant, holder, idempotent)
) strict, without rowid;
create index replies_ends on replies (ends_at);

-- See 00001: what the planner should believe of the new indexes.
insert into sqlite_stat1 (tbl, idx, stat) values
	('replies', 'replies', '5000 5000 500 1'),
	('replies', 'replies_ends', '5000 2 2 2 1');
analyze sqlite_schema;
