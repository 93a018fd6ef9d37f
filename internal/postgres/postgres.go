// Package postgres keeps what papertrade reads and writes in a Postgres database: one whose tables
// Migrate made, or one that the web application made.
package postgres

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"papertrade/internal/refresh"
)

// ErrURL is the error of a database's URL that is not one of Postgres.
const ErrURL refresh.StoreError = "the database URL cannot be read"

// Store is a Postgres database. It implements refresh.Store and keeps the watchlist.
type Store struct {
	pool             *limitedPool
	id               string // by which the store knows a lease of its own
	leases           leases
	leaseTimes       leaseTimes
	onRenewalFailure func(error)
}

func newStore(pool *limitedPool) *Store {
	return &Store{pool: pool, id: uuid.NewString(), leaseTimes: defaultLeaseTimes, onRenewalFailure: func(error) {}}
}

// Open connects to the database at a postgres:// URL. The error is a *refresh.SchemaError if
// the tables are not those of this program. No error shows the password.
func Open(ctx context.Context, url string) (*Store, error) {
	config, err := poolConfig(url)
	if err != nil {
		return nil, err
	}
	return open(ctx, config, defaultLimits)
}

func open(ctx context.Context, config *pgxpool.Config, l limits) (*Store, error) {
	pool, err := newLimitedPool(ctx, config, l)
	if err != nil {
		return nil, fmt.Errorf("open the database: %w", translate(err))
	}
	// In a transaction, since a pooler in statement mode is found out by that alone.
	err = transact(ctx, pool, func(tx pgx.Tx) error { return checkSchema(ctx, tx) })
	if err != nil {
		err = explainSchema(ctx, pool, err)
		pool.Close()
		return nil, fmt.Errorf("open the database: %w", err)
	}
	return newStore(pool), nil
}

// Close ends the use of the database.
func (s *Store) Close() error {
	closed := make(chan struct{})
	go func() {
		defer close(closed)
		s.pool.Close()
	}()
	select {
	case <-closed:
	case <-time.After(closeTimeout):
	}
	return nil
}

func poolConfig(address string) (*pgxpool.Config, error) {
	config, err := pgxpool.ParseConfig(address)
	if err != nil {
		return nil, explainURL(address, err)
	}
	config.MaxConns, config.MinConns, config.MinIdleConns = 4, 0, 0 // a connection is made by its use alone, which reports why not
	conn := config.ConnConfig
	// A pooler has statements of one client meet those of another in the same session, where names that the driver gave them
	// clash, and pgbouncer refuses parameters that it does not know. So statements have no name, and what a transaction
	// needs it sets for itself: only the name of the application, which every pooler knows, is asked for at the start.
	if conn.DefaultQueryExecMode == pgx.QueryExecModeCacheStatement {
		conn.DefaultQueryExecMode = pgx.QueryExecModeCacheDescribe
	}
	if conn.ValidateConnect == nil && hasSeveralHosts(conn) && !strings.Contains(address, "target_session_attrs") {
		conn.ValidateConnect = pgconn.ValidateConnectTargetSessionAttrsReadWrite // which is the primary, whichever that is
	}
	if conn.ConnectTimeout == 0 {
		conn.ConnectTimeout = 10 * time.Second
	}
	if conn.RuntimeParams["application_name"] == "" {
		conn.RuntimeParams["application_name"] = "papertrade"
	}
	conn.RuntimeParams["client_encoding"] = "UTF8" // whatever the role's default is; poolers know this one too
	return config, nil
}

// explainURL returns the error of a URL that pgx refuses. What pgx says quotes the URL, of which nobody knows which part is the
// password: so the parameter is named that names a file that cannot be read, or without which the URL could be.
func explainURL(address string, err error) error {
	query := parameters(address)
	names := slices.Sorted(maps.Keys(query))
	if file := (*fs.PathError)(nil); errors.As(err, &file) {
		for _, name := range names {
			if slices.Contains(query[name], file.Path) {
				return fmt.Errorf("%w: its parameter %s: %w", ErrURL, name, file)
			}
		}
	}
	base, _, _ := strings.Cut(address, "?")
	for _, name := range names {
		delete(query, name)
		if _, err := pgxpool.ParseConfig(base + "?" + query.Encode()); err == nil {
			return fmt.Errorf("%w: its parameter %s cannot be used", ErrURL, name)
		}
	}
	return ErrURL
}

func parameters(address string) url.Values {
	_, query, _ := strings.Cut(address, "?")
	values, err := url.ParseQuery(query)
	if err != nil {
		return nil
	}
	return values
}

// hasSeveralHosts reports whether there is another server to connect to than the first; the same one can be tried in several ways.
func hasSeveralHosts(conn *pgx.ConnConfig) bool {
	return slices.ContainsFunc(conn.Fallbacks, func(f *pgconn.FallbackConfig) bool { return f.Host != conn.Host || f.Port != conn.Port })
}
