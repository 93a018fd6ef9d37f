package main

import (
	"errors"
	"fmt"

	"github.com/spf13/pflag"

	"papertrade/internal/config"
	"papertrade/internal/refresh"
)

// session is what a command runs with: what it may touch, its settings, and where it prints and logs.
type session struct {
	environ
	printer
	config *config.Config
	log    logger
}

// newSession reads the settings, of which flags are those of the command line.
func newSession(env environ, o globalOptions, flags *pflag.FlagSet) (*session, error) {
	c, err := config.Load(config.Inputs{Environ: env.env, File: o.configFile, Flags: settingsOf(flags)})
	if err != nil {
		return nil, err
	}
	return &session{environ: env, printer: newPrinter(env.stdout, o), config: c, log: newLogger(env, c, o.quiet)}, nil
}

// ofRun returns the session of a run: what it logs has the ID of the run.
func (s *session) ofRun(id string) *session {
	run := *s
	run.log.Logger = s.log.With().Str("run_id", id).Logger()
	return &run
}

// disables reports whether the settings disable runs of a kind: they are about refresh alone.
func (s *session) disables(kind refresh.Kind) bool {
	return kind.JobName() == refresh.JobName && !s.config.Refresh.Enabled
}

// runError is the error of a run.
type runError struct {
	id  string
	err error
}

func (e *runError) Error() string { return e.err.Error() }

func (e *runError) Unwrap() error { return e.err }

// emitError reports the error that ends a command.
func (s *session) emitError(err error) {
	if !s.log.json {
		fmt.Fprintln(s.stderr, "papertrade:", s.config.Redact(err.Error()))
		return
	}
	if run := (*runError)(nil); errors.As(err, &run) {
		s = s.ofRun(run.id)
	}
	s.log.Error().Err(err).Msg("papertrade failed")
}
