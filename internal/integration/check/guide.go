package check

// Advice is one thing that goes wrong with such an integration, or that good
// practice asks for, with the checks that see it.
type Advice struct {
	Name   string   // stable, for the tests: "paste"
	Part   string   // of the list
	Says   string   // what is wrong, for people
	Checks []string // those that name it, the first one in any case
}

// Troubleshooting lists what the Cloud ex Machina guide to its GitLab integration
// tells people to look at when it does not work, and to keep to so that it goes
// on working, in our own words and its order. docs/troubleshooting.md is made from
// it.
func Troubleshooting() []Advice {
	const (
		connect  = "The connection test fails"
		silent   = "Connected, but no issues appear"
		revoked  = "The account lost its access"
		bot      = "With a bot user in place of a service account"
		practice = "Good practice"
	)
	return []Advice{
		{"paste", connect, "The token came with something else around it: spaces, quotes, a line break", []string{"token.form", "token.kind", "token.accepted"}},
		{"role", connect, "The account is not Maintainer or Owner in the project", []string{"project.role", "namespace.role", "project.labels", "project.create"}},
		{"path", connect, "The project's path is not the one GitLab has, or its letter case differs", []string{"project.path", "project.moved"}},
		{"reach", connect, "cxm cannot reach an instance that you run yourself", []string{"instance.tcp", "instance.url", "instance.proxy", "instance.dns", "instance.tls", "instance.gitlab", "instance.version"}},
		{"scopes", connect, "The token lacks a scope, or is of a sort that the instance does not take", []string{"token.scopes", "token.granular"}},

		{"member", silent, "The account is no member of the project any more", []string{"access.kept", "project.path"}},
		{"expired", silent, "The token has expired", []string{"token.expiry", "token.revoked"}},
		{"events", silent, "Nothing is set up that would report anything", []string{"events.configured", "events.complete", "events.waiting"}},
		{"routes", silent, "The rules send issues to a project that is gone, or hidden from the account", []string{"rules.routes"}},
		{"errors", silent, "GitLab refuses what cxm does, and only the log says so", []string{"issues.errors", "project.archived", "project.deletion", "project.issues", "project.webhooks", "instance.limits", "instance.clock"}},

		{"removed", revoked, "Somebody took the account out of the project: it has to be added again with its role", []string{"access.kept", "project.path"}},
		{"inactive", revoked, "Somebody blocked or deactivated the account: an administrator has to activate it", []string{"account.state", "access.kept"}},
		{"deleted", revoked, "The account is gone: a new one has to take its place", []string{"access.kept", "token.accepted"}},

		{"bot-role", bot, "The bot user needs the role Maintainer in each project", []string{"project.role"}},
		{"bot-kind", bot, "GitLab does not know a bot user as a bot: it takes a seat, and can sign in", []string{"account.kind"}},

		{"personal", practice, "No personal account's token: issues would bear that person's name, and end with the account", []string{"account.kind"}},
		{"least", practice, "No more rights than needed", []string{"account.admin", "token.excess", "account.extent"}},
		{"store", practice, "Tokens are kept where only their owner reads them", []string{"token.storage"}},
		{"rotate", practice, "Tokens are renewed regularly, and before they expire", []string{"token.age", "token.expiry", "token.rotation"}},
		{"watch", practice, "Somebody notices when the account is used from a strange place", []string{"token.use"}},
		{"owners", practice, "Several people can look after the account, and it is written down who", []string{"account.owners"}},
		{"review", practice, "What the account may do is looked over every quarter", []string{"access.review", "account.extent"}},
		{"mail", practice, "A bot user has the mail address of a team, not of a person", []string{"account.address"}},
	}
}
