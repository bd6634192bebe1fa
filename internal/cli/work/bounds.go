package work

import (
	"errors"
	"fmt"
	"os"
	"strconv"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"cxm/internal/app"
	"cxm/internal/cli/shell"
	"cxm/internal/plan"
)

// bounds are the flags of brakes and caps, which every command that plans has.
type bounds struct {
	brakes plan.Brakes
	caps   plan.Caps
}

// addBounds gives a command the flags, their defaults from the environment.
func addBounds(cmd *cobra.Command) *bounds {
	b := &bounds{brakes: plan.DefaultBrakes()}
	for _, each := range []struct {
		to        *int
		flag, env string
		usage     string
		atMost    int
	}{
		{&b.brakes.CloseShare, "close-share", "CXM_CLOSE_SHARE", "percent of the open issues that a run may close unasked; 100: any number", 100},
		{&b.brakes.CloseFloor, "close-floor", "CXM_CLOSE_FLOOR", "so many issues may be closed unasked whatever share that is", 0},
		{&b.brakes.Creates, "max-creates", "CXM_MAX_CREATES", "issues that a run may create unasked; 0: any number", 0},
		{&b.caps.PerHour, "cap-hour", "CXM_CAP_HOUR", "new issues in one project within an hour, the rest waits; 0: any number", 0},
		{&b.caps.Open, "cap-open", "CXM_CAP_OPEN", "issues open in one project before another is created; 0: any number", 0},
	} {
		cmd.Flags().Var(&bound{to: each.to, env: each.env, atMost: each.atMost}, each.flag, each.usage+" ($"+each.env+")")
	}
	return b
}

// addAdmit gives a command that runs unwatched the flag that lets the first run of
// a new source go.
func (b *bounds) addAdmit(cmd *cobra.Command) {
	const env = "CXM_ADMIT_NEW_SOURCES"
	cmd.Flags().Var(&consent{to: &b.brakes.Admit, env: env}, "admit-new-sources", "make the first issues of a new source unasked ($"+env+")")
	cmd.Flags().Lookup("admit-new-sources").NoOptDefVal = "true"
}

// consent is yes or no, from its flag or else from the environment.
type consent struct {
	to    *bool
	env   string
	given bool
}

// String is the default, for help.
func (c *consent) String() string { return strconv.FormatBool(c.to != nil && *c.to) }

// Type names the value in help: a flag alone means yes.
func (c *consent) Type() string { return "bool" }

// Set reads the flag.
func (c *consent) Set(text string) error {
	yes, err := strconv.ParseBool(text)
	if err != nil {
		return fmt.Errorf("%q: use true or false", text)
	}
	*c.to, c.given = yes, true
	return nil
}

// bound is a number that is not negative, from its flag or else from the
// environment.
type bound struct {
	to     *int
	env    string
	atMost int // 0: no most
	given  bool
}

// String is the default, for help.
func (b *bound) String() string {
	if b.to == nil {
		return ""
	}
	return strconv.Itoa(*b.to)
}

// Type names the value in help.
func (b *bound) Type() string { return "number" }

// Set reads the flag.
func (b *bound) Set(text string) error {
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 || b.atMost > 0 && n > b.atMost {
		return fmt.Errorf("%q: use a whole number from 0%s", text, upTo(b.atMost))
	}
	*b.to, b.given = n, true
	return nil
}

func upTo(most int) string {
	if most == 0 {
		return ""
	}
	return fmt.Sprintf(" to %d", most)
}

// open opens the app with the bounds of the flags and the environment.
func (b *bounds) open(cmd *cobra.Command, o *shell.Options, change ...func(*app.Config)) (*app.App, error) {
	if err := environment(cmd); err != nil {
		return nil, err
	}
	return o.Open(cmd, append(change, func(c *app.Config) { c.Brakes, c.Caps = &b.brakes, b.caps })...)
}

// environment sets the bounds that have no flag but a variable.
func environment(cmd *cobra.Command) error {
	var err error
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		env := ""
		switch v := f.Value.(type) {
		case *bound:
			env = unless(v.given, v.env)
		case *consent:
			env = unless(v.given, v.env)
		}
		if text := os.Getenv(env); env != "" && text != "" {
			if bad := f.Value.Set(text); bad != nil {
				err = errors.Join(err, fmt.Errorf("environment variable %s: %w", env, bad))
			}
		}
	})
	return err
}

// unless is the variable of a flag that was not given.
func unless(given bool, env string) string {
	if given {
		return ""
	}
	return env
}
