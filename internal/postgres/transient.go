package postgres

import (
	"context"
	"errors"
	"slices"

	"github.com/jackc/pgx/v5/pgconn"

	"papertrade/internal/refresh"
)

// IsTransient reports whether what failed with an error of a Store or of Open can succeed if it is tried again: the server
// restarts, fails over, or has ended the transaction or the connection.
func IsTransient(err error) bool {
	var connect *pgconn.ConnectError
	var answer *pgconn.PgError
	switch {
	case errors.Is(err, context.Canceled):
		return false
	case errors.As(err, &connect):
		return mayConnect(attempts(connect.Unwrap()))
	case errors.As(err, &answer):
		return isTransientAnswer(answer)
	default:
		return errors.Is(err, refresh.ErrUnreachable)
	}
}

// mayConnect reports whether a connection for which all attempts failed may come about later: no server has refused it for good,
// and of one at least more is known than that it has no TLS, without which it can be tried too.
func mayConnect(failed []error) bool {
	may := false
	for _, err := range failed {
		var answer *pgconn.PgError
		switch {
		case errors.As(err, &answer) && !isTransientAnswer(answer):
			return false
		case !isOfTLS(err):
			may = true
		}
	}
	return may
}

// IsTimeout reports whether a statement had waited for too long for what another transaction has locked, or was canceled because
// it took too long itself.
func IsTimeout(err error) bool {
	var answer *pgconn.PgError
	return isLockTimeout(err) || errors.As(err, &answer) && answer.Code == queryCanceled
}

func isLockTimeout(err error) bool {
	var answer *pgconn.PgError
	return errors.As(err, &answer) && answer.Code == lockNotAvailable
}

const (
	lockNotAvailable = "55P03"
	queryCanceled    = "57014" // by our statement_timeout or by the administrator
)

// ErrTooSlow is the error of a statement that took longer than defaultLimits leave it.
const ErrTooSlow refresh.StoreError = "a statement took longer than 30s"

// transientCodes are those of what passes, besides the class of connections.
var transientCodes = []string{
	"25P03", // idle_in_transaction_session_timeout
	"40001", // serialization_failure
	"40003", // statement_completion_unknown
	"40P01", // deadlock_detected
	"53200", // out_of_memory
	"53300", // too_many_connections
	"55006", // object_in_use
	lockNotAvailable,
	queryCanceled,
	"57P01", // admin_shutdown
	"57P02", // crash_shutdown
	"57P03", // cannot_connect_now
	"57P05", // idle_session_timeout
}

func isTransientAnswer(answer *pgconn.PgError) bool {
	const connectionException = "08"
	isOfConnection := len(answer.Code) == codeLength && answer.Code[:2] == connectionException
	return isOfConnection && ofPooler(answer) == "" || slices.Contains(transientCodes, answer.Code)
}
