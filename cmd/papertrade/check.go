package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"papertrade/internal/refresh"
	"papertrade/pkg/safetext"
)

// patience is how long status --check waits for the database.
type patience struct {
	open  time.Duration // until it is open
	total time.Duration // until all is read
}

var checkPatience = patience{open: 5 * time.Second, total: 30 * time.Second}

// databaseProblem is the kind of the problem that the database cannot be read.
const databaseProblem = "database"

// runCheck prints the problems, of which one is that they cannot be read. The error is errUnhealthy if there are any.
func runCheck(ctx context.Context, inv *invocation, opts statusOptions, wait patience) error {
	problems, err := findProblems(ctx, inv, opts, wait)
	if ctx.Err() != nil {
		return err // interrupted
	}
	if err != nil {
		// Drivers write errors of several lines.
		message := safetext.Line(inv.safe(err))
		problems = []refresh.Problem{{Kind: databaseProblem, Message: message}}
	}
	if err := inv.print(problemsView(problems)); err != nil {
		return err
	}
	if len(problems) > 0 {
		return errUnhealthy
	}
	return nil
}

// findProblems reads the problems in time, even if the database hangs so that no deadline ends the call that waits for it:
// the process is about to end.
func findProblems(ctx context.Context, inv *invocation, opts statusOptions, wait patience) ([]refresh.Problem, error) {
	ctx, cancel := context.WithTimeout(ctx, wait.total)
	defer cancel()
	type answer struct {
		problems []refresh.Problem
		err      error
	}
	answers := make(chan answer, 1)
	go func() {
		problems, err := readProblems(ctx, inv, opts, wait)
		answers <- answer{problems, err}
	}()
	select {
	case a := <-answers:
		return a.problems, a.err
	case <-ctx.Done():
		return nil, unanswered(inv, ctx.Err(), wait.total)
	}
}

func readProblems(ctx context.Context, inv *invocation, opts statusOptions, wait patience) ([]refresh.Problem, error) {
	openCtx, cancel := context.WithTimeout(ctx, wait.open)
	defer cancel()
	db, err := openForReading(openCtx, inv.config)
	if err != nil {
		return nil, unanswered(inv, err, wait.open)
	}
	defer db.Close()
	in, _, err := readHealth(ctx, inv, db, opts)
	if err != nil {
		return nil, unanswered(inv, wrapDatabase(inv.config, err), wait.total)
	}
	return withAdvice(refresh.NewHealth(in)).Problems, nil
}

// unanswered returns an error of the database in better words if it is that of a deadline.
func unanswered(inv *invocation, err error, waited time.Duration) error {
	if !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return wrapDatabase(inv.config, fmt.Errorf(
		"the database has not answered for %v: see whether it hangs or another program keeps it locked", waited))
}
