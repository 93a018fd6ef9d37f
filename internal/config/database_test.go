package config

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseDatabase(t *testing.T) {
	hosts := func(n int, url string) Database { return Database{Driver: Postgres, URL: Secret(url), Hosts: n} }
	postgres := func(url string) Database { return hosts(1, url) }
	sqlite := func(path string) Database { return Database{Driver: SQLite, Path: path} }
	tests := []struct {
		url   string
		want  Database
		shown string
	}{
		{"postgres://ada:pw%40@h:5433/db?sslmode=require", postgres("postgres://ada:pw%40@h:5433/db?sslmode=require"), "postgres://ada:***@h:5433/db?sslmode=require"},
		{"postgresql://ada@h/db", postgres("postgres://ada@h/db"), "postgres://ada@h/db"},
		{"PostgreSQL://h/db", postgres("postgres://h/db"), "postgres://h/db"},
		{"postgresql+asyncpg://ada:pw@h/db?x=1&ssl=require", postgres("postgres://ada:pw@h/db?x=1&sslmode=require"), "postgres://ada:***@h/db?x=1&sslmode=require"},
		{"postgresql+asyncpg://ada:pw@h/ssl=x", postgres("postgres://ada:pw@h/ssl=x"), "postgres://ada:***@h/ssl=x"},
		{"postgresql+psycopg://h/db?ssl=1", postgres("postgres://h/db?ssl=1"), "postgres://h/db?ssl=1"},
		{"postgresql+psycopg2://h/db", postgres("postgres://h/db"), "postgres://h/db"},
		{"postgres://a:pw@h1:1,h2:2/db", hosts(2, "postgres://a:pw@h1:1,h2:2/db"), "postgres://a:***@h1:1,h2:2/db"},
		{"postgres://u:p@a:5432,b/db", hosts(2, "postgres://u:p@a:5432,b/db"), "postgres://u:***@a:5432,b/db"},
		{"postgresql+asyncpg://u:p@a,b:,c:5433/db?ssl=require", hosts(3, "postgres://u:p@a,b:,c:5433/db?sslmode=require"), "postgres://u:***@a,b:,c:5433/db?sslmode=require"},
		{"postgres://u@[::1]:5432,b:1/db", hosts(2, "postgres://u@[::1]:5432,b:1/db"), "postgres://u@[::1]:5432,b:1/db"},
		{"postgres://u:p@b,[fe80::1%25eth0],[::2]:1", hosts(3, "postgres://u:p@b,[fe80::1%25eth0],[::2]:1"), "postgres://u:***@b,[fe80::1%25eth0],[::2]:1"},
		{"postgres://u:p@%2Frun%2Fpg:5433,b/db", hosts(2, "postgres://u:p@%2Frun%2Fpg:5433,b/db"), "postgres://u:***@%2Frun%2Fpg:5433,b/db"},
		{"postgres://u:p@a:1,%2frun?connect_timeout=5", hosts(2, "postgres://u:p@a:1,%2frun?connect_timeout=5"), "postgres://u:***@a:1,%2frun?connect_timeout=5"},
		{"postgres://u:p@,b/db", hosts(2, "postgres://u:p@,b/db"), "postgres://u:***@,b/db"},
		{"postgres://u:p@a,,b/db", hosts(3, "postgres://u:p@a,,b/db"), "postgres://u:***@a,,b/db"},
		{"postgres://u:p@:5433/db", postgres("postgres://u:p@:5433/db"), "postgres://u:***@:5433/db"},
		{"postgres://u:p%2Cq@a/db", postgres("postgres://u:p%2Cq@a/db"), "postgres://u:***@a/db"},
		{"postgres://u:p,q@a,b/db", hosts(2, "postgres://u:p,q@a,b/db"), "postgres://u:***@a,b/db"},
		{"postgres://a%2Cb/db", hosts(2, "postgres://a%2Cb/db"), "postgres://a%2Cb/db"},
		{"postgres://u:p@/db?host=a,b&port=1,2", hosts(2, "postgres://u:p@/db?host=a,b&port=1,2"), "postgres://u:***@/db?host=a,b&port=1,2"},
		{"postgres://a,b/db?host=c&password=p,q", hosts(1, "postgres://a,b/db?host=c&password=p,q"), "postgres://a,b/db?host=c&password=***"},
		{"postgres://a/db?host=a&host=%2Frun,b", hosts(2, "postgres://a/db?host=a&host=%2Frun,b"), "postgres://a/db?host=a&host=%2Frun,b"},
		{"postgres://a/db?application_name=x,y", postgres("postgres://a/db?application_name=x,y"), "postgres://a/db?application_name=x,y"},
		{"postgres:///db?host=/run/pg&user=a&password=pw", postgres("postgres:///db?host=/run/pg&user=a&password=pw"), "postgres:///db?host=/run/pg&user=a&password=***"},
		{"postgres://h/db?%70assword=pw", postgres("postgres://h/db?%70assword=pw"), "postgres://h/db?%70assword=***"},
		{"postgres://", postgres("postgres://"), "postgres://"},
		{"postgres://ada:pw@%2Frun%2Fpostgresql/db", postgres("postgres://ada:pw@%2Frun%2Fpostgresql/db"), "postgres://ada:***@%2Frun%2Fpostgresql/db"},
		{"postgresql://%2frun:5433/db?x=1", postgres("postgres://%2frun:5433/db?x=1"), "postgres://%2frun:5433/db?x=1"},
		{"postgresql://%2Frun", postgres("postgres://%2Frun"), "postgres://%2Frun"},
		{"postgres://h/db?target_session_attrs=read-write", postgres("postgres://h/db?target_session_attrs=read-write"), "postgres://h/db?target_session_attrs=read-write"},
		{"postgres://h/db?keepalives=1&keepalives_idle=30&gssencmode=disable", Database{Driver: Postgres, URL: "postgres://h/db", Hosts: 1, Ignored: []string{"keepalives", "keepalives_idle", "gssencmode"}}, "postgres://h/db"},
		{"postgresql+asyncpg://h/db?prepared_statement_cache_size=0&ssl=require&command_timeout=5", Database{Driver: Postgres, URL: "postgres://h/db?sslmode=require", Hosts: 1, Ignored: []string{"prepared_statement_cache_size", "command_timeout"}}, "postgres://h/db?sslmode=require"},
		{"sqlite:///prices.db", sqlite("prices.db"), "sqlite:///prices.db"},
		{"sqlite:///../a/prices.db", sqlite("../a/prices.db"), "sqlite:///../a/prices.db"},
		{"sqlite:////var/lib/p.db", sqlite("/var/lib/p.db"), "sqlite:////var/lib/p.db"},
		{"sqlite+aiosqlite:///./prices.db", sqlite("./prices.db"), "sqlite:///./prices.db"},
	}
	for _, tt := range tests {
		got, err := ParseDatabase(tt.url)
		if err != nil {
			t.Errorf("%s: %v", tt.url, err)
			continue
		}
		if diff := cmp.Diff(tt.want, got, sameConfig); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.url, diff)
		}
		for _, verb := range []string{"%s", "%v", "%+v", "%#v"} {
			if s := fmt.Sprintf(verb, got); s != tt.shown {
				t.Errorf("%s: %s prints %s, want %s", tt.url, verb, s, tt.shown)
			}
		}
	}
	if s := (Database{}).String(); s != "" {
		t.Errorf("the zero Database prints %q", s)
	}
}

