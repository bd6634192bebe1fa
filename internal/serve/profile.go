package serve

import (
	"net/http"
	"net/http/pprof"
	"time"
)

// Profiles are the pages of net/http/pprof. They show what is in memory: they are
// for a loopback address alone. They are mounted one by one: importing pprof puts
// them into http.DefaultServeMux too, which nothing here serves.
func Profiles() []Mount {
	slow := Limits{Write: 5 * time.Minute} // a profile is taken for as long as one asks
	return []Mount{
		{Pattern: "GET /debug/pprof/", Handler: http.HandlerFunc(pprof.Index), Limits: slow},
		{Pattern: "GET /debug/pprof/cmdline", Handler: http.NotFoundHandler()}, // flags may hold a password
		{Pattern: "GET /debug/pprof/profile", Handler: http.HandlerFunc(pprof.Profile), Limits: slow},
		{Pattern: "GET /debug/pprof/symbol", Handler: http.HandlerFunc(pprof.Symbol)},
		{Pattern: "GET /debug/pprof/trace", Handler: http.HandlerFunc(pprof.Trace), Limits: slow},
	}
}
