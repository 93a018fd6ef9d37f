package postgres

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"papertrade/internal/refresh"
)

// translate returns an error of the driver as one that wraps a refresh.StoreError. Any other error stays as it is: a
// context's, a StoreError, and what is a bug of ours. None shows the password.
func translate(err error) error {
	var connect *pgconn.ConnectError
	switch {
	case err == nil, errors.As(err, new(refresh.StoreError)), errors.Is(err, context.Canceled):
		return err
	case errors.As(err, &connect): // whose time limit is a context's too
		return translateConnect(connect)
	case ofPooler(err) != "":
		return fmt.Errorf("%w: %w", ofPooler(err), err)
	case errors.Is(err, context.DeadlineExceeded):
		return err
	case errors.As(err, new(pgx.ScanArgError)):
		return fmt.Errorf("%w: %w", refresh.ErrBadValue, err)
	}
	var answer *pgconn.PgError
	if errors.As(err, &answer) {
		return translateAnswer(answer, err)
	}
	if isDisconnected(err) {
		return fmt.Errorf("%w: %w", refresh.ErrUnreachable, err)
	}
	return err
}

// isDisconnected reports whether an error that is not Postgres's answer means that the connection has ended.
func isDisconnected(err error) bool {
	return errors.As(err, new(net.Error)) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		pgconn.SafeToRetry(err)
}

// translateAnswer returns err, which wraps an answer of Postgres, as an error that wraps a StoreError.
func translateAnswer(answer *pgconn.PgError, err error) error {
	const notUnderstood = "42" // a class
	known, found := ofCode[answer.Code]
	if !found && len(answer.Code) == codeLength {
		known, found = ofClass[answer.Code[:2]]
	}
	switch {
	case isOfRow(answer):
		return fmt.Errorf("%w: %w", refresh.ErrRowRefused, err)
	case answer.Code == queryCanceled && strings.Contains(answer.Message, "statement timeout"):
		return fmt.Errorf("%w (see that the server is not overloaded, and that the indexes of the tables are there): %w", ErrTooSlow, err)
	case found:
		return fmt.Errorf("%w: %w", known, err)
	case len(answer.Code) == codeLength && answer.Code[:2] == notUnderstood:
		return err // a statement that Postgres does not understand
	default:
		return fmt.Errorf("%w: %w", refresh.ErrDatabase, err)
	}
}

// isOfRow reports whether an answer is about the row alone, whatever its code: a row-level policy refuses it, or a trigger's
// function has failed, with any code that it likes. What the whole database suffers from can come up in a function too.
func isOfRow(answer *pgconn.PgError) bool {
	const policyCheck = "ExecWithCheckOptions" // the server's routine, since a missing grant has the same code
	if answer.Routine == policyCheck {
		return true
	}
	return answer.Where != "" && len(answer.Code) == codeLength && !slices.Contains(ofDatabase, answer.Code[:2])
}

// isOfFunction reports whether an error has a code that is about the database, and comes out of a function, as of a trigger. The
// database may suffer from it there (a deadlock, a timeout), or the function has raised it for a row that it does not like: if it
// comes again where that row is alone, it is about the row. Names of languages are not translated, unlike the rest of a context.
func isOfFunction(err error) bool {
	var answer *pgconn.PgError
	return errors.As(err, &answer) && !errors.Is(err, refresh.ErrRowRefused) &&
		answer.SeverityUnlocalized == "ERROR" && strings.Contains(answer.Where, "PL/")
}

// mayBeOfRow reports whether an error may be about one row of several.
func mayBeOfRow(err error) bool { return errors.Is(err, refresh.ErrRowRefused) || isOfFunction(err) }

// refusedByFunction returns an error that isOfFunction as that of the row.
func refusedByFunction(err error) error {
	var answer *pgconn.PgError
	errors.As(err, &answer)
	return fmt.Errorf("%w: %w", refresh.ErrRowRefused, answer)
}

// ofDatabase are classes of codes that are about the database or the transaction, and not about a row.
var ofDatabase = []string{
	"08", // connection exception
	"25", // invalid transaction state
	"40", // transaction rollback
	"53", // insufficient resources
	"55", // object not in prerequisite state
	"57", // operator intervention
	"58", // system error
	"F0", // configuration file error
	"HV", // foreign data wrapper error
	"XX", // internal error, such as a damaged table
}

const codeLength = 5

// ofCode returns what a code of Postgres means, unless its class does.
var ofCode = map[string]refresh.StoreError{
	"25006": refresh.ErrReadOnly,     // read_only_sql_transaction
	"40001": refresh.ErrBusy,         // serialization_failure
	"40P01": refresh.ErrBusy,         // deadlock_detected
	"42501": refresh.ErrNoPermission, // insufficient_privilege
	"42P01": refresh.ErrTableMissing, // undefined_table
	"53100": refresh.ErrNoSpace,      // disk_full
	"55006": refresh.ErrBusy,         // object_in_use
	"55P03": refresh.ErrBusy,         // lock_not_available
	"57P01": refresh.ErrUnreachable,  // admin_shutdown
	"57P02": refresh.ErrUnreachable,  // crash_shutdown
	"57P03": refresh.ErrUnreachable,  // cannot_connect_now
}

// ofClass returns what a class of codes means, which is the first two characters of a code.
var ofClass = map[string]refresh.StoreError{
	"08": refresh.ErrUnreachable, // connection exception
	"22": refresh.ErrRowRefused,  // data exception
	"23": refresh.ErrRowRefused,  // integrity constraint violation
	"44": refresh.ErrRowRefused,  // with check option violation
	"P0": refresh.ErrRowRefused,  // raised by a trigger of the application
}
