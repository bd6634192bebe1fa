package sandbox_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"cxm/internal/sandbox"
)

// story runs testdata/*.story: exchanges with a sandbox, in order.
//
//	as NAME                  go on as a user that "token" made; root, nobody
//	header NAME: VALUE       with the next request alone
//	METHOD /path [body]      a request; the body is JSON or a form
//	=> 201 [body]            its status, and its body to the letter
//	= path value             a value of the answer, as JSON: = labels ["a"]
//	~ text                   the answer holds this text
//	^ Name: value            a header of the answer; no value: it is absent
//	let name path            keep a value of the answer for $name
//	token NAME SCOPES        make a user NAME with a token, and let $NAME be their id
//	wait 5s                  let the clock go on
//	limits {json}            set the limits
//
// Lines that begin with # and blank lines say nothing. $base is the URL.
type story struct {
	t      *testing.T
	s      *sandbox.Server
	root   client
	who    client
	tokens map[string]string
	vars   map[string]string
	header []string
	last   result
	clock  *clock
}

// clock is a time that goes on when told to, and a little with every look.
type clock struct{ ns int64 }

func (c *clock) now() time.Time {
	c.ns += int64(10 * time.Microsecond)
	return time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC).Add(time.Duration(c.ns))
}

func TestStories(t *testing.T) {
	files, err := filepath.Glob("testdata/*.story")
	if err != nil || len(files) == 0 {
		t.Fatalf("no stories: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".story"), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			tell(t, file, string(text))
		})
	}
}

func tell(t *testing.T, file, text string) {
	edition := "ee"
	if strings.HasPrefix(filepath.Base(file), "ce") {
		edition = "ce"
	}
	k := &clock{}
	s, c := serve(t, sandbox.Options{Seed: sandbox.SeedDemo, Edition: edition, Clock: k.now})
	st := &story{t: t, s: s, root: c, who: c, tokens: map[string]string{"root": c.token, "nobody": ""}, vars: map[string]string{"base": c.url}, clock: k}
	for n, line := range strings.Split(text, "\n") {
		if line = strings.TrimSpace(line); line != "" && line[0] != '#' {
			if err := st.line(st.expand(line)); err != nil {
				t.Fatalf("%s:%d: %s\n%v", file, n+1, line, err)
			}
		}
	}
}

func (st *story) expand(line string) string {
	return os.Expand(line, func(name string) string {
		if v, ok := st.vars[name]; ok {
			return v
		}
		return "$" + name
	})
}

func (st *story) line(line string) error {
	word, rest, _ := strings.Cut(line, " ")
	switch word {
	case "as":
		token, ok := st.tokens[rest]
		if !ok {
			return fmt.Errorf("nobody is called %s", rest)
		}
		st.who = st.root.as(token)
	case "header":
		name, value, _ := strings.Cut(rest, ": ")
		st.header = append(st.header, name, value)
	case "token":
		return st.token(rest)
	case "wait":
		d, err := time.ParseDuration(rest)
		st.clock.ns += int64(d)
		return err
	case "limits":
		l := sandbox.Limits{}
		err := json.Unmarshal([]byte(rest), &l)
		st.s.SetLimits(l)
		return err
	case "GET", "POST", "PUT", "PATCH", "DELETE", "HEAD":
		path, body, _ := strings.Cut(rest, " ")
		if !strings.HasPrefix(path, "/-/") && !strings.HasPrefix(path, "/api/") {
			path = "/api/v4" + path
		}
		st.last = st.who.do(word, path, body, st.header...)
		st.header = nil
	default:
		return st.check(word, rest)
	}
	return nil
}

// token makes a user with a token through the API.
func (st *story) token(rest string) error {
	name, scopes, _ := strings.Cut(rest, " ")
	if st.vars[name] == "" {
		u := st.root.do("POST", "/api/v4/users", fmt.Sprintf(
			`{"username":%q,"name":%q,"email":"%s@example.com","force_random_password":true}`, name, name, name))
		if u.Status != 201 {
			return fmt.Errorf("make user: %s", u.Body)
		}
		st.vars[name] = fmt.Sprint(u.num("id"))
	}
	r := st.root.do("POST", "/api/v4/users/"+st.vars[name]+"/personal_access_tokens", fmt.Sprintf(`{"name":"t","scopes":%q}`, scopes))
	if r.Status != 201 {
		return fmt.Errorf("make token: %s", r.Body)
	}
	st.tokens[name] = r.str("token")
	return nil
}

func (st *story) check(word, rest string) error {
	name, value, _ := strings.Cut(rest, " ")
	switch word {
	case "=>":
		if fmt.Sprint(st.last.Status) != name {
			return fmt.Errorf("status %d, want %s: %s", st.last.Status, name, st.last.Body)
		}
		if value != "" && st.last.Body != strings.ReplaceAll(value, `\n`, "\n") && value != st.last.Body {
			return fmt.Errorf("body\n%s", st.last.Body)
		}
	case "=":
		got, err := json.Marshal(st.last.get(name))
		if err != nil || string(got) != value {
			return fmt.Errorf("%s is %s (%v)", name, got, err)
		}
	case "~":
		if !strings.Contains(st.last.Body, rest) {
			return fmt.Errorf("not in %s", st.last.Body)
		}
	case "^":
		key, want, _ := strings.Cut(rest, ":")
		if got := st.last.Header.Get(key); got != strings.TrimSpace(want) {
			return fmt.Errorf("header %s is %q", key, got)
		}
	case "let":
		switch v := st.last.get(value).(type) {
		case float64:
			st.vars[name] = fmt.Sprint(int64(v))
		case string:
			st.vars[name] = v
			st.tokens[name] = v
		default:
			return fmt.Errorf("%s is %v", value, v)
		}
	default:
		return fmt.Errorf("%s is no word of a story", word)
	}
	return nil
}
