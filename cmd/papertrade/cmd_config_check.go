package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"papertrade/internal/config"
	"papertrade/internal/quota"
	"papertrade/internal/refresh"
	"papertrade/pkg/marketdata"
)

func newConfigCheck(p *program) *cobra.Command {
	var opts configCheckOptions
	cmd := &cobra.Command{
		Use:   "check",
		Short: "Check that settings, database and key are ready for a run",
		Long: `check reports, one line each, whether the settings are right, whether the database can
be opened, whether there is an API key, in a file that only its owner can read, and, if
metrics.textfile is set, whether it can be written. It goes on after one that is wrong.
A key file, or a settings file with a secret in it, that others can read is accepted on
a read-only mount alone, as containers have their secrets, and noted on stderr.
The key itself is not tried, unless with --online: nothing is asked of the vendor.

In a database that is there it does what a run does (it reads each table, takes a lock,
records a run, inserts and updates a price, counts a call) in a transaction that it
undoes, and names what would keep a run from its work, each with the statement that
allows it: a standby, a role that only reads, each grant that is missing.

Nothing is changed either. A SQLite file that is missing is not made, and one of an
older papertrade is not upgraded; whether both could be done is checked. Tables that
are missing in Postgres are made by 'papertrade migrate'.

--online spends one call of the key, for the price of IBM, once key and database are
right. It waits for the rate limits like a run, and is written down in the database, for
which a SQLite file of an older papertrade is upgraded; a file that is missing is not
made, and the call is counted nowhere then. The answer shows whether the key works, and
a refusal also which limits it has: see 'papertrade status'.
` + checkExitStatuses,
		Example: `  papertrade config check
  papertrade config check --online      # a call of the key too
  papertrade config check --database-url postgres://user@localhost/papertrade
  papertrade config check -q && papertrade refresh -q`,
		Args: cobra.NoArgs,
		RunE: p.withSettings(func(ctx context.Context, inv *invocation, _ []string) error { return runConfigCheck(ctx, inv, opts) }),
	}
	opts.AddFlags(cmd)
	return cmd
}

type configCheckOptions struct{ online bool }

// AddFlags adds the flags of config check.
func (o *configCheckOptions) AddFlags(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&o.online, "online", false, "spend one call of the key to see that it works")
}

func runConfigCheck(ctx context.Context, inv *invocation, opts configCheckOptions) error {
	checks := checkAll(ctx, inv.config, opts.online)
	inv.logNotes()
	var notReady notReadyError
	for _, c := range checks {
		if c.err != nil {
			notReady = append(notReady, c)
		}
	}
	if len(notReady) > 0 {
		return errors.Join(inv.print(checksView(inv.config, checks)), notReady)
	}
	if !inv.wantsResult() {
		return nil
	}
	return inv.print(checksView(inv.config, checks))
}

func checkAll(ctx context.Context, c *config.Config, online bool) []checkResult {
	settings := checkResult{name: "settings", good: cmp.Or(c.File, "there is no file; see 'papertrade config init'")}
	database := checkResult{name: "database", good: c.Database.String()}
	found, obstacles, err := checkDatabase(ctx, c)
	if database.err = err; !found {
		database.good += " is not there yet: it is made when it is needed"
	}
	vendor := c.Provider()
	key := checkResult{name: "key", good: c.KeySetting(vendor)}
	secret, err := c.Key(vendor)
	key.err = err
	checks := []checkResult{settings, database}
	if found && database.err == nil {
		checks = append(checks, trials(obstacles)...)
	}
	checks = append(checks, key)
	if online && database.err == nil && key.err == nil {
		checks = append(checks, checkVendor(ctx, c, secret.Reveal(), found))
	}
	if file := c.Metrics.Textfile; file != "" {
		checks = append(checks, checkResult{"metrics", file, c.CheckTextfile()})
	}
	return checks
}

// trials are what the trial of a run has shown: one line that all is well, or one for each obstacle.
func trials(obstacles []error) []checkResult {
	if len(obstacles) == 0 {
		return []checkResult{{name: "trial", good: "what a run reads and writes was tried in the database and undone"}}
	}
	var all []checkResult
	for _, err := range obstacles {
		all = append(all, checkResult{name: "trial", err: err})
	}
	return all
}

// checkVendor makes one call. The database counts it, if there is one.
func checkVendor(ctx context.Context, c *config.Config, key string, hasDatabase bool) checkResult {
	open, note := openStore, ""
	if !hasDatabase {
		open, note = openSnapshot, "; the call is counted nowhere, as there is no database yet"
	}
	answer, err := askVendor(ctx, c, key, open)
	return checkResult{name: "vendor", good: answer + note, err: err}
}

// askVendor makes one call, and returns what its answer shows.
func askVendor(
	ctx context.Context, c *config.Config, key string, open func(context.Context, *config.Config, newDatabase) (store, error),
) (answer string, err error) {
	db, err := open(ctx, c, newUnlessExpected)
	if err != nil {
		return "", err
	}
	defer db.Close()
	job, err := newJob(c, db, key, quota.MachineClock, nil)
	if err != nil {
		return "", err
	}
	bar, err := refresh.CheckKey(ctx, job.Vendors[0])
	switch {
	case errors.Is(err, marketdata.ErrQuotaSpent), errors.As(err, new(*quota.DeferredError)):
		return "", fmt.Errorf("%w: %w", errKeySpent, err)
	case errors.Is(err, marketdata.ErrThrottled):
		return "", fmt.Errorf("the key was asked too fast, which says nothing against it; check again in a minute: %w", err)
	case errors.Is(err, marketdata.ErrUnavailable):
		return "", fmt.Errorf("%w; see that the network and %s.base_url are right, or try again later", err, c.Provider().Name)
	case err != nil:
		return "", withSetting(c, err)
	}
	account, err := job.Vendors[0].Limiter.Account(ctx)
	if err != nil {
		return "", err
	}
	vendor := c.Provider()
	answer = fmt.Sprintf("%s answers the key: %s was at %s %s on %s",
		vendor.Title, bar.Ticker, marketdata.FormatPrice(bar.Close), bar.Currency, bar.Session)
	if advice := limitAdvice(c, quota.Narrow(vendor.RateLimits, account.Learned, time.Now())); advice != "" {
		return answer + "; " + advice, nil
	}
	return answer + "; its limits: " + strings.Join(texts(vendor.RateLimits), ","), nil
}

// notReadyError is the checks that failed.
type notReadyError []checkResult

func (e notReadyError) Error() string {
	var names []string
	for _, c := range e {
		if !slices.Contains(names, c.name) {
			names = append(names, c.name)
		}
	}
	return "not ready for a run: fix " + strings.Join(names, ", ")
}

func (e notReadyError) Unwrap() []error {
	causes := make([]error, len(e))
	for i, c := range e {
		causes[i] = c.err
	}
	return causes
}
