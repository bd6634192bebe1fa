-- SetRoute sends the issues of an integration to another project from now on.
-- name: SetRoute :execrows
update integrations set
	project_id = @project_id, project_path = @project_path, project_web_url = @project_web_url,
	access_level = @access_level, on_route_change = @on_route_change
where tenant = @tenant and id = @id;

-- SetProjectPath is for the eyes of people: the number is what counts.
-- name: SetProjectPath :execrows
update integrations set project_path = @project_path, project_web_url = @project_web_url
where tenant = @tenant and id = @id and project_id = @project_id;

-- What the rules say about where an issue belongs has changed for all of them.
-- name: TouchRouted :exec
update finding_groups set dirty = true, version = version + 1
where finding_groups.tenant = @tenant and finding_groups.group_key in (
	select i.group_key from issues i
	where i.tenant = @tenant and i.integration_id = @integration_id and i.phase in ('intended', 'in doubt', 'live', 'lost')
);

-- name: MovingIssues :many
select * from issues
where tenant = @tenant and integration_id = @integration_id and project_id = @project_id and move_to > 0 and move_refused = ''
order by id;

-- name: OldestCheck :one
select checked_at from issues
where tenant = @tenant and integration_id = @integration_id and project_id = @project_id and phase = 'live' and state = 'opened'
order by checked_at limit 1;

-- name: OldestChecked :many
select * from issues
where tenant = @tenant and integration_id = @integration_id and project_id = @project_id and phase = 'live' and state = 'opened'
order by checked_at limit 100;

-- name: CheckIssue :exec
update issues set checked_at = @checked_at where tenant = @tenant and id = @id;
