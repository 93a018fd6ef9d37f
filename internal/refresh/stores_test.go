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

// cluster is started by the first test that needs it.
var (
	cluster      *pgtest.Cluster
	startCluster = sync.OnceValue(func() (err error) {
		cluster, err = pgtest.Start(context.Background())
		return err
	})
)

func TestMain(m *testing.M) {
	if task := os.Getenv(killedVariable); task != "" {
		if err := killedRun(strings.Split(task, "|")); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	status := m.Run()
	if cluster != nil {
		if err := cluster.Stop(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			status = 1
		}
	}
	os.Exit(status)
}

// storeKinds are the databases that a job can keep its prices in.
var storeKinds = []string{"sqlite", "postgres"}

// newDatabase makes an empty database of a kind, and returns what openStore needs to open it.
func newDatabase(t testing.TB, kind string) (address string) {
	t.Helper()
	if kind == "sqlite" {
		return filepath.Join(t.TempDir(), "papertrade.db")
	}
	if err := startCluster(); err != nil {
		t.Fatal(err)
	}
	address = cluster.Empty(t)
	if _, err := postgres.Migrate(context.Background(), address); err != nil {
		t.Fatal(err)
	}
	return address
}

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
