package access

import (
	"fmt"
	"net/mail"
	"slices"
	"strings"
)

// ParseOwner reads the address of whoever looks after an account, and says what
// is weak about it (empty: nothing): it should be a team's, since people leave.
func ParseOwner(text string) (address, weak string, err error) {
	text = strings.TrimSpace(text)
	a, err := mail.ParseAddress(text)
	if err != nil || a.Name != "" || a.Address != text || !strings.Contains(domain(text), ".") {
		return "", "", fmt.Errorf("%.80q is no e-mail address: give one such as team@example.com", text)
	}
	local, _, _ := strings.Cut(text, "@")
	address = local + "@" + strings.ToLower(domain(text))
	if personal(strings.ToLower(local), domain(address)) {
		weak = address + " looks like one person's: give the address of a team, so that somebody is there when that person leaves"
	}
	return address, weak, nil
}

func domain(address string) string { return address[strings.LastIndexByte(address, '@')+1:] }

// personal guesses. Words of teams are believed; two words, an initial with a
// name, and the providers of private mail are not.
func personal(local, domain string) bool {
	words := strings.FieldsFunc(local, func(r rune) bool { return r == '.' || r == '_' || r == '-' || r == '+' })
	if slices.ContainsFunc(words, ofTeams) {
		return false
	}
	return slices.Contains(private(), domain) || len(words) == 2 && !strings.ContainsAny(local, "-+")
}

func ofTeams(word string) bool {
	teams := []string{
		"access", "admin", "admins", "alerts", "all", "billing", "cloud", "cost", "costs", "cxm", "data", "dev", "devops", "dl", "engineering",
		"finance", "finops", "group", "help", "helpdesk", "infra", "infrastructure", "it", "list", "oncall", "operations", "ops", "owners",
		"platform", "platforms", "security", "service", "services", "sre", "support", "sysadmin", "system", "systems", "team", "teams", "tech",
	}
	return slices.Contains(teams, word) || strings.HasSuffix(word, "team") || strings.HasSuffix(word, "ops")
}

func private() []string {
	return []string{
		"aol.com", "gmail.com", "gmx.de", "gmx.net", "googlemail.com", "hotmail.com", "icloud.com", "live.com",
		"outlook.com", "proton.me", "protonmail.com", "web.de", "yahoo.com",
	}
}
