package config

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// Whatever the file holds, its reader answers with values or problems, one for each line that is not right.
func TestAnyFile(t *testing.T) {
	names := []string{"log", "refresh", "level", "batch_size", "'a.b'", `"\u00e9"`, "x", "currencies", "quality", "by_ticker", "'.LON'", "' azn.lon'"}
	for _, s := range Settings() {
		names = append(names, s.Key)
	}
	values := []string{
		"1", "-0x1", "0.5", "nan", "true", "''", "'info'", "[]", "['watchlist']", "[1, 'a', [{}]]", "{}",
		"{ level = 'info' }", "'GBX'", "'35%'", "{ '.LON' = 'GBX' }", "{ by_ticker = { '.LON' = '35%' } }", "{ a.b = 1, c = { d = [] } }", "2026-01-01", "12:00:00", "2026-01-01T00:00:00Z",
		`"\u0000"`, "'''\n\n'''", "[\n'5/1m',\n]", "'TZ='", "'@every 0s'", "'sqlite:////x'", "'postgres://a:b@c/d?e'", "",
	}
	line := rapid.OneOf(
		rapid.Custom(func(t *rapid.T) string {
			key := strings.Join(rapid.SliceOfN(rapid.SampledFrom(names), 1, 3).Draw(t, "key"), ".")
			return key + " = " + rapid.SampledFrom(values).Draw(t, "value")
		}),
		rapid.Custom(func(t *rapid.T) string {
			key := strings.Join(rapid.SliceOfN(rapid.SampledFrom(names), 1, 3).Draw(t, "key"), ".")
			return rapid.SampledFrom([]string{"[" + key + "]", "[[" + key + "]]"}).Draw(t, "header")
		}),
		rapid.String(),
	)
	rapid.Check(t, func(t *rapid.T) {
		lines := rapid.SliceOfN(line, 0, 6).Draw(t, "lines")
		document := strings.Join(lines, "\n")
		var problems problems
		s := ourSchema()
		for _, g := range s.fileValues("config.toml", []byte(document), &problems) {
			if g.origin.Line < 1 || g.origin.Line > 1+strings.Count(document, "\n") {
				t.Fatalf("%s is said to be on line %d of\n%s", g.setting.Key, g.origin.Line, document)
			}
			if err := g.setting.set(s.newConfig(), g); err != nil && g.refusal(err) == "" {
				t.Fatalf("%s is refused without a word", g.setting.Key)
			}
		}
		for _, problem := range problems {
			if !strings.HasPrefix(problem, "config.toml:") || strings.Contains(problem, "\n") {
				t.Fatalf("problem %q", problem)
			}
		}
	})
}
