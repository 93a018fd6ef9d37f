package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/testscript"

	"papertrade/internal/config"
	"papertrade/internal/fakevantage"
	"papertrade/internal/pgtest"
)

func TestMain(m *testing.M) {
	testscript.Main(cluster.Main(tests{m}), map[string]func(){"papertrade": main, "fakevantage": fakevantage.Main, "quotes": quotesMain, "onhost": hostMain})
}

// clockDir is where a papertrade with another clock is built.
var clockDir string

// tests removes what they have built.
type tests struct{ *testing.M }

func (m tests) Run() int {
	status := m.M.Run()
	for _, dir := range []string{builtDir, clockDir} { // "" is none
		_ = os.RemoveAll(dir) // in the temporary folder, where it would do no harm
	}
	return status
}

// TestScripts runs every script of testdata/script on every kind of database. A script that is about
// some kinds alone says so with a condition, and what needs promtool or pgbouncer does too: TestREADMEAlerts and
// TestThroughPgbouncer say if there is none.
func TestScripts(t *testing.T) {
	for _, kind := range kinds() {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			databases := startDatabases(t, kind)
			testscript.Run(t, testscript.Params{
				Dir:                 filepath.Join("..", "..", "testdata", "script"),
				RequireExplicitExec: true,
				RequireUniqueNames:  true,
				Setup: func(env *testscript.Env) error {
					if promtool, err := findPromtool(); err == nil {
						env.Setenv("PATH", env.Getenv("PATH")+string(filepath.ListSeparator)+filepath.Dir(promtool))
					}
					return setUp(env, databases, kind)
				},
				Condition: func(name string) (bool, error) {
					if name == "pgbouncer" {
						_, err := pgtest.FindPooler()
						return err == nil && strings.HasPrefix(kind, "postgres"), nil
					}
					if !slices.Contains([]string{"sqlite", "postgres", "application"}, name) {
						return false, fmt.Errorf("%q is no kind of database", name)
					}
					return slices.Contains(strings.Split(kind, "-"), name), nil
				},
				Cmds: map[string]func(*testscript.TestScript, bool, []string){
					"exits": exits, "vendor": vendor, "asked": asked, "sql": sql, "start": start, "signal": signalStarted,
					"json": sameJSON, "empty-database": emptyDatabase, "monitor": startMonitor, "pinged": pingedWith,
					"safe": safeFiles, "pgbouncer": throughPooler,
				},
			})
		})
	}
}

// apiKey and databasePassword must never be seen in what the program prints.
const (
	apiKey           = "TOPSECRETAPIKEY0"
	databasePassword = "tOpSeCrEtPaSsWoRd"
)

func setUp(env *testscript.Env, databases *databases, kind string) error {
	db, err := databases.create(env.WorkDir, kind)
	if err != nil {
		return err
	}
	env.Values[fixture{}] = &fixture{databases: databases, database: db}
	env.Setenv("HOME", env.WorkDir)
	env.Setenv("GORACE", "atexit_sleep_ms=0") // the race detector has each process sleep a second otherwise
	env.Setenv("TZ", "Pacific/Kiritimati")    // 14 hours east of UTC: nothing may depend on it
	env.Setenv("PAPERTRADE_DATABASE_URL", db.url)
	parsed, err := config.ParseDatabase(db.url)
	if err != nil {
		return err
	}
	env.Setenv("SHOWN_DATABASE", parsed.String()) // as papertrade shows it
	env.Setenv("ALPHAVANTAGE_API_KEY", apiKey)
	env.Setenv("PAPERTRADE_ALPHAVANTAGE_RATE_LIMITS", "1000/1s,500/day")
	env.Setenv("PAPERTRADE_REFRESH_BATCH_DELAY", "0s")
	env.Setenv("PAPERTRADE_DATABASE_PATIENCE", "1s") // scripts have no time for a server that is not there
	return nil
}

// exits STATUS COMMAND…: the command ends with just this exit status, and shows no secret.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits STATUS COMMAND [ARG…]")
	}
	err := ts.Exec(args[1], args[2:]...)
	checkStatus(ts, args[0], err)
	noSecret(ts, ts.ReadFile("stdout")+ts.ReadFile("stderr"))
}

func checkStatus(ts *testscript.TestScript, want string, err error) {
	status := 0
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		status = exit.ExitCode()
		if wait, ok := exit.Sys().(syscall.WaitStatus); ok && wait.Signaled() {
			status = -int(wait.Signal())
		}
	} else {
		ts.Check(err)
	}
	if strconv.Itoa(status) != want {
		ts.Fatalf("exit status %d, want %s", status, want)
	}
}

// noSecret fails if a secret is in what the program emitted, in whatever way it is written, or what a terminal obeys.
func noSecret(ts *testscript.TestScript, text string) {
	if secret := secretIn(text); secret != "" {
		ts.Fatalf("%s is in the output", secret)
	}
	for _, r := range text {
		if unicode.IsControl(r) && r != '\n' && r != '\t' || unicode.Is(unicode.Cf, r) || r == utf8.RuneError {
			ts.Fatalf("%U is in the output", r)
		}
	}
}

