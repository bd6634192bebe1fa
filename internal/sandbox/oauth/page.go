package oauth

import (
	"bytes"
	"fmt"
	"html/template"
	"net/http"
	"sync"

	"cxm/internal/sandbox/wire"
)

// pageView is what one of the pages shows.
type pageView struct {
	Title, Fault string
	Base         string
	Form         string // authenticity_token
	SignIn       bool
	Ask          *askView
}

// askView is what a person agrees to.
type askView struct {
	App, User, Redirect string
	Scopes              []string
	Hidden              []pair
}

type pair struct{ Name, Value string }

// carried are the parameters that go from the request through the form.
func carried() []string {
	return []string{"client_id", "redirect_uri", "state", "response_type", "scope", "nonce", "code_challenge", "code_challenge_method"}
}

func (c *Call) askView(ask asked) *askView {
	v := &askView{App: ask.app.Name, User: c.Actor.Username, Redirect: c.text("redirect_uri"), Scopes: ask.scopes}
	for _, name := range carried() {
		v.Hidden = append(v.Hidden, pair{name, c.text(name)})
	}
	return v
}

// page renders one of the pages.
func (c *Call) page(status int, s *session, v pageView) wire.Answer {
	v.Form, v.Base = s.form, c.Base
	var b bytes.Buffer
	t, err := templates()
	if err == nil {
		err = t.Execute(&b, v)
	}
	if err != nil {
		return wire.Answer{Status: http.StatusInternalServerError, Text: &wire.Text{
			ContentType: "text/plain; charset=utf-8", Bytes: fmt.Appendf(nil, "this page could not be made: %v\n", err)}}
	}
	return s.keep(c, wire.Answer{Status: status, Text: &wire.Text{ContentType: "text/html; charset=utf-8", Bytes: b.Bytes()}}).Set("Cache-Control", "no-store")
}

// templates are parsed once, on first use, and never change.
var templates = sync.OnceValues(func() (*template.Template, error) {
	return template.New("page").Parse(layout)
})

const layout = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{.Title}} · GitLab sandbox</title>
<style>
body { font: 16px/1.5 system-ui, sans-serif; max-width: 28rem; margin: 3rem auto; padding: 0 1rem; color: #1f1e24; background: #fff; }
label { display: block; margin: .8rem 0; } input[type=text], input[type=password] { display: block; width: 100%; box-sizing: border-box; font: inherit; padding: .4rem; }
button { font: inherit; padding: .4rem 1rem; } form { display: inline-block; margin-right: .5rem; } form.wide { display: block; }
.fault { border-left: 4px solid #c91c00; padding-left: .8rem; } footer { margin-top: 3rem; font-size: .85rem; color: #626168; }
</style>
</head>
<body>
<h1>{{.Title}}</h1>
{{with .Fault}}<p class="fault" role="alert">{{.}}</p>{{end}}
{{if .SignIn}}
<form class="wide" action="{{.Base}}/users/sign_in" method="post">
<input type="hidden" name="authenticity_token" value="{{.Form}}">
<label>Username <input type="text" name="user[login]" autocomplete="username" autofocus required></label>
<label>Password <input type="password" name="user[password]" autocomplete="current-password" required></label>
<button>Sign in</button>
</form>
{{end}}
{{$form := .Form}}{{$base := .Base}}
{{with .Ask}}
<p><strong>{{.App}}</strong> asks to act on GitLab as <strong>{{.User}}</strong>.</p>
<p>It will be able to:</p>
<ul>{{range .Scopes}}<li><code>{{.}}</code></li>{{end}}</ul>
<p>You will be sent to <code>{{.Redirect}}</code>.</p>
<form action="{{$base}}/oauth/authorize" method="post">
<input type="hidden" name="authenticity_token" value="{{$form}}">
{{range .Hidden}}<input type="hidden" name="{{.Name}}" value="{{.Value}}">
{{end}}<button>Authorize {{.App}}</button>
</form>
<form action="{{$base}}/oauth/authorize" method="post">
<input type="hidden" name="_method" value="delete">
<input type="hidden" name="authenticity_token" value="{{$form}}">
{{range .Hidden}}<input type="hidden" name="{{.Name}}" value="{{.Value}}">
{{end}}<button>Deny</button>
</form>
{{end}}
<footer>This is the cxm sandbox, a small GitLab for trying things out. It is no product of GitLab Inc.</footer>
</body>
</html>
`
