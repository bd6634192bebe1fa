package quick

import (
	"slices"
	"strings"
)

// Names returns every word GitLab takes for a quick action, aliases included,
// in alphabetical order. GitLab takes out the commands of issues, merge
// requests, epics and commits alike, whatever they stand on, so all are here;
// so are the names of older versions. /cc is not one: GitLab only completes it.
func Names() []string {
	names := strings.Fields(commands)
	for alias := range aliases() {
		names = append(names, alias)
	}
	for name := range substitutions() {
		names = append(names, name)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// commands are the canonical names, from GitLab's lib/gitlab/quick_actions,
// its ee/ counterpart and the page user/project/quick_actions.
const commands = `
add_child add_child_epic add_contacts add_email add_parent_epic approve assign assign_reviewer
blocked_by blocks board_move checkin_reminder clear_health_status clear_weight
clone close confidential contain convert_to_ticket copy_metadata
create_merge_request done draft due duplicate duo_code_review estimate
health_status iteration label link lock merge milestone move page
promote promote_to promote_to_incident publish q react ready reassign
reassign_reviewer rebase relabel relate remove_child
remove_contacts remove_due_date remove_email remove_estimate
remove_iteration remove_milestone remove_parent
remove_time_spent remove_zoom reopen request_changes run_pipeline
set_parent severity ship spend start status submit_review subscribe tag
target_branch timeline title todo type unapprove unassign unassign_reviewer
unconfidential unlabel unlink unlock unsubscribe weight wip zoom
`

// aliases maps the other names of a command to the one it is known by.
func aliases() map[string]string {
	return map[string]string{
		"award":                "react",
		"child_epic":           "add_child",
		"epic":                 "set_parent",
		"estimate_time":        "estimate",
		"invite_email":         "add_email",
		"labels":               "label",
		"parent_epic":          "set_parent",
		"remove_child_epic":    "remove_child",
		"remove_epic":          "remove_parent",
		"remove_label":         "unlabel",
		"remove_parent_epic":   "remove_parent",
		"remove_reviewer":      "unassign_reviewer",
		"remove_time_estimate": "remove_estimate",
		"request_review":       "assign_reviewer",
		"reviewer":             "assign_reviewer",
		"spend_time":           "spend",
		"spent":                "spend",
	}
}

// substitutions are the actions that leave a picture where they stood. Both
// drop their arguments (GitLab 17 and later).
func substitutions() map[string]string {
	return map[string]string{
		"shrug":     `¯\＿(ツ)＿/¯`,
		"tableflip": `(╯°□°)╯︵ ┻━┻`,
	}
}