// secretIn returns a secret that is in a text, in whatever way it is written, also in pieces; "" if there is none.
func secretIn(text string) string {
	joined := strings.Map(func(r rune) rune {
		if unicode.In(r, unicode.Cc, unicode.Cf) {
			return -1
		}
		return r
	}, text)
	for _, way := range []string{text, joined, html.UnescapeString(text), decoded(percentEncoded, text), decoded(jsonEncoded, text)} {
		for _, secret := range []string{apiKey, databasePassword, pingSecret} {
			if strings.Contains(strings.ToLower(way), strings.ToLower(secret)) {
				return secret
			}
		}
	}
	return ""
}

// A byte as URLs and JSON have it.
var (
	percentEncoded = regexp.MustCompile(`%([0-9a-fA-F]{2})`)
	jsonEncoded    = regexp.MustCompile(`\\u00([0-9a-fA-F]{2})`)
)

func decoded(encoded *regexp.Regexp, text string) string {
	return encoded.ReplaceAllStringFunc(text, func(match string) string {
		b, _ := strconv.ParseUint(match[len(match)-2:], 16, 8) // two digits always parse
		return string(rune(b))
	})
}

// safe FILE…: no secret is in the files, nor what a terminal obeys. safe: no secret is in any byte that the script's folder has,
// the database's files included, and in any row of any table, nor what a terminal obeys in a row.
func safeFiles(ts *testscript.TestScript, neg bool, args []string) {
	if neg {
		ts.Fatalf("usage: safe [FILE…]")
	}
	for _, name := range args {
		noSecret(ts, ts.ReadFile(name))
	}
	if len(args) > 0 {
		return
	}
	rows, err := fixtureOf(ts).database.dump()
	ts.Check(err)
	noSecret(ts, rows)
	ts.Check(filepath.WalkDir(ts.MkAbs("."), func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() || entry.Name() == "arrivals.jsonl" { // what the vendor got
			return err
		}
		content, err := os.ReadFile(path)
		if secret := secretIn(string(content)); secret != "" {
			return fmt.Errorf("%s is in %s", secret, path)
		}
		return err
	}))
}

// vendor FLAG…: starts a fakevantage, in the place of one that this script has started.
func vendor(ts *testscript.TestScript, neg bool, args []string) {
	if neg {
		ts.Fatalf("usage: vendor [FLAG…]")
	}
	log := ts.MkAbs("arrivals.jsonl")
	ts.Check(os.WriteFile(log, nil, 0o600))
	server := command(ts, "fakevantage", append([]string{"--until-eof", "--log", log}, args...))
	stdin, err := server.StdinPipe()
	ts.Check(err)
	stdout, err := server.StdoutPipe()
	ts.Check(err)
	server.Stderr = os.Stderr
	ts.Check(server.Start())
	ts.Defer(func() {
		stdin.Close()
		_ = server.Wait()
	})
	url, err := bufio.NewReader(stdout).ReadString('\n')
	ts.Check(err)
	ts.Setenv("PAPERTRADE_ALPHAVANTAGE_BASE_URL", strings.TrimSpace(url))
}

// asked [SYMBOL…]: these are the calls that the vendor got, in this order, since it was last asked
// this question.
func asked(ts *testscript.TestScript, neg bool, want []string) {
	if neg {
		ts.Fatalf("usage: asked [SYMBOL…]")
	}
	log := ts.MkAbs("arrivals.jsonl")
	arrivals, err := fakevantage.ReadArrivals(strings.NewReader(ts.ReadFile(log)))
	ts.Check(err)
	ts.Check(os.Truncate(log, 0))
	var got []string
	for _, a := range arrivals {
		got = append(got, strings.Join(a.Symbols, ","))
	}
	if !slices.Equal(got, want) {
		ts.Fatalf("the vendor was asked %v, want %v", got, want)
	}
}

// json FILE: what was printed is the JSON in FILE, less the ID of the run and when it finished.
func sameJSON(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: json FILE")
	}
	var got, want any
	ts.Check(json.Unmarshal([]byte(ts.ReadFile("stdout")), &got))
	ts.Check(json.Unmarshal([]byte(ts.ReadFile(args[0])), &want))
	if report, ok := got.(map[string]any); ok {
		delete(report, "run_id")
		delete(report, "finished_at")
	}
	if diff := cmp.Diff(want, got); diff != "" {
		ts.Fatalf("(-want +got)\n%s", diff)
	}
}

// empty-database: from here on the database is a Postgres one without any table.
func emptyDatabase(ts *testscript.TestScript, neg bool, args []string) {
	f := fixtureOf(ts)
	if neg || len(args) > 0 || f.database.driver != "pgx" {
		ts.Fatalf("usage, on Postgres: empty-database")
	}
	db, err := f.databases.createPostgres("template0")
	ts.Check(err)
	f.database = db
	ts.Setenv("PAPERTRADE_DATABASE_URL", db.url)
}

