// Package pgtest runs private Postgres clusters for tests: each in a temporary folder, on a loopback port,
// without durability; a cluster ends with the process that started it.
package pgtest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// superuser owns all databases. It needs no password, since the server listens only on loopback. A role named papertrade
// would have the schema of that name on its search path, on which nothing may depend.
const superuser = "owner"

// Postgres is looked for on the PATH, then in the folders of Debian, or in those that this variable names.
const (
	debianBinaries   = "/usr/lib/postgresql/*/bin"
	binariesVariable = "PAPERTRADE_TEST_POSTGRES"
)

// Cluster is a running Postgres server. Its methods are safe for concurrent use.
type Cluster struct {
	dir     string
	port    int
	server  *exec.Cmd
	exited  <-chan struct{}
	created atomic.Int64
}

// Start makes a cluster and starts it. As root it runs as the user postgres, since Postgres refuses
// to run as root. If Postgres is missing, the error says what to install.
func Start(ctx context.Context) (*Cluster, error) { return create(ctx, (*Cluster).start) }

// create makes the folder of a cluster, in which start makes and starts one: with the programs in bin, as owner unless that is nil.
func create(
	ctx context.Context, start func(c *Cluster, ctx context.Context, bin string, owner *syscall.Credential) error,
) (*Cluster, error) {
	bin, err := binaries()
	if err != nil {
		return nil, err
	}
	owner, err := unprivileged()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "papertrade-pgtest-")
	if err != nil {
		return nil, err
	}
	c := &Cluster{dir: dir}
	if owner != nil {
		err = os.Chown(dir, int(owner.Uid), int(owner.Gid))
	}
	if err == nil {
		err = start(c, ctx, bin, owner)
	}
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	return c, nil
}

func (c *Cluster) start(ctx context.Context, bin string, owner *syscall.Credential) error {
	data := filepath.Join(c.dir, "data")
	initdb := exec.CommandContext(ctx, filepath.Join(bin, "initdb"), "--no-sync", "--auth=trust",
		"--username="+superuser, "--encoding=UTF8", "--no-locale", "--pgdata="+data)
	initdb.Dir = c.dir
	initdb.SysProcAttr = &syscall.SysProcAttr{Credential: owner}
	if output, err := initdb.CombinedOutput(); err != nil {
		return fmt.Errorf("make a Postgres cluster: %w\n%s", err, output)
	}
	return c.serve(ctx, bin, owner)
}

// serve starts the server with the data that are there.
func (c *Cluster) serve(ctx context.Context, bin string, owner *syscall.Credential) error {
	var err error
	if c.port, err = freePort(); err != nil {
		return err
	}
	log, err := os.Create(filepath.Join(c.dir, "log"))
	if err != nil {
		return err
	}
	defer log.Close()
	c.server = exec.Command(filepath.Join(bin, "postgres"), "-D", filepath.Join(c.dir, "data"), "-p", strconv.Itoa(c.port),
		"-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=", "-c", "max_connections=200",
		"-c", "fsync=off", "-c", "synchronous_commit=off", "-c", "full_page_writes=off", "-c", "autovacuum=off")
	c.server.Dir = c.dir
	c.server.Stdout, c.server.Stderr = log, log
	// A test process that is killed takes the server with it.
	c.server.SysProcAttr = &syscall.SysProcAttr{Credential: owner, Pdeathsig: syscall.SIGQUIT}
	if c.exited, err = runServer(c.server); err != nil {
		return fmt.Errorf("start Postgres: %w", err)
	}
	if err := c.awaitReady(ctx); err != nil {
		return errors.Join(err, c.end())
	}
	return nil
}

// runServer starts a server from a thread that lives as long as the server does: Pdeathsig is sent when
// the parent's thread dies, not its process.
func runServer(server *exec.Cmd) (exited <-chan struct{}, err error) {
	started, ended := make(chan error), make(chan struct{})
	go func() {
		runtime.LockOSThread()
		err := server.Start()
		started <- err
		if err == nil {
			_ = server.Wait()
		}
		close(ended)
	}()
	return ended, <-started
}

func (c *Cluster) awaitReady(ctx context.Context) error {
	if err := awaitReady(ctx, c.url("postgres"), c.exited); err != nil {
		return fmt.Errorf("start Postgres: %w\n%s", err, c.log())
	}
	return nil
}

// awaitReady waits until what has just been started takes connections, or has exited.
func awaitReady(ctx context.Context, url string, exited <-chan struct{}) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	for {
		conn, err := pgx.Connect(ctx, url)
		if err == nil {
			return conn.Close(ctx)
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-exited:
			return errors.New("it ended at once")
		case <-ctx.Done():
			return err
		}
	}
}

