// Package postgres keeps what papertrade reads and writes in a Postgres database: one whose tables
// Migrate made, or one that the web application made.
package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Store is a Postgres database. It implements refresh.Store and keeps the watchlist.
type Store struct {
	pool *pgxpool.Pool
}

// Open connects to the database at a postgres:// URL. The error is a *SchemaError where the tables
// are not those of this program. No error shows the password.
func Open(ctx context.Context, url string) (*Store, error) {
	config, err := poolConfig(url)
	if err != nil {
		return nil, err
	}
	return open(ctx, config)
}

func open(ctx context.Context, config *pgxpool.Config) (*Store, error) {
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("open the database: %w", translate(err))
	}
	store := &Store{pool}
	if err := store.checkSchema(ctx); err != nil {
		pool.Close()
		return nil, fmt.Errorf("open the database: %w", err)
	}
	return store, nil
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
	case <-time.After(farewell):
	}
	return nil
}

func poolConfig(url string) (*pgxpool.Config, error) {
	config, err := pgxpool.ParseConfig(url)
	if err != nil {
		// pgx quotes the URL, and where it cannot be parsed nobody can tell which part is the password.
		return nil, errors.New("the database URL cannot be read: write postgres://user:password@host:5432/database, " +
			"with %XX for special characters and valid parameters after the ?")
	}
	config.MaxConns = 4
	conn := config.ConnConfig
	if conn.ConnectTimeout == 0 {
		conn.ConnectTimeout = 10 * time.Second
	}
	if conn.RuntimeParams["application_name"] == "" {
		conn.RuntimeParams["application_name"] = "papertrade"
	}
	return config, nil
}

// query reads all rows of a query into structs by the names of their columns.
func query[T any](ctx context.Context, s *Store, sql string, args pgx.NamedArgs) ([]T, error) {
	rows, _ := s.pool.Query(ctx, sql, args) // CollectRows returns the error
	found, err := pgx.CollectRows(rows, pgx.RowToStructByName[T])
	return found, translate(err)
}
