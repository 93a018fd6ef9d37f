package postgres

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// notPortable are what a pooler gives to the next client with the session, or what servers that are nearly Postgres refuse.
var notPortable = []string{
	`\bpg_(try_)?advisory`, `\bpg_locks\b`, `\bdo\s+(language\s+\w+\s+)?(\$|')`, `\bwith\s+recursive\b`,
	`\block\s+table\b`, `\bctid\b`, `\bsetval\b`, `\bcurrval\b`, `\blastval\b`, `\bpg_backend_pid\b`,
	`\bset_config\s*\(.*\bfalse\s*\)`, `\bcreate\s+(local\s+|global\s+)?(temp|temporary|unlogged)\b`,
	`(^|;)\s*(un)?listen\b`, `(^|;)\s*notify\b`, `\bpg_notify\b`, `(^|;)\s*(prepare|deallocate|discard|reset|load)\b`,
	`\bwith\s+hold\b`, `(^|;)\s*set\s+(session|time|role|[a-z_.]+\s*(=|to)\s)`,
	`\bpg_(terminate|cancel)_backend\b`, `\bpg_stat_activity\b`, `\bfor\s+(no\s+key\s+)?update\b`, `\bfor\s+(key\s+)?share\b`,
}

// exempt are texts of a source file that may be there nevertheless. What is not on a run's way, or may lock rows of several shards,
// says beside it what refuses it.
var exempt = []struct{ source, text string }{
	{"discovery.go", "with recursive priced (symbol) as"},
	{"prune.go", "for update skip locked"},
	{"tasks.go", "for update skip locked"},
	// These lock rows of small tables of papertrade's own, which have one shard, by their key.
	{"lease.go", "    for share) as held"},
	{"lease.go", "from papertrade.papertrade_leases where name = @name for update"},
	{"ledger.go", "from papertrade.papertrade_accounts where account = @account for update"},
	{"migrate.go", " where version_id = 0 for update nowait"},
}

var forbidden = regexp.MustCompile(`(?is)` + strings.Join(notPortable, "|"))

func TestPortableStatements(t *testing.T) {
	statements := map[string]string{}
	sources, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range sources {
		if !strings.HasSuffix(name, "_test.go") {
			collectTexts(t, name, statements)
		}
	}
	if len(statements) < 200 {
		t.Errorf("only %d texts were found", len(statements))
	}
	const lastUnchecked = 12 // those were written before, and are never edited
	all, err := steps()
	if err != nil {
		t.Fatal(err)
	}
	for _, step := range all {
		if step.version > lastUnchecked {
			statements["migration "+step.name] = step.statements
		}
	}
	used := map[string]bool{}
	for where, statement := range statements {
		for _, known := range exempt {
			if strings.HasPrefix(where, known.source+":") && strings.Contains(statement, known.text) {
				statement = strings.ReplaceAll(statement, known.text, "")
				used[known.source+": "+known.text] = true
			}
		}
		if found := forbidden.FindString(statement); found != "" {
			t.Errorf("%s: %q does not work on every server, or behind a pooler", where, found)
		}
	}
	for _, known := range exempt {
		if !used[known.source+": "+known.text] {
			t.Errorf("%s has no %q", known.source, known.text)
		}
	}
}

// collectTexts collects the texts of a source file by their place.
func collectTexts(t *testing.T, name string, into map[string]string) {
	t.Helper()
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, name, nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(file, func(node ast.Node) bool {
		if text, ok := node.(*ast.BasicLit); ok && text.Kind == token.STRING {
			into[files.Position(text.Pos()).String()], err = strconv.Unquote(text.Value)
			if err != nil {
				t.Fatal(err)
			}
		}
		return true
	})
}

// The words are found where they are, and only there.
func TestForbiddenWords(t *testing.T) {
	landed, err := os.ReadFile("migrations/00010_own_schema.sql")
	if err != nil {
		t.Fatal(err)
	}
	for _, statement := range []string{
		string(landed), "select pg_try_advisory_lock(1)", "set lock_timeout = 1", "begin; set statement_timeout to '1s'",
		"set session characteristics as transaction read only", "create temp table t ()", "listen news", "prepare p as select 1",
		"select set_config('lock_timeout', '1s', false)", "lock table t", "do 'begin end'",
		"select pg_terminate_backend(1)", "select pid from pg_stat_activity", "select from t\nfor update", "select from t for no key update",
		"select from t for share skip locked",
	} {
		if !forbidden.MatchString(statement) {
			t.Errorf("%q is not found", statement)
		}
	}
	for _, statement := range []string{
		"set local lock_timeout = '10s'", "set constraints all immediate", "update t\nset status = 'x'", "on conflict do update set a = 1",
		"select set_config('lock_timeout', '1s', true)", "it is prepared; nothing is done",
		"the right for updates",
	} {
		if found := forbidden.FindString(statement); found != "" {
			t.Errorf("%q is found in %q", found, statement)
		}
	}
}
