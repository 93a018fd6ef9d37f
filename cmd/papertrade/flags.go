package main

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/shopspring/decimal"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"papertrade/internal/config"
	"papertrade/internal/refresh"
	"papertrade/pkg/exchange"
	"papertrade/pkg/marketdata"
)

// globalOptions are the flags of every command, other than those of settings.
type globalOptions struct {
	configFile string
	format     outputFormat
	quiet      bool
}

// AddFlags adds the flags of every command; those without a field are settings.
func (o *globalOptions) AddFlags(root *cobra.Command) {
	f := root.PersistentFlags()
	f.StringVar(&o.configFile, "config", "", "settings `FILE` (default $XDG_CONFIG_HOME/papertrade/config.toml)")
	f.String("database-url", "", "database `URL`: postgres://… or sqlite:///path")
	f.VarP(&o.format, "output", "o", "`FORMAT` of the result: table, json, csv or plain")
	f.String("log-level", "", "lowest `LEVEL` to log: trace, debug, info, warn or error")
	f.String("log-format", "", "`FORMAT` of logs: auto, json or console")
	f.BoolVarP(&o.quiet, "quiet", "q", false, "no progress, and nothing about a run that went well")
	completeValues(root, "output", outputFormats)
	// Names of files are offered only for a flag or an argument that takes one.
	root.CompletionOptions.SetDefaultShellCompDirective(cobra.ShellCompDirectiveNoFileComp)
	_ = root.RegisterFlagCompletionFunc("config", cobra.FixedCompletions(nil, cobra.ShellCompDirectiveDefault))
}

// outputFormat is the flag --output; "" if it is not given.
type outputFormat string

const (
	formatTable outputFormat = "table"
	formatJSON  outputFormat = "json"
	formatCSV   outputFormat = "csv"
	formatPlain outputFormat = "plain"
)

var outputFormats = []string{string(formatTable), string(formatJSON), string(formatCSV), string(formatPlain)}

func (o *outputFormat) Set(s string) error {
	if !slices.Contains(outputFormats, s) {
		return fmt.Errorf("choose one of %s", strings.Join(outputFormats, ", "))
	}
	*o = outputFormat(s)
	return nil
}

func (o *outputFormat) String() string { return string(*o) }

func (o *outputFormat) Type() string { return "FORMAT" }

// addRunFlags adds the flags of the settings that all runs go by.
func addRunFlags(f *pflag.FlagSet) {
	f.String("provider", "", "`NAME` of the source of prices")
	f.String("batch-size", "", "`N` tickers per commit")
	f.String("batch-delay", "", "shortest `DURATION` of the pause between batches")
	f.String("concurrency", "", "`N` fetches in flight at once within a batch")
	f.String("max-error-rate", "", "failed `SHARE` of the attempted tickers that still counts as success")
}

// lockWait is the flag --wait; zero if it is not given.
type lockWait struct{ time.Duration }

// AddTo adds the flag.
func (w *lockWait) AddTo(f *pflag.FlagSet) {
	f.Var(w, "wait", "how long (`DURATION`) to wait for another run to end, instead of exiting 4 at once")
}

// check refuses the flag for a dry run, which needs no lock.
func (w *lockWait) check(dryRun bool) error {
	if w.Duration > 0 && dryRun {
		return wrongUsage("--dry-run waits for no other run: leave out --wait")
	}
	return nil
}

func (w *lockWait) Set(s string) (err error) {
	w.Duration, err = config.ParseDuration(s)
	return err
}

func (w *lockWait) String() string {
	if w.Duration == 0 {
		return ""
	}
	return w.Duration.String()
}

func (w *lockWait) Type() string { return "DURATION" }

// initFlag is the flag --init.
type initFlag bool

// AddTo adds the flag.
func (i *initFlag) AddTo(f *pflag.FlagSet) {
	f.BoolVar((*bool)(i), "init", false, "make a SQLite database where an earlier run found one that is missing now")
}

// missing returns what is done if a SQLite file is missing.
func (i initFlag) missing() newDatabase {
	if i {
		return newAlways
	}
	return newUnlessExpected
}

// settingsOf returns the settings that flags of a command line set, by key.
func settingsOf(flags *pflag.FlagSet) map[string]string {
	given := map[string]string{}
	for _, s := range config.Settings() {
		flag := flags.Lookup(s.Flag)
		if s.Flag == "" || flag == nil || !flag.Changed {
			continue
		}
		given[s.Key] = flag.Value.String()
		if list, ok := flag.Value.(interface{ GetSlice() []string }); ok {
			given[s.Key] = strings.Join(list.GetSlice(), ",")
		}
	}
	return given
}

// instant is the flag --at: a time, or a date for its midnight in UTC; zero if it is not given.
type instant struct{ time.Time }

const instantUsage = "`TIME` or date that stands for now (2026-07-04T00:00:00Z, 2026-07-04)"

func (i *instant) Set(s string) error {
	for _, layout := range []string{time.RFC3339, time.DateOnly} {
		if t, err := time.Parse(layout, s); err == nil {
			i.Time = t.UTC()
			if i.Year() < minYear || i.Year() > maxYear {
				return fmt.Errorf("choose a time from %d to %d", minYear, maxYear)
			}
			return nil
		}
	}
	return errors.New("write a time like 2026-07-04T00:00:00Z, or a date like 2026-07-04 for its midnight UTC")
}

