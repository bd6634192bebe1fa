// Package accounts serves users, personal access tokens and service accounts.
package accounts

import (
	"net/http"

	"cxm/internal/sandbox/rest"
	"cxm/internal/sandbox/wire"
)

// Routes gives the package's endpoints. edition is "ce" or "ee"; version is what
// the instance says it is.
func Routes(edition, version string) []rest.Route {
	out := append(instance(edition, version), users()...)
	out = append(out, tokens()...)
	out = append(out, services()...)
	return append(out, serviceTokens()...)
}

// Version is the GitLab the sandbox is like.
const Version = "19.3.0"

type kas struct {
	Enabled          bool    `json:"enabled"`
	ExternalURL      *string `json:"externalUrl"`
	ExternalK8sProxy *string `json:"externalK8sProxyUrl"`
	Version          *string `json:"version"`
}

type metadata struct {
	Version    string `json:"version"`
	Revision   string `json:"revision"`
	KAS        kas    `json:"kas"`
	Enterprise bool   `json:"enterprise"`
}

func instance(edition, version string) []rest.Route {
	about := func(*rest.Request) (wire.Answer, error) {
		version := version
		if edition == "ee" {
			version += "-ee"
		}
		return wire.OK(metadata{Version: version, Revision: "5a4d80bdbc0", Enterprise: edition == "ee"}), nil
	}
	root := func(*rest.Request) (wire.Answer, error) {
		return wire.Answer{}, wire.Problem(http.StatusNotFound, "404 Not Found")
	}
	return []rest.Route{
		{Method: "GET", Path: "/version", Scopes: []string{"read_user", "ai_features"}, Handle: about},
		{Method: "GET", Path: "/metadata", Scopes: []string{"read_user", "ai_features"}, Handle: about},
		{Method: "GET", Path: "/", Access: rest.Anyone, Scopes: []string{"*"}, Handle: root}, // clients probe it for limits
	}
}
