package main

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/uuid"
	"github.com/rogpeppe/go-internal/testscript"
)

// pingSecret is what the path of a monitor has, which must not be seen either.
const pingSecret = "P1NGs3cret"

// monitor is an HTTP server that runs ping.
type monitor struct {
	server *httptest.Server

	mu      sync.Mutex
	answers []string // a status, or hang; the last is for all that follow
	pings   []pinged
}

// pinged is a ping: what it told, of which run.
type pinged struct{ told, run, body string }

func (m *monitor) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the client is gone
	}
	m.mu.Lock()
	told := strings.Trim(strings.TrimPrefix(r.URL.Path, "/"+pingSecret), "/")
	if told == "" {
		told = "success"
	}
	if exit, found := strings.CutPrefix(string(body), "exit status "); found {
		status, _, _ := strings.Cut(exit, "\n")
		told += " " + status
	}
	if r.Method != http.MethodPost || r.URL.Query().Get("token") != pingSecret {
		told += " by " + r.Method + " " + r.URL.RawQuery
	}
	m.pings = append(m.pings, pinged{told, r.URL.Query().Get("rid"), string(body)})
	answer := m.answers[0]
	if len(m.answers) > 1 {
		m.answers = m.answers[1:]
	}
	m.mu.Unlock()
	if answer == "hang" {
		<-r.Context().Done()
		return
	}
	status := 0
	_, _ = fmt.Sscan(answer, &status)
	w.WriteHeader(status)
}

// startMonitor [ANSWER…]: runs ping a monitor from here on, which answers so: statuses, or hang.
func startMonitor(ts *testscript.TestScript, neg bool, answers []string) {
	if neg {
		ts.Fatalf("usage: monitor [ANSWER…]")
	}
	m := &monitor{answers: append(answers, "200")}
	if len(answers) > 0 {
		m.answers = answers
	}
	m.server = httptest.NewServer(m)
	ts.Defer(func() {
		m.server.CloseClientConnections()
		m.server.Close()
	})
	fixtureOf(ts).monitor = m
	ts.Setenv("PAPERTRADE_PING_URL", m.server.URL+"/"+pingSecret+"/?token="+pingSecret)
}

// pingedWith [WHAT…]: the monitor got these pings since it was last asked this question: start, success or
// "fail STATUS". The body of the last one is printed.
func pingedWith(ts *testscript.TestScript, neg bool, want []string) {
	m := fixtureOf(ts).monitor
	if neg || m == nil {
		ts.Fatalf("usage, after monitor: pinged [WHAT…]")
	}
	m.mu.Lock()
	pings := m.pings
	m.pings = nil
	m.mu.Unlock()
	var got []string
	for _, p := range pings {
		got = append(got, p.told)
		if uuid.Validate(p.run) != nil || p.told != "start" && strings.Contains(p.body, "run_id") && !strings.Contains(p.body, p.run) {
			ts.Fatalf("the ping %q of the run %q has the body\n%s", p.told, p.run, p.body)
		}
		noSecret(ts, p.body)
	}
	if !slices.Equal(got, want) {
		ts.Fatalf("the monitor got %q, want %q", got, want)
	}
	if len(pings) > 0 {
		fmt.Fprint(ts.Stdout(), pings[len(pings)-1].body)
	}
}

// serveMonitor runs a monitor that answers so.
func serveMonitor(t *testing.T, answers ...string) (url string) {
	t.Helper()
	server := httptest.NewServer(&monitor{answers: answers})
	t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
	})
	return server.URL
}

// findPromtool returns the path of promtool: on the PATH, or where make has put it.
func findPromtool() (string, error) {
	if found, err := exec.LookPath("promtool"); err == nil {
		return found, nil
	}
	found, err := filepath.Abs(filepath.Join("..", "..", "bin", "promtool"))
	if err == nil {
		_, err = os.Stat(found)
	}
	if err != nil {
		return "", errors.New("promtool is neither on the PATH nor in bin; make test installs it")
	}
	return found, nil
}