func (i *instant) String() string {
	if i.IsZero() {
		return ""
	}
	return i.Format(time.RFC3339)
}

func (i *instant) Type() string { return "TIME" }

// clock returns a clock that stands still at i; now, in UTC, if the flag is not given.
func (i instant) clock(now func() time.Time) func() time.Time {
	if i.IsZero() {
		return func() time.Time { return now().UTC() }
	}
	return func() time.Time { return i.Time }
}

// Years that a time or a date can have.
const (
	minYear = 1900
	maxYear = 2200
)

// dateRange is the flags --from and --to; each zero if it is not given.
type dateRange struct{ from, to date }

// check reports what is wrong with the range.
func (r dateRange) check() error {
	if !r.to.IsZero() && r.from.After(r.to.Date) {
		return wrongUsage("--from %s is after --to %s: swap them", r.from, r.to)
	}
	return nil
}

// contains reports whether a day is in the range.
func (r dateRange) contains(d exchange.Date) bool {
	return !d.Before(r.from.Date) && (r.to.IsZero() || !d.After(r.to.Date))
}

// date is a flag that takes a day of the calendar.
type date struct{ exchange.Date }

func (d *date) Set(s string) error {
	parsed, err := exchange.ParseDate(s)
	if err != nil {
		return errors.New("there is no such day, or it is not written like 2026-07-04")
	}
	if parsed.Year < minYear || parsed.Year > maxYear {
		return fmt.Errorf("choose a date from %d to %d", minYear, maxYear)
	}
	d.Date = parsed
	return nil
}

func (d *date) Type() string { return "DATE" }

// retention is a flag that says for how long rows are kept; zero if it is not given.
type retention struct{ time.Duration }

func (r *retention) Set(s string) (err error) {
	r.Duration, err = config.ParseDuration(s)
	// 1m is a minute, and easily taken for a month.
	if err == nil && r.Duration < 24*time.Hour {
		return errors.New("it is less than a day, and what is deleted is gone: write days or weeks, like 30d or 260w")
	}
	return err
}

func (r *retention) String() string {
	if r.Duration == 0 {
		return ""
	}
	return r.Duration.String()
}

func (r *retention) Type() string { return "DURATION" }

// priority is the flag --priority; nil if it is not given.
type priority struct{ *int }

func (p *priority) Set(s string) error {
	n, err := parsePriority(s)
	p.int = &n
	return err
}

func (p *priority) String() string {
	if p.int == nil {
		return ""
	}
	return strconv.Itoa(*p.int)
}

func (p *priority) Type() string { return "N" }

func parsePriority(s string) (int, error) {
	n, err := strconv.Atoi(s)
	if err != nil || n < refresh.FirstPriority || n > refresh.LastPriority {
		return 0, fmt.Errorf("%q is not a priority: choose %d (first) to %d (last)", s, refresh.FirstPriority, refresh.LastPriority)
	}
	return n, nil
}

// price is a flag that takes a price; not valid if it is not given.
type price struct{ decimal.NullDecimal }

// writtenPrice bounds the digits too: an exponent could ask for a billion of them.
var writtenPrice = regexp.MustCompile(`^[0-9]{1,18}(\.[0-9]{1,18})?$`)

func (p *price) Set(s string) error {
	if !writtenPrice.MatchString(s) {
		return errors.New("write a price in digits, like 192.53")
	}
	parsed, err := decimal.NewFromString(s)
	if err == nil && !parsed.IsPositive() {
		return errors.New("choose a price greater than 0")
	}
	p.NullDecimal = decimal.NewNullDecimal(parsed)
	return err
}

func (p *price) String() string { return marketdata.FormatOptional(p.NullDecimal) }

func (p *price) Type() string { return "PRICE" }

// volume is a flag that takes a number of shares; nil if it is not given.
type volume struct{ *int64 }

func (v *volume) Set(s string) error {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n < 0 {
		return errors.New("write a whole number of shares, 0 or more")
	}
	v.int64 = &n
	return nil
}

func (v *volume) String() string { return formatVolume(v.int64) }

func (v *volume) Type() string { return "N" }

// parseTickers reads the tickers of a command line. The error names all arguments that are not tickers.
func parseTickers(args []string) ([]marketdata.Ticker, error) {
	var tickers []marketdata.Ticker
	var problems []error
	for _, arg := range args {
		ticker, err := marketdata.ParseTicker(arg)
		if err != nil {
			problems = append(problems, err)
			continue
		}
		tickers = append(tickers, ticker)
	}
	if err := errors.Join(problems...); err != nil {
		return nil, &usageError{err: err}
	}
	return tickers, nil
}

// completeSettings makes the flags of a command and of all below it complete the settings that have few values.
func completeSettings(cmd *cobra.Command) {
	for _, s := range config.Settings() {
		if s.Flag != "" && len(s.Values) > 0 {
			completeValues(cmd, s.Flag, s.Values)
		}
	}
	for _, c := range cmd.Commands() {
		completeSettings(c)
	}
}

func completeValues(cmd *cobra.Command, flag string, values []string) {
	if cmd.Flags().Lookup(flag) == nil && cmd.PersistentFlags().Lookup(flag) == nil {
		return
	}
	// It fails only if the flag is not there.
	_ = cmd.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp))
}
