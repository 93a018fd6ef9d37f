package pgtest

import (
	"context"
	"fmt"
	"os"
	"sync"
	"testing"
)

// Shared is a cluster for all tests of a package, started by the first of them that needs it. Its
// methods are safe for concurrent use.
type Shared struct {
	// Prepare makes the templates, if any.
	Prepare func(ctx context.Context, cluster *Cluster) error

	once    sync.Once
	cluster *Cluster
	err     error
}

// Get returns the running cluster. If Postgres is not installed, the test is left out.
func (s *Shared) Get(t testing.TB) *Cluster {
	t.Helper()
	requirePostgres(t)
	s.once.Do(func() {
		ctx := context.Background()
		if s.cluster, s.err = Start(ctx); s.err == nil && s.Prepare != nil {
			s.err = s.Prepare(ctx, s.cluster)
		}
	})
	if s.err != nil {
		t.Fatal(s.err)
	}
	return s.cluster
}

// Clone returns the URL of a copy of a template, which is dropped with the test.
func (s *Shared) Clone(t testing.TB, template string) string {
	t.Helper()
	return s.Get(t).Clone(t, template)
}

// Empty returns the URL of an empty database, which is dropped with the test.
func (s *Shared) Empty(t testing.TB) string {
	t.Helper()
	return s.Get(t).Empty(t)
}

// Main returns what TestMain runs in place of m: it runs the tests of m and then stops the cluster.
func (s *Shared) Main(m interface{ Run() int }) *Main { return &Main{m, s} }

// Main runs the tests of a package that share a cluster.
type Main struct {
	tests  interface{ Run() int }
	shared *Shared
}

// Run runs the tests, stops the cluster and returns the exit status.
func (m *Main) Run() int {
	status := m.tests.Run()
	if m.shared.cluster != nil {
		if err := m.shared.cluster.Stop(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
	}
	return status
}
