package pgtest

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// Pair starts a cluster and a streaming standby of it, to which each commit is replicated before it is answered. Both end with the
// test.
func Pair(t testing.TB) (primary, standby *Cluster) {
	t.Helper()
	requirePostgres(t)
	primary, err := Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stop(t, primary) })
	if standby, err = primary.startStandby(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stop(t, standby) })
	return primary, standby
}

func stop(t testing.TB, c *Cluster) {
	if err := c.Stop(); err != nil {
		t.Error(err)
	}
}

func (c *Cluster) startStandby(ctx context.Context) (*Cluster, error) {
	return create(ctx, func(standby *Cluster, ctx context.Context, bin string, owner *syscall.Credential) error {
		return standby.follow(ctx, c, bin, owner)
	})
}

// follow copies a cluster, starts the copy as its standby, and makes the commits of the cluster wait for it.
func (c *Cluster) follow(ctx context.Context, primary *Cluster, bin string, owner *syscall.Credential) error {
	server, err := filepath.EvalSymlinks(filepath.Join(bin, "postgres"))
	if err != nil {
		return err
	}
	backup := exec.CommandContext(ctx, filepath.Join(filepath.Dir(server), "pg_basebackup"),
		"--write-recovery-conf", "--checkpoint=fast", "--no-sync",
		"--pgdata="+filepath.Join(c.dir, "data"), "--host=127.0.0.1", "--port="+strconv.Itoa(primary.port), "--username="+superuser)
	backup.Dir = c.dir
	backup.SysProcAttr = &syscall.SysProcAttr{Credential: owner}
	if output, err := backup.CombinedOutput(); err != nil {
		return fmt.Errorf("copy a Postgres cluster: %w\n%s", err, output)
	}
	if err := c.serve(ctx, bin, owner); err != nil {
		return err
	}
	for _, statement := range []string{
		"alter role " + superuser + " set synchronous_commit = remote_apply", // the server is started without any
		"alter system set synchronous_standby_names = '*'",
		"select pg_reload_conf()",
	} {
		if err := primary.exec(ctx, statement); err != nil {
			return errors.Join(err, c.end())
		}
	}
	if err := primary.awaitReplication(ctx); err != nil {
		return errors.Join(err, c.end())
	}
	return nil
}

// awaitReplication waits until commits wait for a standby.
func (c *Cluster) awaitReplication(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	conn, err := pgx.Connect(ctx, c.url("postgres"))
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	for replicates := false; !replicates; time.Sleep(20 * time.Millisecond) {
		err := conn.QueryRow(ctx, "select count(*) > 0 from pg_stat_replication where sync_state = 'sync'").Scan(&replicates)
		if err != nil {
			return fmt.Errorf("wait for the standby: %w", err)
		}
	}
	return nil
}

// Crash ends the server at once.
func (c *Cluster) Crash() error { return c.end() }

// Promote makes a standby the primary.
func (c *Cluster) Promote(ctx context.Context) error { return c.exec(ctx, "select pg_promote()") }

// AddTo returns the URL of a database, of the cluster that this one is a standby of or the other way round, with this server
// as a further host, the first.
func (c *Cluster) AddTo(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		panic(err) // a URL of this package
	}
	u.Host = "127.0.0.1:" + strconv.Itoa(c.port) + "," + u.Host
	return u.String()
}

// URL returns that of a database which another cluster has made.
func (c *Cluster) URL(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		panic(err) // a URL of this package
	}
	u.Host = "127.0.0.1:" + strconv.Itoa(c.port)
	return u.String()
}