func TestParseDatabaseRefusals(t *testing.T) {
	const (
		unreadable = "it cannot be read; percent-encode what is special in the user and the password (@ is %40, # is %23, / is %2F, ? is %3F)"
		parameters = "what follows the ? cannot be read; percent-encode what is special in it"
		noFile     = "it names no file, so nothing would be kept"
		memory     = "a database in memory would keep nothing"
		pathOnly   = "it takes the path of a file and no parameters"
	)
	tests := map[string]string{
		"":                                          "not allowed",
		"hunter2":                                   "not allowed",
		"host=h password=hunter2":                   "not allowed",
		"hunter2 with ://":                          "not allowed",
		"postgres:hunter2":                          "not allowed",
		"postgresql+pg8000://h/db":                  `the scheme "postgresql+pg8000" is not known`,
		"mysql://a:hunter2@h/db":                    `the scheme "mysql" is not known`,
		"postgres://a:hunt#er2@h/db":                unreadable,
		"postgres://a:12/hunter2@h/db":              unreadable,
		"postgres://a:12?hunter2@h/db":              unreadable,
		"postgres://a:hunt@er2@h/db":                unreadable,
		"postgres://a:hunter%2@h/db":                unreadable,
		"postgres://a:hunter2@h:port/db":            unreadable,
		"postgres://a:b@hunter2,h:port/db":          unreadable,
		"postgres://a:b@[hunter2,h/db":              unreadable,
		"postgres://a:b@[hunter2]x,h/db":            unreadable,
		"postgres://a:b@[],hunter2/db":              unreadable,
		"postgres://a:b@h,hunter2%zz/db":            unreadable,
		"postgres://a:b@h,hunter2%00/db":            unreadable,
		"postgres://a:b@h,hunt er2/db":              unreadable,
		"postgres://a:hunter2@h,h2#x/db":            unreadable,
		"postgres://a:hunter2@h,b@h2/db":            unreadable,
		"postgres://a:hunter2@h/db?x=%zz":           parameters,
		"postgres://a@h/db?password=hunter2#x":      parameters,
		"postgres://a:hunter2@h/db?sslmode=hunter2": "its parameter sslmode must be one of disable, allow, prefer, require, verify-ca, verify-full",
		"postgres://h/db?target_session_attrs=x":    "its parameter target_session_attrs must be one of any, read-write, read-only, primary, standby, prefer-standby",
		"postgres://h/db?gssencmode=require":        "its parameter gssencmode must be one of disable, prefer",
		"sqlite://":                                 noFile,
		"sqlite:///":                                noFile,
		"sqlite:///:memory:":                        memory,
		"sqlite://:memory:":                         memory,
		"sqlite:///file:x?mode=memory":              memory,
		"sqlite:///file:x":                          pathOnly,
		"sqlite:///x.db?mode=ro":                    pathOnly,
		"sqlite://prices.db":                        "two slashes are followed by a host, which SQLite does not have",
		"sqlite:////var/lib/":                       "it names a directory, not a file",
	}
	for url, want := range tests {
		_, err := ParseDatabase(url)
		if err == nil || err.Error() != want {
			t.Errorf("ParseDatabase(%q): %v, want %s", url, err, want)
		}
		if err != nil && strings.Contains(err.Error(), "hunt") {
			t.Errorf("ParseDatabase(%q) shows a password: %v", url, err)
		}
	}
}

