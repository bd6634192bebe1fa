-- name: PutCodeState :exec
insert into code_states (tenant, name, host, repository, folder, resources, added_by, added_at)
values (@tenant, @name, @host, @repository, @folder, @resources, @added_by, @added_at)
on conflict (tenant, name) do update set
	host = excluded.host, repository = excluded.repository, folder = excluded.folder,
	resources = excluded.resources, added_by = excluded.added_by, added_at = excluded.added_at;

-- name: CodeStates :many
select * from code_states where tenant = @tenant order by name;

-- name: DropCodeState :execrows
delete from code_states where tenant = @tenant and name = @name;

-- name: DropCodeNames :exec
delete from code_names where tenant = @tenant and state = @state;

-- name: AddCodeName :exec
insert into code_names (tenant, name, state, spot) values (@tenant, @name, @state, @spot)
on conflict (tenant, name, state) do nothing;

-- A name may be in several states.
-- name: CodeNamed :many
select n.name, n.state, n.spot, s.host, s.repository, s.folder
from code_names n
join code_states s on s.tenant = n.tenant and s.name = n.state
where n.tenant = @tenant and n.name in (@a, @b, @c, @d, @e, @f)
order by n.name, n.state limit 60;

-- name: CodeEvidence :one
select said, due_at, used_at from code_evidence
where tenant = @tenant and integration_id = @integration_id and repository = @repository and subject = @subject;

-- name: PutCodeEvidence :exec
insert into code_evidence (tenant, integration_id, repository, subject, said, due_at, used_at)
values (@tenant, @integration_id, @repository, @subject, @said, @due_at, @used_at)
on conflict (tenant, integration_id, repository, subject) do update set
	said = excluded.said, due_at = excluded.due_at, used_at = excluded.used_at;

-- What nobody asked GitLab about yet; another may have done so meanwhile.
-- name: WantCodeEvidence :exec
insert into code_evidence (tenant, integration_id, repository, subject, said, due_at, used_at)
values (@tenant, @integration_id, @repository, @subject, '', @due_at, @used_at)
on conflict (tenant, integration_id, repository, subject) do nothing;

-- name: DueCodeEvidence :many
select repository, subject, said, due_at, used_at from code_evidence
where tenant = @tenant and integration_id = @integration_id and due_at <= @before
order by due_at limit @most;

-- name: DropCodeEvidence :exec
delete from code_evidence
where tenant = @tenant and integration_id = @integration_id and repository = @repository and subject = @subject;
