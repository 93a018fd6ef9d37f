package refresh_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"papertrade/internal/pgtest"
	"papertrade/internal/postgres"
	"papertrade/internal/sqlite"
	"papertrade/internal/storetest"
)

const migrated = "migrated" // the template of all databases

var cluster = &pgtest.Shared{Prepare: func(ctx context.Context, c *pgtest.Cluster) error {
	return c.Template(ctx, migrated, func(ctx context.Context, url string) error {
		_, err := postgres.Migrate(ctx, url)
		return err
	})
}}

func TestMain(m *testing.M) {
	if task := os.Getenv(killedVariable); task != "" {
		if err := killedRun(strings.Split(task, "|")); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(cluster.Main(m).Run())
}

// storeKinds are the databases that a job can keep its prices in.
var storeKinds = []string{"sqlite", "postgres"}

// newDatabase makes an empty database of a kind, and returns what openStore needs to open it.
func newDatabase(t testing.TB, kind string) (address string) {
	t.Helper()
	if kind == "sqlite" {
		return newFile(t)
	}
	return cluster.Clone(t, migrated)
}

// newFile makes an empty SQLite database as a copy of one: its migrations wait for the disk a hundred times longer.
func newFile(t testing.TB) (path string) {
	t.Helper()
	content, err := emptyFile()
	path = filepath.Join(t.TempDir(), "papertrade.db")
	if err == nil {
		err = os.WriteFile(path, content, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	return path
}

var emptyFile = sync.OnceValues(func() (content []byte, err error) {
	dir, err := os.MkdirTemp("", "papertrade-refresh-")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	path := filepath.Join(dir, "papertrade.db")
	store, err := sqlite.Open(context.Background(), path)
	if err != nil {
		return nil, err
	}
	if err := store.Close(); err != nil {
		return nil, err
	}
	return os.ReadFile(path)
})

func openStore(kind, address string) (storetest.Store, error) {
	if kind == "sqlite" {
		return sqlite.Open(context.Background(), address)
	}
	return postgres.Open(context.Background(), address)
}

func mustOpenStore(t testing.TB, kind, address string) storetest.Store {
	t.Helper()
	store, err := openStore(kind, address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	return store
}