// The path of a SQLite file is absolute from here on. One that lacks a slash leads nowhere from the working directory, and
// somewhere from the root.
func TestRelativePathOfADatabase(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	if err := os.Mkdir("etc", 0o700); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		path, want string
		warns      bool
	}{
		{"prices.db", dir + "/prices.db", false},
		{"./prices.db", dir + "/prices.db", false},
		{"../prices.db", filepath.Dir(dir) + "/prices.db", false},
		{"../tmp/prices.db", filepath.Dir(dir) + "/tmp/prices.db", false},
		{"etc/prices.db", dir + "/etc/prices.db", false},
		{"nowhere/prices.db", dir + "/nowhere/prices.db", false},
		{"tmp", dir + "/tmp", false},
		{"tmp/prices.db", dir + "/tmp/prices.db", true},
		{"./tmp/prices.db", dir + "/tmp/prices.db", true},
		{"/tmp/prices.db", "/tmp/prices.db", false},
	} {
		c := mustLoad(t, "", "DATABASE_URL=sqlite:///"+tt.path)
		if c.Database.Path != tt.want {
			t.Errorf("%s: the path is %s, want %s", tt.path, c.Database.Path, tt.want)
		}
		if shown := valueOf(t, c, databaseURL).Value; shown != "sqlite:///"+tt.want {
			t.Errorf("%s is shown as %s", tt.path, shown)
		}
		var want []Notice
		if tt.warns {
			want = []Notice{{
				"three slashes are followed by a path that is relative to the working directory: write four if it begins at the root",
				"database", "sqlite:///" + tt.want}}
		}
		if diff := cmp.Diff(want, c.Warnings); diff != "" {
			t.Errorf("%s: Warnings (-want +got):\n%s", tt.path, diff)
		}
	}
}

func TestStateDir(t *testing.T) {
	for _, tt := range []struct {
		environ   []string
		want, err string
	}{
		{[]string{"HOME=/h"}, "/h/.local/state/papertrade", ""},
		{[]string{"HOME=/h", "XDG_STATE_HOME=/var/state/"}, "/var/state/papertrade", ""},
		{[]string{"HOME=/h", "XDG_STATE_HOME=state"}, "", `find the directory of papertrade's state: make XDG_STATE_HOME an absolute path, it is "state"`},
		{nil, "", "find the directory of papertrade's state: set HOME or XDG_STATE_HOME"},
	} {
		c, err := Load(Inputs{Environ: append(tt.environ, "DATABASE_URL=sqlite:////p.db")})
		if err != nil {
			t.Fatal(err)
		}
		dir, err := c.StateDir()
		if dir != tt.want || (err == nil) != (tt.err == "") || err != nil && err.Error() != tt.err {
			t.Errorf("%v: %q, %v", tt.environ, dir, err)
		}
	}
}
