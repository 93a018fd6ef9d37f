package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"papertrade/internal/config"
	"papertrade/internal/sqlite"
)

func newConfig(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "config",
		Short: "Show the settings in effect, check them, or start a file of them",
		Long: `config shows the settings in effect, as 'config show' does. A flag goes before a
variable of the environment, that before the settings file, and that before the
default.
` + exitStatuses,
		Example: `  papertrade config                # what is in effect, and why
  papertrade config init           # a file to start with
  papertrade config check          # does everything stand ready for a run?`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error { return runConfigShow(a) },
	}
	cmd.AddCommand(newConfigShow(a), newConfigInit(a), newConfigCheck(a))
	return cmd
}

func newConfigShow(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "show",
		Short: "Show the settings in effect and where each came from",
		Long: `show lists every setting with the value in effect and the place that it came from: a
flag, a variable, a line of the settings file, or the default. Secrets are shown as
***. With -o plain it is one key=value a line.
` + exitStatuses,
		Example: `  papertrade config show
  papertrade config show --config staging.toml
  papertrade config show -o plain | grep '^refresh'
  papertrade config show -o json | jq -r '.[] | select(.origin != "default").key'`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error { return runConfigShow(a) },
	}
}

func runConfigShow(a *app) error {
	type setting struct {
		Key    string `json:"key"`
		Value  string `json:"value"`
		Origin string `json:"origin"`
	}
	var list []setting
	view := result{columns: []string{"key", "value", "origin"}}
	for _, v := range a.config.Effective() {
		list = append(list, setting{v.Key, v.Value, v.Origin.String()})
		view.rows = append(view.rows, []string{v.Key, v.Value, v.Origin.String()})
		view.plain = append(view.plain, v.Key+"="+v.Value)
	}
	view.json = list
	return a.print(view)
}

type configInitOptions struct{ force, stdout bool }

func newConfigInit(a *app) *cobra.Command {
	var opts configInitOptions
	cmd := &cobra.Command{
		Use:   "init",
		Short: "Write a settings file to start with",
		Long: `init writes a settings file that only its owner can read: every setting with what it
means, what it may be and its default, commented out, so that the file changes nothing
as it stands. It goes to $XDG_CONFIG_HOME/papertrade/config.toml, or where --config
says; one that is there is kept, unless --force is given.
` + exitStatuses,
		Example: `  papertrade config init
  papertrade config init --config /etc/papertrade/config.toml
  papertrade config init --stdout | less`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error { return runConfigInit(a, opts) },
	}
	opts.AddFlags(cmd)
	return cmd
}

// AddFlags adds the flags of config init.
func (o *configInitOptions) AddFlags(cmd *cobra.Command) {
	cmd.Flags().BoolVarP(&o.force, "force", "f", false, "overwrite the file that is there")
	cmd.Flags().BoolVar(&o.stdout, "stdout", false, "print it instead of writing it to a file")
}

func runConfigInit(a *app, opts configInitOptions) error {
	if opts.stdout {
		_, err := fmt.Fprint(a.stdout, config.Template())
		return err
	}
	path := a.configFile
	if path == "" {
		var err error
		if path, err = config.DefaultFile(a.env); err != nil {
			return err
		}
	}
	err := writeSettings(path, opts.force)
	switch {
	case errors.Is(err, fs.ErrExist):
		return wrongUsage("%s is there already: keep it, overwrite it with --force, or name another by --config FILE", path)
	case err != nil:
		return fmt.Errorf("write the settings file: %w; name another place by --config FILE", err)
	case !a.asksForResult():
		return nil
	}
	view := result{
		json:    map[string]string{"file": path},
		columns: []string{"file"},
		plain:   []string{path},
		summary: path + " is written: remove the # in front of what you change, then run 'papertrade config check'.",
	}
	if a.output == outputCSV {
		view.rows = [][]string{{path}}
	}
	return a.print(view)
}

