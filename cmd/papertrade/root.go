package main

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/rs/zerolog"
	"github.com/spf13/cobra"

	"papertrade/internal/config"
	"papertrade/internal/ping"
	"papertrade/pkg/exchange"
)

// environ is everything outside of the program that it touches, other than files and networks.
type environ struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	env            []string // as os.Environ has it
	now            func() time.Time
}

// app is what all commands share.
type app struct {
	environ
	configFile string
	output     output
	quiet      bool

	prepared bool // the command line is right
	config   *config.Config
	log      zerolog.Logger
	logs     *switchedWriter // where the log's lines go
	tail     *ping.Tail      // of the log, where a monitor is sent it
}

const exitStatuses = `
Exit status:
  0    done, or nothing to do
  1    failed
  2    wrong usage or settings; nothing was touched
  130  interrupted by SIGINT
  143  interrupted by SIGTERM`

func newRoot(a *app) *cobra.Command {
	root := &cobra.Command{
		Use:   "papertrade",
		Short: "Keep the price tables of a paper-trading application warm",
		Long: `papertrade keeps the price tables of a paper-trading application warm. Run by
cron at midnight UTC, 'papertrade refresh' finds the active tickers (the
watchlist, and what was traded lately), fetches the quotes that are due within
the vendor's limits, and commits them batch by batch.

Settings come from flags, then the environment (PAPERTRADE_SECTION_KEY), then
$XDG_CONFIG_HOME/papertrade/config.toml, then defaults. Results go to stdout,
logs to stderr.
` + refreshExitStatuses,
		Example: `  papertrade refresh --dry-run        # what would be fetched now
  papertrade refresh                  # what cron runs
  papertrade watchlist add BRK.B
  papertrade config init              # a settings file to start with`,
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          cobra.NoArgs,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetIn(a.stdin)
	root.SetOut(a.stdout)
	root.SetErr(a.stderr)
	flags := root.PersistentFlags()
	flags.StringVar(&a.configFile, "config", "", "settings `FILE` (default $XDG_CONFIG_HOME/papertrade/config.toml)")
	flags.String("database-url", "", "database `URL`: postgres://… or sqlite:///path")
	flags.VarP(&a.output, "output", "o", "`FORMAT` of the result: table, json, csv or plain")
	flags.String("log-level", "", "`LEVEL` from which on to log: trace, debug, info, warn or error")
	flags.String("log-format", "", "`FORMAT` of logs: auto, json or console")
	flags.BoolVarP(&a.quiet, "quiet", "q", false, "no progress, and nothing of a run that went well")
	completeValues(root, "output", outputs)
	completeSettings(root)
	// Names of files are for where a file is due alone.
	root.CompletionOptions.SetDefaultShellCompDirective(cobra.ShellCompDirectiveNoFileComp)
	_ = root.RegisterFlagCompletionFunc("config", cobra.FixedCompletions(nil, cobra.ShellCompDirectiveDefault))
	root.PersistentPreRunE = func(cmd *cobra.Command, _ []string) error {
		if cmd.Flags().Changed("config") && a.configFile == "" {
			return errors.New("--config needs the name of a file")
		}
		a.prepared = true
		return a.prepare(cmd)
	}
	root.AddCommand(
		newRefresh(a),
		newBackfill(a),
		newActiveTickers(a),
		newWatchlist(a),
		newPrices(a),
		newPrune(a),
		newStatus(a),
		newMigrate(a),
		newConfig(a),
		newMan(),
		newVersion(a),
	)
	describeHelp(root)
	describeCompletion(root)
	return root
}

// prepare reads the settings, so that a command starts with all of them valid or not at all.
func (a *app) prepare(cmd *cobra.Command) error {
	if !needsSettings(cmd) {
		return nil
	}
	given := map[string]string{}
	for _, s := range config.Settings() {
		flag := cmd.Flags().Lookup(s.Flag)
		if s.Flag == "" || flag == nil || !flag.Changed {
			continue
		}
		given[s.Key] = flag.Value.String()
		if list, ok := flag.Value.(interface{ GetSlice() []string }); ok {
			given[s.Key] = strings.Join(list.GetSlice(), ",")
		}
	}
	var err error
	if a.config, err = config.Load(config.Inputs{Environ: a.env, File: a.configFile, Flags: given}); err != nil {
		return err
	}
	a.log = a.newLogger()
	return nil
}

// needsSettings says whether wrong settings are a reason not to run a command.
func needsSettings(cmd *cobra.Command) bool {
	for c := cmd; c.HasParent(); c = c.Parent() {
		if slices.Contains([]string{"version", "help", "completion", "init", "man", cobra.ShellCompRequestCmd, cobra.ShellCompNoDescRequestCmd}, c.Name()) {
			return false
		}
	}
	return cmd.HasParent()
}

// tell reports the error that ends the program: to programs as a log line, to people as text.
func (a *app) tell(err error) {
	var usage *usageError
	switch {
	case err == nil, errors.Is(err, errUnwell):
	case a.config == nil, errors.As(err, &usage):
		fmt.Fprintln(a.stderr, "papertrade:", err)
	case a.logsJSON():
		a.log.Error().Err(err).Msg("papertrade failed")
	default:
		fmt.Fprintln(a.stderr, "papertrade:", a.config.Redact(err.Error()))
	}
}

// instant is the flag --at: a time, or a date for its midnight in UTC.
type instant struct{ time.Time }

func (i *instant) Set(s string) error {
	for _, layout := range []string{time.RFC3339, time.DateOnly} {
		if t, err := time.Parse(layout, s); err == nil {
			i.Time = t.UTC()
			if i.Year() < 1900 || i.Year() > 2200 {
				return errors.New("choose a time from 1900 to 2200")
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

const atUsage = "`TIME` or date that stands for now (2026-07-04T00:00:00Z, 2026-07-04)"

// date is a flag that takes a day of the calendar; the zero Date where it is not given.
type date struct{ exchange.Date }

func (d *date) Set(s string) error {
	parsed, err := exchange.ParseDate(s)
	if err != nil {
		return errors.New("there is no such day, or it is not written like 2026-07-04")
	}
	if parsed.Year < 1900 || parsed.Year > 2200 {
		return errors.New("choose a date from 1900 to 2200")
	}
	d.Date = parsed
	return nil
}

func (d *date) Type() string { return "DATE" }

// checkRange says what is wrong with --from and --to.
func checkRange(from, to date) error {
	if !to.IsZero() && from.After(to.Date) {
		return wrongUsage("--from %s is after --to %s: swap them", from, to)
	}
	return nil
}

// clock is the program's clock, or one that stands still at i.
func (a *app) clock(i instant) func() time.Time {
	if i.IsZero() {
		return func() time.Time { return a.now().UTC() }
	}
	return func() time.Time { return i.Time }
}
