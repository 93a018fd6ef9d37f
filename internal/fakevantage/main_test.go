package fakevantage

import (
	"bufio"
	"bytes"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

const asCommand = "FAKEVANTAGE_TEST_AS_COMMAND"

func TestMain(m *testing.M) {
	if os.Getenv(asCommand) != "" {
		Main()
	}
	os.Exit(m.Run())
}

// start runs the command in a process of its own and returns the URL that it prints.
func start(t *testing.T, args ...string) (cmd *exec.Cmd, stdin io.Closer, url string) {
	t.Helper()
	cmd = exec.CommandContext(t.Context(), os.Args[0], args...)
	cmd.Env = append(os.Environ(), asCommand+"=1")
	cmd.Stderr = t.Output()
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("no URL: %v", err)
	}
	return cmd, in, strings.TrimSpace(line)
}

func fetch(t *testing.T, url string) string {
	t.Helper()
	response, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

func TestProcess(t *testing.T) {
	dir := t.TempDir()
	urlFile, log := filepath.Join(dir, "url"), filepath.Join(dir, "log")
	cmd, _, url := start(t, "--url-file", urlFile, "--log", log, "--at", "2026-11-21T00:00:00Z", "--keys", "k1,k2",
		"--limit", "2/1h", "--limit", "500/day", "--style", "note", "--unknown", "GONE", "--fault", "MSFT=html:1")

	if written, err := os.ReadFile(urlFile); err != nil || strings.TrimSpace(string(written)) != url {
		t.Errorf("the file has %q (%v), printed was %q", written, err, url)
	}
	for _, c := range []struct{ query, want string }{
		{"?function=GLOBAL_QUOTE&symbol=AAPL&apikey=k1", `"07. latest trading day": "2026-11-20"`},
		{"?function=GLOBAL_QUOTE&symbol=GONE&apikey=k1", `"Global Quote": {}`},
		{"?function=GLOBAL_QUOTE&symbol=AAPL&apikey=k1", "5 calls per minute"},
		{"?function=GLOBAL_QUOTE&symbol=MSFT&apikey=k2", "<html>"},
		{"?function=GLOBAL_QUOTE&symbol=MSFT&apikey=k2", `"01. symbol": "MSFT"`},
		{"?function=GLOBAL_QUOTE&symbol=AAPL&apikey=k3", "apikey is invalid"},
	} {
		if got := fetch(t, url+"/query"+c.query); !strings.Contains(got, c.want) {
			t.Errorf("%s answers %s, want %s in it", c.query, got, c.want)
		}
	}
	written, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	got, err := ReadArrivals(bytes.NewReader(written))
	if err != nil {
		t.Fatal(err)
	}
	arrival := func(symbol, key string, outcome Outcome) Arrival {
		return Arrival{Function: "GLOBAL_QUOTE", Symbols: []string{symbol}, Key: Fingerprint(key), Outcome: outcome}
	}
	want := []Arrival{
		arrival("AAPL", "k1", Answered), arrival("GONE", "k1", Unknown), arrival("AAPL", "k1", Throttled),
		arrival("MSFT", "k2", HTMLBody), arrival("MSFT", "k2", Answered), arrival("AAPL", "k3", Credentials),
	}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(Arrival{}, "Time")); diff != "" {
		t.Error(diff)
	}
	if strings.Contains(string(written), "k1") {
		t.Error("the log contains a key")
	}

	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("after SIGTERM: %v", err)
	}
}

func TestProcessEndsWithStdin(t *testing.T) {
	cmd, stdin, url := start(t, "--until-eof", "--entitled", "--latency", "1ms")
	if got := fetch(t, url+"/?function=REALTIME_BULK_QUOTES&symbol=AAPL&apikey=k"); !strings.Contains(got, `"message": "success"`) {
		t.Error(got)
	}
	stdin.Close()
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
}

func TestWrongUsage(t *testing.T) {
	for _, c := range []struct {
		args []string
		want string
		code int
	}{
		{[]string{"--limit", "5"}, `"5" is not a limit: write N/DURATION or N/day, as in 5/1m`, 2},
		{[]string{"--limit", "0/day"}, `"0/day" is not a limit`, 2},
		{[]string{"--limit", "5/-1s"}, `"5/-1s" is not a limit`, 2},
		{[]string{"--style", "odd"}, "choose free, note or paid", 2},
		{[]string{"--at", "midnight"}, "midnight", 2},
		{[]string{"--fault", "AAPL"}, `"" is not a fault: choose one of bomb, credentials, cut, `, 2},
		{[]string{"--fault", "AAPL=answered"}, `"answered" is not a fault`, 2},
		{[]string{"--fault", "AAPL=html:0"}, `"0" is not a number of calls: write 1 or more`, 2},
		{[]string{"extra"}, `unexpected argument "extra"`, 2},
		{[]string{"--help"}, "-until-eof", 0},
		{[]string{"--addr", "256.0.0.1:0"}, "fakevantage: listen on 256.0.0.1:0", 1},
		{[]string{"--log", "/dev/null/log"}, "fakevantage: open the log", 1},
		{[]string{"--url-file", "/dev/null/url"}, "fakevantage: write the URL", 1},
	} {
		t.Run(strings.Join(c.args, " "), func(t *testing.T) {
			var stderr bytes.Buffer
			code := run(t.Context(), c.args, strings.NewReader(""), io.Discard, &stderr)
			if code != c.code || !strings.Contains(stderr.String(), c.want) {
				t.Errorf("exit %d, stderr %s", code, stderr.String())
			}
		})
	}
}

func TestParseLimit(t *testing.T) {
	for s, want := range map[string]Limit{
		"5/1m": {5, time.Minute}, "1/1s": {1, time.Second}, "5/1.5s": {5, 1500 * time.Millisecond}, "25/day": {25, 0},
	} {
		if got, err := ParseLimit(s); got != want || err != nil {
			t.Errorf("%s: %v, %v", s, got, err)
		}
	}
}
