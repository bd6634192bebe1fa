package api_test

import (
	"flag"
	"os"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/google/go-cmp/cmp"

	"cxm/internal/api"
)

var update = flag.Bool("update", false, "write docs/openapi.json again")

func described(t *testing.T) *api.API {
	t.Helper()
	a, err := api.New(api.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// What is in docs/openapi.json is what is served, and an OpenAPI document.
func TestDocument(t *testing.T) {
	const file = "../../docs/openapi.json"
	want, err := described(t).Document()
	if err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(file, want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("docs/openapi.json is stale: run `go test ./internal/api -run TestDocument -update` (-served +docs):\n%.2000s", diff)
	}
	doc, err := openapi3.NewLoader().LoadFromData(got)
	if err != nil {
		t.Fatal(err)
	}
	if err := doc.Validate(t.Context()); err != nil {
		t.Error(err)
	}
}
