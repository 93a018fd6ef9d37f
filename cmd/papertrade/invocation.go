package main

import (
	"errors"
	"fmt"

	"github.com/spf13/pflag"

	"papertrade/internal/config"
	"papertrade/internal/refresh"
	"papertrade/pkg/safetext"
)

// invocation is what a command runs with: what it may touch, its settings, and where it prints and logs.
type invocation struct {
	environ
	printer
	config *config.Config
	log    logger
}

// newInvocation reads the settings, of which flags are those of the command line.
func newInvocation(env environ, o globalOptions, flags *pflag.FlagSet) (*invocation, error) {
	c, err := config.Load(config.Inputs{Environ: env.env, File: o.configFile, Flags: settingsOf(flags)})
	if err != nil {
		return nil, err
	}
	out := newPrinter(env.stdout, o)
	out.keysOf = c
	return &invocation{environ: env, printer: out, config: c, log: newLogger(env, c, o.quiet)}, nil
}

// ofRun returns the invocation of a run: what it logs has the ID of the run.
func (inv *invocation) ofRun(id string) *invocation {
	run := *inv
	run.log.Logger = inv.log.With().Str("run_id", id).Logger()
	return &run
}

// logWarnings logs what is probably a mistake in the settings.
func (inv *invocation) logWarnings() {
	for _, w := range inv.config.Warnings {
		inv.log.Warn().Str(w.Field, w.Value).Msg(w.Message)
	}
}

// logIgnored logs which parameters of the database's URL have no effect.
func (inv *invocation) logIgnored() {
	if ignored := inv.config.Database.Ignored; len(ignored) > 0 {
		inv.log.Debug().Strs("parameters", ignored).Msg("parameters of the database URL ignored")
	}
}

// logNotes logs what else the user should know of the settings.
func (inv *invocation) logNotes() {
	for _, n := range inv.config.Notes() {
		inv.log.Info().Str(n.Field, n.Value).Msg(n.Message)
	}
}

// disables reports whether the settings disable runs of a kind: they are about refresh alone.
func (inv *invocation) disables(kind refresh.Kind) bool {
	return kind.JobName() == refresh.JobName && !inv.config.Refresh.Enabled
}

// runError is the error of a run.
type runError struct {
	id  string
	err error
}

func (e *runError) Error() string { return e.err.Error() }

func (e *runError) Unwrap() error { return e.err }

// safe returns the text of an error for people: it steers no terminal and holds no secret of the settings.
func (inv *invocation) safe(err error) string { return inv.config.Redact(safetext.Lines(err.Error())) }

// emitError reports the error that ends a command.
func (inv *invocation) emitError(err error) {
	if !inv.log.json {
		fmt.Fprintln(inv.stderr, "papertrade:", inv.safe(err))
		return
	}
	if run := (*runError)(nil); errors.As(err, &run) {
		inv = inv.ofRun(run.id)
	}
	inv.log.Error().Err(err).Msg("papertrade failed")
}