// writeSettings writes the file to start with. The error is fs.ErrExist where there is one, unless
// that is to be overwritten.
func writeSettings(path string, overwrite bool) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	how := os.O_EXCL
	if overwrite {
		how = os.O_TRUNC
	}
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|how, 0o600)
	if err != nil {
		return err
	}
	// One that was there can be readable by others, and the next thing written into it is a key.
	err = file.Chmod(0o600)
	if err == nil {
		_, err = file.WriteString(config.Template())
	}
	return errors.Join(err, file.Close())
}

func newConfigCheck(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "check",
		Short: "Check that settings, database and key stand ready for a run",
		Long: `check tells, a line each, whether the settings are right, whether the database can be
opened, whether there is an API key, in a file that only its owner can read, and, where
metrics.textfile is set, whether it can be written. It goes on where one is wrong. The
key itself is not tried: nothing is asked of Alpha Vantage.

Nothing is changed either. A SQLite file that is missing is not made, and one of an
older papertrade is not upgraded; whether both could be done is checked. Tables that
are missing in Postgres are made by 'papertrade migrate'.
` + checkExitStatuses,
		Example: `  papertrade config check
  papertrade config check --database-url postgres://user@localhost/papertrade
  papertrade config check -q && papertrade refresh -q`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return runConfigCheck(cmd.Context(), a) },
	}
}

const checkExitStatuses = `
Exit status:
  0    everything stands ready
  1    the database does not
  2    wrong usage or settings
  130  interrupted by SIGINT
  143  interrupted by SIGTERM`

// check is one thing that must be right for a run.
type check struct {
	name string
	good string // what is right
	err  error  // what is wrong, and what to do
}

func runConfigCheck(ctx context.Context, a *app) error {
	settings := check{name: "settings", good: cmp.Or(a.config.File, "there is no file; see 'papertrade config init'")}
	database := check{name: "database", good: a.config.Database.String()}
	var found bool
	if found, database.err = a.checkDatabase(ctx); !found {
		database.good += " is not there yet: it is made when it is needed"
	}
	vendor := a.config.Provider()
	key := check{name: "key", good: a.config.KeySetting(vendor)}
	_, key.err = a.config.Key(vendor)
	checks := []check{settings, database, key}
	if file := a.config.Metrics.Textfile; file != "" {
		checks = append(checks, check{"metrics", file, a.config.CheckTextfile()})
	}

	var notReady notReadyError
	for _, c := range checks {
		if c.err != nil {
			notReady = append(notReady, c)
		}
	}
	if len(notReady) == 0 {
		if !a.asksForResult() {
			return nil
		}
		return a.printChecks(checks)
	}
	return errors.Join(a.printChecks(checks), notReady)
}

// checkDatabase says whether the database can be used and whether it is there yet, and changes nothing.
func (a *app) checkDatabase(ctx context.Context) (found bool, err error) {
	if a.config.Database.Driver == config.SQLite {
		found, err = sqlite.Check(ctx, a.config.Database.Path)
		return found, a.ofDatabase(err)
	}
	db, err := a.openStore(ctx)
	if err != nil {
		return true, err
	}
	return true, db.Close()
}

// notReadyError is the checks that failed.
type notReadyError []check

func (e notReadyError) Error() string {
	names := make([]string, len(e))
	for i, c := range e {
		names[i] = c.name
	}
	return "not ready for a run: mend " + strings.Join(names, ", ")
}

func (e notReadyError) Unwrap() []error {
	causes := make([]error, len(e))
	for i, c := range e {
		causes[i] = c.err
	}
	return causes
}

func (a *app) printChecks(checks []check) error {
	type line struct {
		Check  string `json:"check"`
		OK     bool   `json:"ok"`
		Detail string `json:"detail"`
	}
	var list []line
	view := result{columns: []string{"check", "status", "detail"}}
	for _, c := range checks {
		status, detail := "ok", c.good
		if c.err != nil {
			// Drivers write errors of several lines.
			status, detail = "wrong", a.config.Redact(strings.Join(strings.Fields(c.err.Error()), " "))
		}
		list = append(list, line{c.name, c.err == nil, detail})
		view.rows = append(view.rows, []string{c.name, status, detail})
		view.plain = append(view.plain, c.name+"\t"+status+"\t"+detail)
	}
	view.json = list
	return a.print(view)
}
