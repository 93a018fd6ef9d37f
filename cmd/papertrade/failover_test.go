package main

import (
	"bufio"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"papertrade/internal/fakevantage"
	"papertrade/internal/pgtest"
)

// The primary dies amid a run, and its standby is promoted: the run, which knows both, goes on with that one to its end. It asks for
// nothing twice, and loses nothing.
func TestARunOutlivesAFailover(t *testing.T) {
	for _, order := range []string{"primary first", "standby first"} {
		t.Run(order, func(t *testing.T) {
			t.Parallel()
			primary, standby := pgtest.Pair(t)
			address, err := primary.Create(t.Context(), "template0")
			if err != nil {
				t.Fatal(err)
			}
			hosts := primary.AddTo(standby.URL(address))
			if order == "standby first" {
				hosts = standby.AddTo(address)
			}
			dir := t.TempDir()
			log := filepath.Join(dir, "arrivals.jsonl")
			env := append(environWithoutSettings(),
				"HOME="+dir, "GORACE=atexit_sleep_ms=0", "PAPERTRADE_DATABASE_URL="+hosts, "ALPHAVANTAGE_API_KEY="+apiKey,
				"PAPERTRADE_ALPHAVANTAGE_RATE_LIMITS=1000/1s,500/day",
				"PAPERTRADE_ALPHAVANTAGE_BASE_URL="+startVendor(t, "--log", log, "--at", "2026-11-21T00:00:00Z"))
			command := func(args ...string) *exec.Cmd {
				cmd := exec.Command("papertrade", args...)
				cmd.Env = env
				return cmd
			}
			if output, err := command("migrate").CombinedOutput(); err != nil {
				t.Fatalf("%v\n%s", err, output)
			}

			refresh := command("refresh", "--at", "2026-11-21", "--batch-size", "1", "--batch-delay", "200ms")
			stderr, err := refresh.StderrPipe()
			if err == nil {
				err = refresh.Start()
			}
			if err != nil {
				t.Fatal(err)
			}
			lines := bufio.NewScanner(stderr)
			var said strings.Builder
			for committed := 0; committed < 2 && lines.Scan(); {
				said.WriteString(lines.Text() + "\n")
				if strings.Contains(lines.Text(), "batch committed") {
					committed++
				}
			}
			if err := primary.Crash(); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Second) // in which there is a standby only
			if err := standby.Promote(t.Context()); err != nil {
				t.Fatal(err)
			}
			for lines.Scan() {
				said.WriteString(lines.Text() + "\n")
			}
			if err := refresh.Wait(); err != nil {
				t.Errorf("%v\n%s", err, &said)
			}

			if output, err := command("refresh", "--if-due", "--at", "2026-11-21").Output(); err != nil || !strings.Contains(string(output), "Not due: ") {
				t.Errorf("the next run: %v\n%s", err, output)
			}
			promoted, err := url.Parse(standby.URL(address))
			if err != nil {
				t.Fatal(err)
			}
			db := &database{driver: "pgx", dsn: promoted.String() + "&search_path=public,papertrade"}
			for query, want := range map[string]string{
				"select count(*), count(distinct ticker) from price_history":      "7|7\n",
				"select status, error_message from job_executions":                "SUCCEEDED|\n",
				"select count(*) from papertrade_calls":                           "7\n",
				"select count(*) from papertrade_leases where holder is not null": "0\n",
			} {
				if got, err := db.query(query); err != nil || got != want {
					t.Errorf("%s: %q, %v, want %q", query, got, err, want)
				}
			}
			file, err := os.Open(log)
			if err != nil {
				t.Fatal(err)
			}
			defer file.Close()
			arrivals, err := fakevantage.ReadArrivals(file)
			if err != nil {
				t.Fatal(err)
			}
			var asked []string
			for _, a := range arrivals {
				asked = append(asked, a.Symbols...)
			}
			slices.Sort(asked)
			if diff := cmp.Diff([]string{"AAPL", "AMZN", "GOOGL", "META", "MSFT", "NVDA", "TSLA"}, asked); diff != "" {
				t.Errorf("asked (-want +got):\n%s", diff)
			}
		})
	}
}
