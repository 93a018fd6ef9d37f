package postgres

import (
	"context"
	"errors"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"papertrade/internal/refresh"
)

const (
	// ErrStatementMode is the error of a pooler that ends a transaction after its first statement.
	ErrStatementMode refresh.StoreError = "the pooler in front of the database is in statement mode, which has no transactions"
	// ErrParameter is the error of a pooler that does not know a parameter of the database's URL.
	ErrParameter refresh.StoreError = "the pooler in front of the database refuses a parameter of its URL"
)

// ofPooler returns what is wrong between a pooler and its clients, which it says by words alone: pgbouncer's code for it is that
// of any violation of the protocol.
func ofPooler(err error) refresh.StoreError {
	var answer *pgconn.PgError
	switch {
	case !errors.As(err, &answer):
		return ""
	case strings.Contains(answer.Message, "statement pooling mode"):
		return ErrStatementMode
	case strings.Contains(answer.Message, "unsupported startup parameter"):
		return ErrParameter
	default:
		return ""
	}
}

// ServerError is the error of migrating on a server that cannot have the tables.
type ServerError struct {
	Name, Reason string
}

func (e *ServerError) Error() string {
	return "the tables cannot be made in " + e.Name + ": " + e.Reason
}

// checkServer returns what is known to be different in a server that is not quite PostgreSQL, for a warning. The error is a
// *ServerError if it cannot have the tables.
func checkServer(ctx context.Context, db querier) (limit string, err error) {
	version, err := queryOne[string](ctx, db, `select version()`, nil)
	if err != nil {
		return "", err
	}
	limit, refusal := serverOf(version)
	if refusal != nil {
		return "", refusal
	}
	const citus = `select exists (select from pg_extension where extname = 'citus')`
	if found, err := queryOne[bool](ctx, db, citus, nil); err != nil || !found {
		return limit, err
	}
	return "Citus can distribute price_history only by a column that is in each of its unique keys: leave it a local table", nil
}

// serverOf goes by what a server calls itself. Neon, Aurora and TimescaleDB are PostgreSQL, as far as papertrade goes.
func serverOf(version string) (limit string, refusal *ServerError) {
	switch {
	case strings.Contains(version, "CockroachDB"):
		return "", &ServerError{"CockroachDB", "it does not permit a DO block to make any"}
	case strings.Contains(version, "Redshift"):
		return "", &ServerError{"Redshift", "it enforces no unique key"}
	case strings.Contains(version, "-YB-"):
		return "YugabyteDB commits each change of a table by itself: " +
			"after a migrate that was interrupted, compare the tables with those of a new database", nil
	default:
		return "", nil
	}
}
