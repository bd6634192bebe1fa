//go:build tools

package deps

import (
	_ "code.dny.dev/ssrf"
	_ "github.com/cloudevents/sdk-go/v2/event"
	_ "github.com/getkin/kin-openapi/openapi3"
	_ "github.com/go-git/go-git/v5"
	_ "github.com/go-json-experiment/json"
	_ "github.com/google/go-cmp/cmp"
	_ "github.com/microcosm-cc/bluemonday"
	_ "github.com/pressly/goose/v3"
	_ "github.com/rogpeppe/go-internal/testscript"
	_ "github.com/santhosh-tekuri/jsonschema/v6"
	_ "github.com/shopspring/decimal"
	_ "github.com/spf13/cobra"
	_ "github.com/tink-crypto/tink-go/v2/aead"
	_ "github.com/vbauerster/mpb/v8"
	_ "github.com/yuin/goldmark"
	_ "github.com/jackc/pgx/v5"
	_ "gitlab.com/gitlab-org/api/client-go/v2"
	_ "go.uber.org/goleak"
	_ "golang.org/x/term"
	_ "golang.org/x/text/currency"
	_ "golang.org/x/time/rate"
	_ "golang.org/x/sync/errgroup"
	_ "modernc.org/sqlite"
	_ "pgregory.net/rapid"
)