func (c *Cluster) log() string {
	text, _ := os.ReadFile(filepath.Join(c.dir, "log"))
	return string(text[max(0, len(text)-4096):])
}

// Stop ends the server and removes its files.
func (c *Cluster) Stop() error { return errors.Join(c.end(), os.RemoveAll(c.dir)) }

func (c *Cluster) end() error {
	// An error means that the process has already ended.
	_ = c.server.Process.Signal(syscall.SIGQUIT)
	select {
	case <-c.exited:
		return nil
	case <-time.After(10 * time.Second):
		return errors.Join(errors.New("the server did not end"), c.server.Process.Kill())
	}
}

// Template makes a database, fills it with fill, and leaves it for Clone to copy.
func (c *Cluster) Template(ctx context.Context, name string, fill func(ctx context.Context, url string) error) error {
	if err := c.exec(ctx, "create database "+pgx.Identifier{name}.Sanitize()); err != nil {
		return err
	}
	if err := fill(ctx, c.url(name)); err != nil {
		return fmt.Errorf("fill the template %s: %w", name, err)
	}
	return nil
}

// Clone returns the URL of a copy of a template, which is dropped with the test.
func (c *Cluster) Clone(t testing.TB, template string) string {
	t.Helper()
	address, err := c.Create(t.Context(), template)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		config, err := pgx.ParseConfig(address)
		if err == nil {
			err = c.exec(context.Background(), "drop database "+pgx.Identifier{config.Database}.Sanitize()+" with (force)")
		}
		if err != nil {
			t.Error(err)
		}
	})
	return address
}

// Empty returns the URL of an empty database, which is dropped with the test.
func (c *Cluster) Empty(t testing.TB) string {
	t.Helper()
	return c.Clone(t, "template0")
}

// Create returns the URL of a copy of a template, which exists until Stop. A copy of "template0" is empty.
func (c *Cluster) Create(ctx context.Context, template string) (url string, err error) {
	name := fmt.Sprintf("test_%d", c.created.Add(1))
	err = c.exec(ctx, "create database "+name+" template "+pgx.Identifier{template}.Sanitize())
	return c.url(name), err
}

func (c *Cluster) exec(ctx context.Context, statement string) error {
	conn, err := pgx.Connect(ctx, c.url("postgres"))
	if err != nil {
		return fmt.Errorf("%s: %w", statement, err)
	}
	if _, err := conn.Exec(ctx, statement); err != nil {
		return errors.Join(fmt.Errorf("%s: %w", statement, err), conn.Close(ctx))
	}
	return conn.Close(ctx)
}

func (c *Cluster) url(database string) string {
	return fmt.Sprintf("postgres://%s@127.0.0.1:%d/%s?sslmode=disable", superuser, c.port, database)
}

// requirePostgres leaves the test out if Postgres is not installed.
func requirePostgres(t testing.TB) {
	t.Helper()
	if _, err := binaries(); err != nil {
		LeaveOut(t, "tests on Postgres", err)
	}
}

func binaries() (folder string, err error) {
	pattern := debianBinaries
	if set := os.Getenv(binariesVariable); set != "" {
		pattern = set
	}
	return findBinaries(os.Getenv("PATH"), pattern)
}

// findBinaries returns the folder of initdb and postgres: one on the path, or the last one that matches the pattern.
func findBinaries(path, pattern string) (string, error) {
	folders, err := filepath.Glob(pattern)
	if err != nil {
		return "", err
	}
	slices.Reverse(folders) // the newest version first
	for _, folder := range append(filepath.SplitList(path), folders...) {
		found := true
		for _, name := range []string{"initdb", "postgres"} {
			info, err := os.Stat(filepath.Join(folder, name))
			found = found && err == nil && info.Mode()&0o111 != 0
		}
		if found {
			return folder, nil
		}
	}
	return "", fmt.Errorf("initdb and postgres are neither on the PATH nor in %s; make test installs them", pattern)
}

// unprivileged returns the user postgres if the process runs as root, nil otherwise.
func unprivileged() (*syscall.Credential, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	account, err := user.Lookup("postgres")
	if err != nil {
		return nil, fmt.Errorf("run Postgres as another user than root: %w", err)
	}
	uid, uidErr := strconv.ParseUint(account.Uid, 10, 32)
	gid, gidErr := strconv.ParseUint(account.Gid, 10, 32)
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, errors.Join(uidErr, gidErr)
}

func freePort() (int, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer listener.Close()
	return listener.Addr().(*net.TCPAddr).Port, nil
}
