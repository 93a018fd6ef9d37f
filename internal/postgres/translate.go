package postgres

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5/pgconn"
)

// Codes of Postgres: a class is the first two characters of a code.
const (
	dataException      = "22"
	integrityViolation = "23"
	checkOption        = "44"
	raisedException    = "P0" // by a trigger of the application
	undefinedTable     = "42P01"
)

// translate puts an error of the driver into the words of the people who run papertrade. None of
// them shows the password.
func translate(err error) error {
	var connect *pgconn.ConnectError
	var answer *pgconn.PgError
	switch {
	case errors.As(err, &connect):
		return fmt.Errorf("the database cannot be reached: %w; see that its server runs and that its URL is right", err)
	case err == nil, errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return err
	case refused(err):
		return fmt.Errorf("the database refused the row: %w", err)
	case errors.As(err, &answer) && answer.Code == undefinedTable:
		return fmt.Errorf("a table is missing, deleted since `papertrade migrate` made it: %w", err)
	default:
		return fmt.Errorf("the database failed: %w", err)
	}
}

// refused says whether the database refused a row for its values.
func refused(err error) bool {
	var answer *pgconn.PgError
	if !errors.As(err, &answer) || len(answer.Code) < 2 {
		return false
	}
	class := answer.Code[:2]
	return slices.Contains([]string{dataException, integrityViolation, checkOption, raisedException}, class)
}
