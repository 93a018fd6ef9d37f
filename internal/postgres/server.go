package postgres

import (
	"context"
	"errors"
	"regexp"
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

// refusals are what pgbouncer refuses for good, by its words: the code of whatever it says is that of a violation of the protocol.
// Its other words are about what passes, such as a server that starts or shuts down, or a pool in which no connection is free.
var refusals = []struct {
	words *regexp.Regexp
	kind  refresh.StoreError
}{
	{regexp.MustCompile(`statement pooling mode`), ErrStatementMode},
	{regexp.MustCompile(`unsupported startup parameter`), ErrParameter},
	{regexp.MustCompile(`no such database|database ".*" does not exist`), ErrNoDatabase},
	{regexp.MustCompile(`no such user|role ".*" does not exist`), ErrNoRole},
	{regexp.MustCompile(`authentication`), ErrPassword},
	{regexp.MustCompile(`SSL required|login rejected`), refresh.ErrNoPermission},
}

// ofPooler returns what a pooler refuses for good; "" if it is not what an error is about.
func ofPooler(err error) refresh.StoreError {
	const protocolViolation = "08P01"
	var answer *pgconn.PgError
	if !errors.As(err, &answer) || answer.Code != protocolViolation || answer.Where != "" { // a trigger can raise what it likes
		return ""
	}
	for _, refusal := range refusals {
		if refusal.words.MatchString(answer.Message) {
			return refusal.kind
		}
	}
	return ""
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
