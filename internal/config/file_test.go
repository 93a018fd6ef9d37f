package config

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
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

// However many entries a table has, however they are written, each has its value and its line, and one that is there
// twice is reported.
func TestEntriesOfALargeTable(t *testing.T) {
	const n = 20_000
	var document strings.Builder
	document.WriteString("refresh.batch_size = 7\n[currencies]\n")
	for i := range n {
		fmt.Fprintf(&document, "'T%d.LON' = 'EUR' # one of many\n", i)
	}
	document.WriteString(`"U.LON" = """
EUR"""
'V.LON' = '''EUR'''
'T7.LON' = "\u0055SD"
'W.LON' = 1
[log]
format = 'json'
`)
	var problems problems
	values := ourSchema().fileValues("config.toml", []byte(document.String()), &problems)
	if len(values) != n+5 {
		t.Fatalf("%d values, want %d; %v", len(values), n+5, problems)
	}
	c := ourSchema().newConfig()
	c.apply(values, &problems)
	want := []string{
		`config.toml:20007: currencies."W.LON": the number 1 is not a code of ISO 4217 like "HKD", ` +
			`or GBX, ZAC or ILA for hundredths of GBP, ZAR or ILS: write it in quotes`,
		`config.toml:20006: currencies."T7.LON" is given twice (config.toml:10): keep one of them`,
	}
	if diff := cmp.Diff(want, []string(problems)); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
	if got := values[len(values)-1].origin.Line; got != n+9 {
		t.Errorf("the last value is on line %d, want %d", got, n+9)
	}
}

// BenchmarkCurrencies shows what one of 200,000 entries of a table takes, as a ratio to one of 2,000.
func BenchmarkCurrencies(b *testing.B) {
	perEntry := func(n int) float64 {
		var document strings.Builder
		document.WriteString("[currencies]\n")
		for i := range n {
			fmt.Fprintf(&document, "'T%d.LON' = 'EUR'\n", i)
		}
		path := filepath.Join(b.TempDir(), "config.toml")
		if err := os.WriteFile(path, []byte(document.String()), 0o600); err != nil {
			b.Fatal(err)
		}
		start := time.Now()
		if _, err := Load(Inputs{File: path, Environ: []string{"HOME=/h"}}); err != nil {
			b.Fatal(err)
		}
		return float64(time.Since(start)) / float64(n)
	}
	for b.Loop() {
		b.ReportMetric(perEntry(200_000)/perEntry(2_000), "x-few")
	}
}
