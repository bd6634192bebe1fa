-- JudgedIssues is a page of the issues that people corrected, or kept, the latest
-- before a place first, each with the finding that leads its group
-- (rule.Group.Lead). Issues whose findings all left their group are not there.
-- name: JudgedIssues :many
select i.id, i.integration_id, i.group_key, i.phase, i.routed_id, i.override_state, i.observed, i.gave, i.judged_at, b.body
from issues i
join findings f on f.tenant = i.tenant and f.id = (
	select l.id from findings l
	where l.tenant = i.tenant and l.group_key = i.group_key
	order by l.detection = 'present' desc, coalesce(l.savings_micros, 0) desc, l.severity desc, l.finding_key
	limit 1
)
join finding_bodies b on b.finding_id = f.id and b.tenant = f.tenant
where i.tenant = @tenant and i.judged = @judged and i.judged <> ''
	and i.judged_at <= @before and (i.judged_at < @before or i.id < @id)
order by i.judged_at desc, i.id desc limit @page;

-- name: Suggestions :many
select * from suggestions where tenant = @tenant order by number;

-- name: AddSuggestion :exec
insert into suggestions (tenant, number, identity, says, answer, seen, reason, author, decided_at, revision)
values (@tenant, @number, @identity, @says, '', 0, '', '', null, 0)
on conflict do nothing;

-- name: AnswerSuggestion :execrows
update suggestions set
	answer = @answer, seen = @seen, reason = @reason, author = @author, decided_at = @decided_at, revision = @revision
where tenant = @tenant and number = @number;