// pgbouncer MODE: puts a pgbouncer of two sessions between papertrade and the script's database.
func throughPooler(ts *testscript.TestScript, neg bool, args []string) {
	f := fixtureOf(ts)
	if neg || len(args) != 1 || f.database.driver != "pgx" {
		ts.Fatalf("usage, on Postgres: pgbouncer session|transaction|statement")
	}
	size := 2
	if args[0] == "session" { // in which each of a client's connections needs one
		size = 20
	}
	pooler, err := f.databases.cluster.StartPooler(context.Background(), args[0], size)
	ts.Check(err)
	ts.Defer(func() { ts.Check(pooler.Stop()) })
	ts.Setenv("PAPERTRADE_DATABASE_URL", pooler.URL(f.database.url))
}

// sql STATEMENT: runs it on the script's database and prints its rows, cells separated by |.
func sql(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: sql STATEMENT")
	}
	text, err := fixtureOf(ts).database.query(args[0])
	ts.Check(err)
	fmt.Fprint(ts.Stdout(), text)
}

// fixture is what a script works with.
type fixture struct {
	databases *databases
	database  *database
	started   *process
	monitor   *monitor
}

func fixtureOf(ts *testscript.TestScript) *fixture { return ts.Value(fixture{}).(*fixture) }

// process is what start has started.
type process struct {
	cmd            *exec.Cmd
	stdout, stderr bytes.Buffer
	drained        chan struct{}
}

// start TEXT COMMAND…: starts it and waits until it writes TEXT to stderr.
func start(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: start TEXT COMMAND [ARG…]")
	}
	p := &process{cmd: command(ts, args[1], args[2:]), drained: make(chan struct{})}
	p.cmd.Stdout = &p.stdout
	stderr, err := p.cmd.StderrPipe()
	ts.Check(err)
	ts.Check(p.cmd.Start())
	ts.Defer(func() { _ = p.cmd.Process.Kill() })
	seen := make(chan struct{})
	go func() {
		defer close(p.drained)
		lines := bufio.NewReader(stderr)
		found := false
		for {
			line, err := lines.ReadString('\n')
			p.stderr.WriteString(line)
			if !found && strings.Contains(line, args[0]) {
				found = true
				close(seen)
			}
			if err != nil {
				return
			}
		}
	}()
	select {
	case <-seen:
	case <-p.drained:
		ts.Fatalf("it ended without %q:\n%s", args[0], p.stderr.String())
	case <-time.After(30 * time.Second):
		ts.Fatalf("no %q in 30 s", args[0])
	}
	fixtureOf(ts).started = p
}

// signal SIGNAL STATUS: signals what start has started, and sees it end within 2 s with just this exit status
// (-9 for one that was killed). signal STOP: halts it, until it is to end by another signal.
func signalStarted(ts *testscript.TestScript, neg bool, args []string) {
	signals := map[string]os.Signal{"INT": syscall.SIGINT, "TERM": syscall.SIGTERM, "KILL": syscall.SIGKILL, "CONT": syscall.SIGCONT}
	if len(args) == 1 && args[0] == "STOP" && !neg {
		ts.Check(fixtureOf(ts).started.cmd.Process.Signal(syscall.SIGSTOP))
		return
	}
	if neg || len(args) != 2 || signals[args[0]] == nil {
		ts.Fatalf("usage: signal INT|TERM|KILL|CONT STATUS, or signal STOP")
	}
	p := fixtureOf(ts).started
	sent := time.Now()
	ts.Check(p.cmd.Process.Signal(signals[args[0]]))
	<-p.drained
	err := p.cmd.Wait()
	if took := time.Since(sent); took > 2*time.Second {
		ts.Fatalf("it ended %v after the signal, want 2 s at the most", took)
	}
	noSecret(ts, p.stdout.String()+p.stderr.String())
	_, _ = io.Copy(ts.Stdout(), &p.stdout)
	_, _ = io.Copy(ts.Stderr(), &p.stderr)
	checkStatus(ts, args[1], err)
}

// command is a command with the environment of a script, which only a command can tell.
func command(ts *testscript.TestScript, name string, args []string) *exec.Cmd {
	ts.Check(ts.Exec("env", "-0"))
	cmd := exec.Command(name, args...)
	cmd.Dir = ts.MkAbs(".")
	cmd.Env = strings.Split(strings.TrimSuffix(ts.ReadFile("stdout"), "\x00"), "\x00")
	return cmd
}

// environWithoutSettings is the environment of the tests without what is theirs alone.
func environWithoutSettings() []string {
	return slices.DeleteFunc(os.Environ(), func(variable string) bool { return strings.HasPrefix(variable, "PAPERTRADE_") })
}

func loadConfig(t *testing.T, env ...string) *config.Config {
	t.Helper()
	c, err := config.Load(config.Inputs{Environ: append(env, "HOME="+t.TempDir())})
	if err != nil {
		t.Fatal(err)
	}
	return c
}
