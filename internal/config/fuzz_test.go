package config

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/robfig/cron/v3"
)

// password is what no error and no text that is shown may have in it.
const password = "hunter2"

// maxError is what an error about a text may take, however long the text is.
const maxError = 2000

func FuzzParseDatabase(f *testing.F) {
	for _, s := range []string{
		"postgres://ada:pw%40@h:5433/db?sslmode=require", "postgresql+asyncpg://ada:pw@h/db?x=1&ssl=require", "postgres://a:pw@h1:1,h2:2/db",
		"postgres:///db?host=/run/pg&user=a&password=pw", "postgres://ada:pw@%2Frun%2Fpostgresql:5433/db", "postgres://[::1]:5432/db", "postgres://",
		"postgres://h/db?keepalives=1&keepalives_idle=30&gssencmode=disable", "sqlite:///prices.db", "sqlite+aiosqlite:////var/lib/p.db",
		"sqlite:///:memory:", "mysql2://h/db", strings.Repeat("x", 5000) + "://", "",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		database, err := ParseDatabase(s)
		if err != nil {
			if len(err.Error()) > maxError {
				t.Fatalf("the error about %d bytes has %d", len(s), len(err.Error()))
			}
			return
		}
		own := database.URL.Reveal()
		if database.Driver == SQLite {
			own = database.String()
		}
		again, err := ParseDatabase(own)
		database.Ignored = nil
		if diff := cmp.Diff(database, again, sameConfig); err != nil || diff != "" {
			t.Fatalf("%q is not read as it was written: %v (-want +got):\n%s", s, err, diff)
		}
	})
}

// However a password is written, it is hidden wherever the URL is shown, and known to what redacts it.
func FuzzPasswordOfADatabase(f *testing.F) {
	f.Add("postgres", "ada", "", "", "h/db")
	f.Add("postgresql+asyncpg", "", "%20", ":@", "%2Frun/db?ssl=require")
	f.Add("postgresql+psycopg2", "a:b", "/", "?", "h:port,h2/db#x")
	f.Add("sqlite", "", "", "", "/x.db")
	f.Fuzz(func(t *testing.T, scheme, user, before, after, rest string) {
		if strings.ContainsAny(user, "/?#@") || strings.Contains(scheme, password) || strings.Contains(user, password) || strings.Contains(rest, password) {
			return // the password is not one, or stands elsewhere too
		}
		if written := before + password + after; strings.Contains(written, "/") && strings.Contains(written, "?") {
			return // to libpq as well, this is a port, the name of a database and a parameter
		}
		database, err := ParseDatabase(scheme + "://" + user + ":" + before + password + after + "@" + rest)
		if err != nil {
			if strings.Contains(err.Error(), password) {
				t.Fatalf("the error is %v", err)
			}
			return
		}
		if database.Driver == SQLite { // which has none
			return
		}
		shown := database.String()
		if strings.Contains(shown, password) {
			t.Fatalf("it is shown as %q", shown)
		}
		c := &Config{Database: database}
		if text := c.Redact("connect: " + before + password + after); strings.Contains(text, password) && before == "" && after == "" {
			t.Fatalf("it is left in %q", text)
		}
	})
}

func FuzzParseDuration(f *testing.F) {
	for _, s := range []string{"12s", "1h30m", "7d", "2w", "1w2d12h", "15250w1d85636854775807ns", "0x1d", "-1s", "", "d", "1.5h", strings.Repeat("1", 5000)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		d, err := ParseDuration(s)
		if err != nil {
			if len(err.Error()) > maxError {
				t.Fatalf("the error about %d bytes has %d", len(s), len(err.Error()))
			}
			return
		}
		if again, err := ParseDuration(d.String()); d < 0 || again != d || err != nil {
			t.Fatalf("%q is %s, which is %s, %v", s, d, again, err)
		}
	})
}

// A schedule that is accepted fires.
func FuzzSchedule(f *testing.F) {
	for _, s := range []string{"0 0 * * *", "@daily", "@every 1h", "0 0 29 2 *", "0 0 30 2 *", "*/0 * * * *", "TZ=UTC", "@every -1s", "0 0 ? * MON-FRI", "1-59/7,3 * * * *"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		accepted, err := schedule(s)
		if err != nil {
			return
		}
		parsed, err := cron.ParseStandard(accepted)
		if err != nil {
			t.Fatal(err)
		}
		at := time.Date(2026, 11, 21, 0, 0, 0, 0, time.UTC)
		if next := parsed.Next(at); !next.After(at) {
			t.Fatalf("%q fires at %s after %s", s, next, at)
		}
	})
}

// Every setting takes a value, or refuses it in a line that is not long and shows no secret.
func FuzzSetting(f *testing.F) {
	for i, s := range Settings() {
		f.Add(i, s.Default)
		f.Add(i, s.example)
	}
	for i := range Settings() {
		f.Add(i, "postgres://ada:"+password+"@h/db")
		f.Add(i, strings.Repeat(" x,", 5000)+"=")
	}
	f.Fuzz(func(t *testing.T, index int, value string) {
		s := ourSchema()
		setting := &s.settings[uint(index)%uint(len(s.settings))]
		var found problems
		c := s.newConfig()
		for _, g := range setting.givenBy(Origin{Layer: LayerEnvironment, Name: setting.Variables[0]}, value, &found) {
			if err := setting.set(c, g); err != nil {
				found.add(g.refusal(err))
			}
		}
		isURL := strings.Contains(value, "://")
		for _, problem := range found {
			if !strings.HasPrefix(problem, setting.Variables[0]+": "+setting.Key) || strings.Contains(problem, "\n") || len(problem) > maxError {
				t.Fatalf("the problem with %s is %q, of %d bytes", setting.Key, problem, len(problem))
			}
			if (setting.Secret || isURL && strings.ContainsAny(value, "@?")) && strings.Contains(problem, password) {
				t.Fatalf("the problem with %s is %q", setting.Key, problem)
			}
		}
	})
}

// Whatever the file holds, what it gives has a line, and a problem is one short line.
func FuzzFile(f *testing.F) {
	for _, s := range []string{
		"[refresh]\nbatch_size = 5\nproviders = ['alphavantage']\n", "[currencies]\n'.LON' = 'GBX'\n", "quality = { by_ticker = { '.LON' = '35%' } }",
		"database.url = 'postgres://a:" + password + "@h/db'\n[[refresh]]\n", "a.'b\\n' = \"\"\"\n\n\"\"\"", "x = 1979-05-27T07:32:00Z", "[a]\n[a]\n", "\xff", "\x00 = 1",
		"currencies." + strings.Repeat("d", 5000) + " = 'USD'", "[" + strings.Repeat("a.", 3000) + "b]\nc = '" + strings.Repeat("d", 5000) + "'", strings.Repeat("[", 5000),
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, document string) {
		var found problems
		s := ourSchema()
		for _, g := range s.fileValues("config.toml", []byte(document), &found) {
			if g.origin.Line < 1 || g.origin.Line > 1+strings.Count(document, "\n") {
				t.Fatalf("%s is said to be on line %d of\n%s", g.setting.Key, g.origin.Line, document)
			}
			if err := g.setting.set(s.newConfig(), g); err != nil {
				found.add(g.refusal(err))
			}
		}
		for _, problem := range found {
			if !strings.HasPrefix(problem, "config.toml:") || strings.Contains(problem, "\n") || len(problem) > maxError {
				t.Fatalf("problem %q", problem)
			}
		}
	})
}
