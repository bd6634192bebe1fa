-- +goose Up
-- What requests with an Idempotency-Key were answered, so that one that is sent
-- again does nothing twice.
create table replies (
	tenant     text collate "C" not null,
	holder     text collate "C" not null, -- who sent it
	idempotent text collate "C" not null, -- the key that they chose
	digest     text collate "C" not null, -- of the request
	status     bigint not null, -- that was answered; 0: it is under way
	location   text collate "C" not null, -- the header of the answer
	body       bytea not null,
	begun_at   timestamptz not null,
	ends_at    timestamptz not null, -- from then on the key is free again
	primary key (tenant, holder, idempotent)
);
create index replies_ends on replies (ends_at);
