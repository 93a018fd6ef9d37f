package config

import (
	"math"
	"strconv"
	"strings"
	"testing"
	"time"
)

// accepts checks which texts a parser takes and which it refuses.
func accepts[T any](t *testing.T, name string, parse func(string) (T, error), good, bad []string) {
	t.Helper()
	for _, s := range good {
		if _, err := parse(s); err != nil {
			t.Errorf("%s refuses %q: %v", name, s, err)
		}
	}
	for _, s := range bad {
		if v, err := parse(s); err == nil {
			t.Errorf("%s takes %q for %v", name, s, v)
		}
	}
}

func TestParsers(t *testing.T) {
	accepts(t, "upTo(10)", upTo(10), []string{"1", "2", "10", "+3"}, []string{"", "0", "-1", "11", "1.0", "ten", "99999999999999999999", " 1"})
	accepts(t, "share", share, []string{"0", "0.0", "0.5", "1", "1.0", "5e-1"}, []string{"", "-0.1", "1.1", "1.5", "2", "nan", "inf", "-inf", "half", "50%"})
	accepts(t, "truth", truth, []string{"true", "false", "1", "0", "T"}, []string{"", "yes", "2"})
	accepts(t, "timeout", timeout, []string{"1ns", "10s", "1d"}, []string{"", "0", "0s", "0d", "-1s", "soon"})
	accepts(t, "schedule", schedule, []string{"0 0 * * *", "@daily", "@every 1h", "0 0 29 2 *"}, []string{
		"", "0 0 * *", "0 0 30 2 *", "TZ=UTC", "TZ=UTC 0 0 * * *", "CRON_TZ=UTC 0 0 * * *", "CRON_TZ="})
	accepts(t, "filePath", filePath, []string{"", "a", "/a b"}, []string{"a\x00b", "\x00"})
	accepts(t, "promFile", promFile, []string{"a.prom", "/a/b.prom", "a/..prom"}, []string{"", "a", ".prom", "/a/.prom", "a.prom.txt", "a\x00.prom"})
	accepts(t, "webURL", webURL, []string{"http://h", "https://h/p?q", "https://u:p@h:1"}, []string{
		"", "h", "/p", "ftp://h", "https://", "https://:1", "https:h", "http://h:port", "://"})
	accepts(t, "baseURL", baseURL, []string{"https://h", "https://h:1/p", "http://localhost:1/p", "http://127.0.0.1", "http://127.9.9.9/", "http://[::1]:8/", "https://h?", "https://h?q", "http://127.0.0.1/query?foo=1&token=t"}, []string{
		"", "h", "ftp://h", "https://u@h", "https://u:p@h", "https://h?apikey=k", "https://h?a=1&API_KEY=k", "https://h?a;b", "https://h?%zz", "https://h#", "https://h/#f", "http://h", "http://10.0.0.1", "http://localhost.example", "http://[::2]"})
	accepts(t, "parseKey", parseKey, []string{"k", " k ", "\tk\n", "!#~"}, []string{"", " ", "a b", "a\tb", "ä", "a\x7f", "\x01"})
	accepts(t, "optional", optional(parseKey), []string{"", "k"}, []string{" ", "a b"})
	accepts(t, "oneOf", oneOf([]string{"a", "b"}), []string{"a", "b"}, []string{"", "c", "A", "ab"})
}

func TestParsedValues(t *testing.T) {
	if n, err := upTo(math.MaxInt)(strconv.Itoa(math.MaxInt)); n != math.MaxInt || err != nil {
		t.Errorf("upTo = %d, %v", n, err)
	}
	if f, err := share("0.25"); f != 0.25 || err != nil {
		t.Errorf("share = %v, %v", f, err)
	}
	for text, want := range map[string]bool{"true": true, "1": true, "false": false, "0": false} {
		if got, err := truth(text); got != want || err != nil {
			t.Errorf("truth(%s) = %v, %v", text, got, err)
		}
	}
	if d, err := timeout("1m"); d != time.Minute || err != nil {
		t.Errorf("timeout = %s, %v", d, err)
	}
	if key, err := parseKey("\n k3y "); key.Reveal() != "k3y" || err != nil {
		t.Errorf("parseKey = %q, %v", key.Reveal(), err)
	}
}

// The longest durations still fit, to the nanosecond.
func TestLongestDuration(t *testing.T) {
	accepts(t, "ParseDuration", ParseDuration,
		[]string{"9223372036854775807ns", "106751d85636854775807ns", "15250w1d85636854775807ns", "15250w"},
		[]string{"9223372036854775808ns", "106751d85636854775808ns", "15250w1d85636854775808ns", "15251w", "15250w2d", "4294967296d", "0x1d"})
	if d, err := ParseDuration("15250w1d85636854775807ns"); d != math.MaxInt64 || err != nil {
		t.Errorf("ParseDuration = %d, %v", d, err)
	}
}

func TestAnyOf(t *testing.T) {
	for want, values := range map[string][]string{
		"a, the only choice": {"a"}, "one of a or b": {"a", "b"}, "one of a, b or c": {"a", "b", "c"},
	} {
		if got := anyOf(values); got != want {
			t.Errorf("anyOf(%v) = %s, want %s", values, got, want)
		}
	}
}

func TestConcealURL(t *testing.T) {
	for url, want := range map[string]string{
		"": "", "https://h": "https://h", "https://h/": "https://h/", "https://h:8": "https://h:8",
		"https://h/a": "https://h/***", "https://h?a": "https://h/***", "https://u@h": "https://h/***", "https://h:8/a": "https://h:8/***",
		"https://h:port": "",
	} {
		if got := concealURL(url); got != want {
			t.Errorf("concealURL(%s) = %s, want %s", url, got, want)
		}
	}
}

func TestClip(t *testing.T) {
	for _, text := range []string{"", "é", strings.Repeat("é", 60)} {
		if got := clip(text); got != text {
			t.Errorf("clip(%s) = %s", text, got)
		}
	}
	if got, want := clip(strings.Repeat("é", 61)), strings.Repeat("é", 60)+"…"; got != want {
		t.Errorf("clip = %s, want %s", got, want)
	}
}

func TestConceals(t *testing.T) {
	plain, secret, url := &Setting{}, &Setting{Secret: true}, &Setting{conceal: true}
	for _, tt := range []struct {
		setting *Setting
		value   string
		want    bool
	}{
		{plain, "x", false}, {plain, "a@b?", false}, {plain, "https://h/p", false}, {plain, "https://u@h", true}, {plain, "https://h?q", true},
		{secret, "x", true}, {url, "x", true},
	} {
		if got := tt.setting.conceals(tt.value); got != tt.want {
			t.Errorf("%+v conceals %s: %v", tt.setting, tt.value, got)
		}
	}
}

func TestShellQuote(t *testing.T) {
	const plain = "/azAZ09._-+,:@%"
	for path, want := range map[string]string{
		plain: plain, "": "", "a b": "'a b'", "a'b": `'a'\''b'`, "~/a": "'~/a'", "$a": "'$a'", "ä": "'ä'",
		"a;": "'a;'", "a[": "'a['", "a`": "'a`'", "a{": "'a{'", "a*": "'a*'", "a\x7f": "'a\x7f'", "a=": "'a='",
	} {
		if got := shellQuote(path); got != want {
			t.Errorf("shellQuote(%q) = %s, want %s", path, got, want)
		}
	}
}
