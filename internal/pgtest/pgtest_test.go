package pgtest

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

const asParent = "PGTEST_PARENT"

// TestMain is also the process that TestServerDiesWithItsParent kills.
func TestMain(m *testing.M) {
	if os.Getenv(asParent) == "" {
		os.Exit(m.Run())
	}
	cluster, err := Start(context.Background())
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(cluster.port, cluster.dir)
	select {}
}

func TestServerDiesWithItsParent(t *testing.T) {
	requirePostgres(t)
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	parent := exec.Command(program)
	parent.Env = append(os.Environ(), asParent+"=1")
	parent.Stderr = os.Stderr
	stdout, err := parent.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(stdout).ReadString('\n')
	_ = parent.Process.Kill()
	_ = parent.Wait()
	if err != nil {
		t.Fatal(err)
	}
	port, dir, _ := strings.Cut(strings.TrimSpace(line), " ")
	if _, err := strconv.Atoi(port); err != nil || dir == "" {
		t.Fatalf("the parent wrote %q", line)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		conn, err := net.Dial("tcp", "127.0.0.1:"+port)
		if err != nil {
			return
		}
		conn.Close()
		if time.Now().After(deadline) {
			t.Fatal("the server is still there 10 s after its parent was killed")
		}
	}
}

func TestFindBinaries(t *testing.T) {
	debian := t.TempDir()
	for _, version := range []string{"13", "15"} {
		folder := filepath.Join(debian, version, "bin")
		if err := os.MkdirAll(folder, 0o755); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"initdb", "postgres"} {
			if err := os.WriteFile(filepath.Join(folder, name), nil, 0o755); err != nil {
				t.Fatal(err)
			}
		}
	}
	onPath := filepath.Join(debian, "13", "bin")
	for _, tt := range []struct{ path, pattern, want, wantErr string }{
		{"/nowhere:" + onPath, "/nowhere/*", onPath, ""},
		{"/nowhere", filepath.Join(debian, "*", "bin"), filepath.Join(debian, "15", "bin"), ""},
		{"/nowhere", "/nowhere/*", "", "neither on the PATH nor in /nowhere/*; make test installs them"},
	} {
		got, err := findBinaries(tt.path, tt.pattern)
		if got != tt.want || (err == nil) != (tt.wantErr == "") || err != nil && !strings.Contains(err.Error(), tt.wantErr) {
			t.Errorf("findBinaries(%q, %q) = %q, %v; want %q, %q", tt.path, tt.pattern, got, err, tt.want, tt.wantErr)
		}
	}
}
