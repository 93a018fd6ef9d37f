package main

import (
	"bytes"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// render returns what people read of a result.
func render(t *testing.T, r result) string { return renderAs(t, r, "") }

func renderAs(t *testing.T, r result, format outputFormat) string {
	t.Helper()
	var out bytes.Buffer
	if err := (printer{w: &out, format: format}).print(r); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestPrint(t *testing.T) {
	r := result{
		json:  map[string]string{"name": "a<b"},
		csv:   table{columns: []string{"a_name", "note"}, rows: [][]string{{"x", ""}, {"y, z", "long note"}}},
		plain: []string{"x", "y"},
		text: []section{
			{heading: "Names", table: table{columns: []string{"a_name", "note"}, rows: [][]string{{"x", ""}, {"a long name", "n"}}}, chart: "~~", summary: "That is all."},
			{heading: "Nothing", table: table{columns: []string{"a_name"}}},
		},
	}
	text := "Names\nA NAME       NOTE\nx            -\na long name  n\n\n~~\nThat is all.\n\nNothing\n"
	for format, want := range map[outputFormat]string{
		"": text, formatTable: text,
		formatJSON:  "{\n  \"name\": \"a<b\"\n}\n",
		formatCSV:   "a_name,note\nx,\n\"y, z\",long note\n",
		formatPlain: "x\ny\n",
	} {
		if diff := cmp.Diff(want, renderAs(t, r, format)); diff != "" {
			t.Errorf("%q (-want +got):\n%s", format, diff)
		}
	}
	for name, r := range map[string]result{"json": {json: make(chan int)}, "write": {json: 1}} {
		if err := (printer{w: brokenWriter{}, format: formatJSON}).print(r); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// A spreadsheet runs no cell, and numbers stay numbers.
func TestCSVCell(t *testing.T) {
	for text, want := range map[string]string{
		"": "", "x": "x", "-2": "-2", "+3.50": "+3.50", "-0.5%": "-0.5%", "1922.50": "1922.50",
		"=1+1": "'=1+1", "+1+1": "'+1+1", "-2+3": "'-2+3", "@SUM(A1)": "'@SUM(A1)", "-": "'-", "-1.": "'-1.",
		"\t=1": "'=1", "\r=1": "'=1", "\x00=1": "'=1", "\n@x": "'@x", "＝1": "'＝1", "a=1": "a=1", "'=1": "'=1",
	} {
		if got := csvCell(text); got != want {
			t.Errorf("csvCell(%q) = %s, want %s", text, got, want)
		}
	}
}

// Nothing from outside steers a terminal or makes a row or a field of its own, in no format.
func TestPrintUnsafe(t *testing.T) {
	const unsafe = "a\x1b[2J\x00\u202e\xff\nb\tc"
	r := result{
		json:  map[string]string{"name": unsafe},
		csv:   table{columns: []string{"name"}, rows: [][]string{{unsafe}}},
		plain: []string{"x\ta\x1b\nb"},
		text:  []section{{heading: "a\x1b", table: table{columns: []string{"name"}, rows: [][]string{{unsafe}}}, summary: "a\u202e\nb"}},
	}
	for format, want := range map[outputFormat]string{
		formatTable: "a\\u001b\nNAME\na\\u001b[2J\\u202e\ufffd b c\na\\u202e\nb\n",
		formatJSON:  "{\n  \"name\": \"a\\\\u001b[2J\\\\u202e\ufffd\\nb\\tc\"\n}\n",
		formatCSV:   "name\na\\u001b[2J\\u202e\ufffd b c\n",
		formatPlain: "x\ta\\u001b b\n",
	} {
		if diff := cmp.Diff(want, renderAs(t, r, format)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", format, diff)
		}
	}
}

func TestWantsResult(t *testing.T) {
	for p, want := range map[printer]bool{
		{}: true, {quiet: true}: false, {quiet: true, format: formatJSON}: true, {format: formatJSON}: true,
	} {
		if got := p.wantsResult(); got != want {
			t.Errorf("%+v: %v", p, got)
		}
	}
}

func TestWithDefault(t *testing.T) {
	if got := (printer{}).withDefault(formatCSV).format; got != formatCSV {
		t.Errorf("%q by default", got)
	}
	if got := (printer{format: formatPlain}).withDefault(formatCSV).format; got != formatPlain {
		t.Errorf("%q, though another was asked for", got)
	}
}

func TestFormats(t *testing.T) {
	at := time.Date(2026, 11, 21, 0, 0, 1, 999, time.FixedZone("", 3600))
	got := []string{
		formatTime(time.Time{}), formatTime(at), count(0, "call", "calls"), count(1, "call", "calls"), count(2, "call", "calls"),
		formatPositive(0), formatPositive(12),
	}
	if diff := cmp.Diff([]string{"", "2026-11-20T23:00:01Z", "0 calls", "1 call", "2 calls", "", "12"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestFitting(t *testing.T) {
	all := table{columns: []string{"ticker", "sessions", "closes"}, rows: [][]string{{"AAPL", "1", "▁▂▃▄▅▆▇█"}}}
	for width, want := range map[int]int{0: 3, 80: 3, 26: 3, 25: 2, 16: 2, 15: 1, 1: 1} {
		if got := all.fitting(width, "closes", "sessions"); len(got.columns) != want || len(got.rows[0]) != want {
			t.Errorf("%d columns of a terminal show %v", width, got.columns)
		}
	}
}
