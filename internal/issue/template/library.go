package template

import (
	"embed"
	"fmt"
	"slices"
	"strings"

	"cxm/internal/finding"
)

//go:embed library/*.tmpl
var library embed.FS

// Names lists the templates of the library, in the order of the alphabet.
func Names() []string {
	files, err := library.ReadDir("library")
	if err != nil {
		return nil // it is part of the program
	}
	var out []string
	for _, file := range files {
		out = append(out, strings.TrimSuffix(file.Name(), ".tmpl"))
	}
	slices.Sort(out)
	return out
}

// Source is the text of a template of the library, to start one's own from. The
// error lists the names there are.
func Source(name string) (title, body string, err error) {
	text, err := library.ReadFile("library/" + name + ".tmpl")
	if err != nil || !slices.Contains(Names(), name) {
		return "", "", fmt.Errorf("there is no template %.40q in the library: use one of %s", name, strings.Join(Names(), ", "))
	}
	title, body, found := strings.Cut(string(text), "\n---\n")
	if !found {
		return "", "", fmt.Errorf("the template %s of the library has no line of three dashes under its title", name)
	}
	return title, body, nil
}

// Library is a template of the library by its name. The error lists the names
// there are.
func Library(name string) (*Template, error) {
	title, body, err := Source(name)
	if err != nil {
		return nil, err
	}
	return Parse(name, title, body)
}

// Suggest is the name of the template of the library that suits a finding, by its
// kind, its action and the type of its resource; empty: none does.
func Suggest(f *finding.Finding) string {
	about := strings.ToLower(f.SourceRuleID + " " + f.ActionType + " " + f.ResourceType)
	has := func(words ...string) bool {
		return slices.ContainsFunc(words, func(word string) bool { return strings.Contains(about, word) })
	}
	switch {
	case has("anomal"):
		return "anomaly"
	case f.Kind != finding.Cost && has("token", "credential", "secret"):
		return "token"
	case f.SourceSystem == "prometheus.alertmanager" || f.SourceSystem == "grafana.alerting":
		return "alert"
	case f.Kind == finding.System:
		return "system"
	case f.Kind != finding.Cost:
		return ""
	}
	return suggestCost(strings.ToLower(f.ActionType), has, strings.Contains(strings.ToLower(f.SourceSystem), "kube"))
}

// suggestCost is Suggest for an opportunity to save.
func suggestCost(action string, has func(...string) bool, kubernetes bool) string {
	switch {
	case has("purchase", "savingsplan", "savings plan", "reserved", "reservation", "commitment"):
		return "commitment"
	case has("kubernetes", "deployment", "statefulset", "daemonset", "workload", "container request") || kubernetes:
		return "kubernetes-requests"
	case has("storageclass", "storage class", "lifecycle", "tiering", "bucket"):
		return "storage-class"
	case has("unattached", "orphan", "unused volume", "unused address"),
		(action == "delete" || action == "release") && has("volume", "disk", "address", "snapshot", "networkinterface"):
		return "unattached"
	case has("idle"), action == "stop", action == "delete", action == "terminate", action == "release":
		return "idle"
	case action == "upgrade", strings.HasPrefix(action, "migrate"), has("graviton", "generation"):
		return "old-generation"
	case action == "rightsize", strings.HasPrefix(action, "scale"), has("oversized", "overprovisioned"):
		return "rightsize"
	}
	return ""
}
