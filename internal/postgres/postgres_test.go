package postgres

import (
	"context"
	_ "embed"
	"errors"
	"os"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"papertrade/internal/pgtest"
	"papertrade/internal/storetest"
)

//go:embed testdata/application.sql
var applicationTables string

// The databases that each test has a copy of.
const (
	ownTables   = "own_tables"
	application = "application"          // as the web application made it
	served      = "application_migrated" // the same after Migrate
)

var cluster = &pgtest.Shared{Prepare: makeTemplates}

// All tests of the package run 14 hours east of UTC.
func TestMain(m *testing.M) {
	time.Local = time.FixedZone("far east", 14*60*60)
	os.Exit(cluster.Main(m).Run())
}

func makeTemplates(ctx context.Context, c *pgtest.Cluster) error {
	migrate := func(ctx context.Context, url string) error {
		_, err := Migrate(ctx, url)
		return err
	}
	create := func(ctx context.Context, url string) error {
		conn, err := pgx.Connect(ctx, url)
		if err != nil {
			return err
		}
		_, err = conn.Exec(ctx, applicationTables)
		return errors.Join(err, conn.Close(ctx))
	}
	return errors.Join(
		c.Template(ctx, ownTables, migrate),
		c.Template(ctx, application, create),
		c.Template(ctx, served, func(ctx context.Context, url string) error {
			return errors.Join(create(ctx, url), migrate(ctx, url))
		}))
}

func TestOwnTables(t *testing.T) {
	storetest.Run(t, func(t *testing.T) storetest.Database {
		database := at(t, cluster.Clone(t, ownTables))
		database.KeepsZeros = true
		return database
	})
}

func TestApplicationTables(t *testing.T) {
	storetest.Run(t, func(t *testing.T) storetest.Database {
		database := at(t, cluster.Clone(t, served))
		database.Narrow = true
		return database
	})
}

// Another application's migrations in the same database are not those of the application that these tables are of.
func TestApplicationIsOfSchema(t *testing.T) {
	url := cluster.Clone(t, ownTables)
	run(t, url, `create schema "An Other"; create table "An Other".alembic_version (version_num varchar(32));
		do $$ begin execute format('alter database %I set search_path = public, "An Other"', current_database()); end $$`)
	for _, want := range []bool{false, true} {
		found, err := openStore(t, url).HasApplication(t.Context())
		if err != nil || found != want {
			t.Errorf("found %t, want %t; error %v", found, want, err)
		}
		run(t, url, `alter table if exists public.price_history set schema "An Other"`)
	}
}

// at is the database at a URL, whose sessions are 14 hours east of UTC and write dates as Germans do, if they do not ask
// otherwise.
func at(t *testing.T, url string) storetest.Database {
	run(t, url, `do $$ begin
		execute format('alter database %I set timezone = ''Pacific/Kiritimati''', current_database());
		execute format('alter database %I set datestyle = ''German, DMY''', current_database());
	end $$`)
	return storetest.Database{
		SharesTasks: true,
		Open:        func(t *testing.T) storetest.Store { return openStore(t, url) },
		Exec:        func(t *testing.T, statement string) { run(t, url, statement) },
		Texts:       func(t *testing.T, query string) []string { return texts(t, url, query) },
	}
}

func openStore(t *testing.T, url string) *Store {
	t.Helper()
	store, err := Open(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	return store
}

func connect(t *testing.T, url string) *pgx.Conn {
	t.Helper()
	config, err := pgx.ParseConfig(url)
	if err != nil {
		t.Fatal(err)
	}
	config.RuntimeParams["timezone"], config.RuntimeParams["datestyle"] = "UTC", "ISO"
	config.RuntimeParams["search_path"] = "public, papertrade"
	conn, err := pgx.ConnectConfig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	return conn
}

func run(t *testing.T, url, statements string) {
	t.Helper()
	conn := connect(t, url)
	defer conn.Close(t.Context())
	if _, err := conn.Exec(t.Context(), statements); err != nil {
		t.Fatal(err)
	}
}

func texts(t *testing.T, url, query string) []string {
	t.Helper()
	conn := connect(t, url)
	defer conn.Close(t.Context())
	rows, _ := conn.Query(t.Context(), query)
	all, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	if len(all) == 0 {
		return nil
	}
	return all
}

func diff[T any](t *testing.T, got, want T) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}
