package postgres

import (
	"context"
	"crypto/tls"
	"errors"
	"slices"

	"github.com/jackc/pgx/v5/pgconn"

	"papertrade/internal/refresh"
)

// IsTransient reports whether what failed with an error of a Store or of Open can succeed if it is tried again: the server
// restarts, fails over, or has ended the transaction or the connection.
func IsTransient(err error) bool {
	var answer *pgconn.PgError
	if errors.As(err, &answer) {
		return isTransientCode(answer.Code)
	}
	switch {
	case !errors.Is(err, refresh.ErrUnreachable), errors.Is(err, context.Canceled):
		return false
	case errors.As(err, new(*pgconn.ConnectError)):
		return !errors.As(err, new(*tls.CertificateVerificationError))
	default:
		return true
	}
}

// IsLockTimeout reports whether a statement had waited for too long for what another transaction has locked.
func IsLockTimeout(err error) bool {
	var answer *pgconn.PgError
	return errors.As(err, &answer) && answer.Code == lockNotAvailable
}

const lockNotAvailable = "55P03"

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
	"57014", // query_canceled, by our statement_timeout or by the administrator
	"57P01", // admin_shutdown
	"57P02", // crash_shutdown
	"57P03", // cannot_connect_now
	"57P05", // idle_session_timeout
}

func isTransientCode(code string) bool {
	const connectionException = "08"
	return len(code) == codeLength && code[:2] == connectionException || slices.Contains(transientCodes, code)
}
