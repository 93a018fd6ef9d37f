package safetext_test

import (
	"encoding/json"
	"fmt"
	"html"
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"papertrade/pkg/safetext"
)

func TestRedact(t *testing.T) {
	const key = `a"k&y<1/Ö 2'`
	r := safetext.NewRedactor(key, "", "longer-key", "longer-key-2")
	forms := map[string]string{
		"as it is":              key,
		"in capitals":           `A"K&Y<1/Ö 2'`,
		"in small letters":      `a"k&y<1/ö 2'`,
		"query":                 url.QueryEscape(key),
		"query, lower case":     strings.ToLower(url.QueryEscape(key)),
		"path":                  url.PathEscape(key),
		"every byte":            "%61%22%6b%26%79%3c%31%2f%c3%96%20%32%27",
		"capitals, every byte":  "%41%22%4b%26%59%3c%31%2f%c3%96%20%32%27",
		"query twice":           url.QueryEscape(strings.ReplaceAll(url.QueryEscape(key), "+", "%20")),
		"HTML":                  html.EscapeString(key),
		"HTML by name":          "a&quot;k&amp;y&lt;1/Ö 2&apos;",
		"HTML by number":        "&#97;&#x22;k&#038;y&#x003C;1/Ö 2&#039;",
		"HTML in a URL":         "a%26%2334%3Bk&y<1/Ö 2'",
		"JSON":                  `a\"k\u0026y\u003C1/Ö 2'`,
		"JSON of JSON":          `a\\\"k\\u0026y\\u003c1/Ö 2'`,
		"JSON of HTML":          `a\u0026#34;k\u0026amp;y\u0026lt;1\/\u00d6 2\u0027`,
		"Go":                    fmt.Sprintf("%+q", key)[1 : len(fmt.Sprintf("%+q", key))-1],
		"several in one":        `%61"k&amp;y\u003c1%2fÖ+2'`,
		"another secret":        "longer-key",
		"one that begins so":    "longer-key-2",
		"another, in capitals":  "LONGER-KEY",
		"after what looks like": "longer-longer-key"[len("longer-"):],
	}
	for name, form := range forms {
		t.Run(name, func(t *testing.T) {
			if got := r.Redact("key=" + form + ";"); got != "key=***;" {
				t.Errorf("Redact(%s) = %s", form, got)
			}
		})
	}
	for _, text := range []string{"", "nothing here", "longer", "%61%22", `\u0061`, "longer-kez"} {
		if got := r.Redact(text); got != text {
			t.Errorf("Redact(%s) = %s", text, got)
		}
	}
	if got := r.Redact("longer-longer-key,longer-key"); got != "longer-***,***" {
		t.Errorf("Redact = %s", got)
	}
}

// A secret that stands where a long text is cut is not left in half.
func TestRedactWhatIsCut(t *testing.T) {
	const key = "longer-key-0123456789"
	r := safetext.NewRedactor(key)
	for _, safe := range []func(string) string{safetext.Line, safetext.Cell, safetext.Lines} {
		for shift := range 2 * len(key) {
			text := strings.Repeat("x", shift) + strings.Repeat(" "+key, safetext.MaxLines/len(key))
			if got := r.Redact(safe(text)); strings.Contains(got, "longer") {
				t.Fatalf("after %d bytes: …%s", shift, got[len(got)-40:])
			}
		}
	}
}

// However a secret is written, twice if need be, it is found.
func TestRedactProperty(t *testing.T) {
	encodings := map[string]func(string) string{
		"plain": func(s string) string { return s }, "query": url.QueryEscape, "path": url.PathEscape, "html": html.EscapeString,
		"json":  func(s string) string { text, _ := json.Marshal(s); return string(text[1 : len(text)-1]) },
		"go":    func(s string) string { text := fmt.Sprintf("%q", s); return text[1 : len(text)-1] },
		"lower": strings.ToLower, "upper": strings.ToUpper,
	}
	names := []string{"plain", "query", "path", "html", "json", "go", "lower", "upper"}
	rapid.Check(t, func(t *rapid.T) {
		key := rapid.StringMatching(`[!-~]{4,20}`).Draw(t, "key")
		first, second := rapid.SampledFrom(names).Draw(t, "first"), rapid.SampledFrom(names).Draw(t, "second")
		written := encodings[second](encodings[first](key))
		if got := safetext.NewRedactor(key).Redact(" " + written + " "); got != " *** " {
			t.Fatalf("Redact(%s) = %s", written, got)
		}
	})
}

func FuzzRedact(f *testing.F) {
	f.Add("hunter2", "the key hunter2", "")
	f.Add(`\\%&`, `\\\\%25&amp;`, "x")
	f.Fuzz(func(t *testing.T, secret, before, after string) {
		if len(secret) > 100 || strings.Contains(secret, "*") || !utf8.ValidString(before) || !utf8.ValidString(secret) {
			return // what is left can meet *** or half a character and look like the secret
		}
		got := safetext.NewRedactor(secret).Redact(safetext.Lines(before + secret + after))
		if left := safetext.Lines(secret); left != "" && strings.Contains(got, left) {
			t.Errorf("Redact leaves %q in %q", secret, got)
		}
	})
}
