package pgtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
)

// poolers are where pgbouncer is looked for if it is not on the PATH: Debian's folder, which only root's has, and that in
// which make puts it.
var poolers = []string{"/usr/sbin/pgbouncer", "../../bin/pgbouncer/usr/sbin/pgbouncer"}

// Pooler is a running pgbouncer in front of a Cluster.
type Pooler struct {
	dir    string
	port   int
	server *exec.Cmd
	exited <-chan struct{}
}

// FindPooler returns the path of pgbouncer. The error says how to get it.
func FindPooler() (string, error) {
	if found, err := exec.LookPath("pgbouncer"); err == nil {
		return found, nil
	}
	for _, path := range poolers {
		if _, err := os.Stat(path); err == nil {
			return filepath.Abs(path)
		}
	}
	return "", errors.New("pgbouncer is neither on the PATH nor in bin; make test installs it")
}

// Pooler starts a pgbouncer with Debian's defaults in a pool mode, which has size connections to each database. It ends with the
// test. If pgbouncer is not installed, the test is left out.
func (c *Cluster) Pooler(t testing.TB, mode string, size int) *Pooler {
	t.Helper()
	if _, err := FindPooler(); err != nil {
		LeaveOut(t, "tests through pgbouncer", err)
	}
	pooler, err := c.StartPooler(t.Context(), mode, size)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := pooler.Stop(); err != nil {
			t.Error(err)
		}
	})
	return pooler
}

// StartPooler is Pooler outside of a test.
func (c *Cluster) StartPooler(ctx context.Context, mode string, size int) (*Pooler, error) {
	program, err := FindPooler()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "papertrade-pgbouncer-")
	if err != nil {
		return nil, err
	}
	p := &Pooler{dir: dir}
	if err := p.start(ctx, program, c, mode, size); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	return p, nil
}

func (p *Pooler) start(ctx context.Context, program string, c *Cluster, mode string, size int) (err error) {
	if p.port, err = freePort(); err != nil {
		return err
	}
	settings := fmt.Sprintf(`[databases]
* = host=127.0.0.1 port=%d user=%s
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = %d
unix_socket_dir =
auth_type = any
pool_mode = %s
default_pool_size = %d
`, c.port, superuser, p.port, mode, size)
	file := filepath.Join(p.dir, "pgbouncer.ini")
	if err := os.WriteFile(file, []byte(settings), 0o600); err != nil {
		return err
	}
	args := []string{file}
	if os.Geteuid() == 0 { // as which it refuses to run
		args = append(args, "-u", "postgres")
	}
	var log bytes.Buffer
	p.server = exec.Command(program, args...)
	// What make has put beside it are the libraries that it needs and this system does not have.
	libraries, err := filepath.Glob(filepath.Join(filepath.Dir(program), "..", "lib", "*-linux-*"))
	if err != nil {
		return err
	}
	for _, folder := range libraries {
		p.server.Env = append(p.server.Environ(), "LD_LIBRARY_PATH="+folder)
	}
	p.server.Stderr = &log
	p.server.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGQUIT}
	if p.exited, err = runServer(p.server); err != nil {
		return fmt.Errorf("start pgbouncer: %w", err)
	}
	if err := awaitReady(ctx, p.URL(c.url("postgres")), p.exited); err != nil {
		p.end()
		return fmt.Errorf("start pgbouncer: %w\n%s", err, log.String())
	}
	return nil
}

// URL returns that of a database of the cluster through the pooler.
func (p *Pooler) URL(direct string) string {
	u, err := url.Parse(direct)
	if err != nil {
		panic(err) // a URL of this package
	}
	u.Host = net.JoinHostPort("127.0.0.1", strconv.Itoa(p.port))
	return u.String()
}

// Stop ends the pooler and removes its files.
func (p *Pooler) Stop() error {
	p.end()
	return os.RemoveAll(p.dir)
}

func (p *Pooler) end() {
	_ = p.server.Process.Kill() // an error means that the process has already ended
	<-p.exited
}
