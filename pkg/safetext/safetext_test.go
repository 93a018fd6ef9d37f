package safetext_test

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"papertrade/pkg/safetext"
)

func TestLine(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"safe", "Prices of ÅÄÖ are -3.5%: 価格 ✓", "Prices of ÅÄÖ are -3.5%: 価格 ✓"},
		{"empty", "", ""},
		{"NUL", "a\x00b", "ab"},
		{"controls", "a\ab\bc\x7fd", "abcd"},
		{"control between spaces", "a \x00 b", "a b"},
		{"lines", "a\r\nb\rc\td\ve\u2028f\u0085g", "a b c d e f g"},
		{"escape sequence", "\x1b[31mred\x1b[0m", `\u001b[31mred\u001b[0m`},
		{"escape of one character", "\u009b31mred", `\u009b31mred`},
		{"title of a window", "\x1b]0;owned\a", `\u001b]0;owned`},
		{"direction", "a\u202eb\u2066c\u200fd\u061ce", `a\u202eb\u2066c\u200fd\u061ce`},
		{"invisible", "a\u200bb\ufeffc\U000e0041", `a\u200bb\ufeffc\U000e0041`},
		{"not UTF-8", "a\xffb\xc3", "a\ufffdb\ufffd"},
		{"long", strings.Repeat("é", safetext.MaxLine+1), strings.Repeat("é", safetext.MaxLine) + "…"},
		{"long, of words", strings.Repeat(" a-key", safetext.MaxLine), strings.Repeat(" a-key", safetext.MaxLine/6)[1:] + "…"},
		{"just not long", strings.Repeat("é", safetext.MaxLine), strings.Repeat("é", safetext.MaxLine)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, safetext.Line(tt.text)); diff != "" {
				t.Errorf("Line (-want +got):\n%s", diff)
			}
		})
	}
}

func TestCell(t *testing.T) {
	got := safetext.Cell(" bad!\r\na  b\tc\x00\x1b[2J\u202e \xff ")
	if want := " bad! a  b c\\u001b[2J\\u202e \ufffd "; got != want {
		t.Errorf("Cell = %q, want %q", got, want)
	}
	if got := utf8.RuneCountInString(safetext.Cell(strings.Repeat("é", safetext.MaxLine+1))); got != safetext.MaxLine+1 {
		t.Errorf("Cell returns %d runes", got)
	}
}

func TestLines(t *testing.T) {
	got := safetext.Lines("a\r\n\tb  c\x00\x1b[2J\u2029d\u0085" + strings.Repeat("x", safetext.MaxLines))
	if want := "a\n\tb  c\\u001b[2J\\u2029d\\u0085xxx"; !strings.HasPrefix(got, want) {
		t.Errorf("Lines = %q…", got[:len(want)])
	}
	if n := utf8.RuneCountInString(got); n != safetext.MaxLines+1 || !strings.HasSuffix(got, "x…") {
		t.Errorf("Lines returns %d runes", n)
	}
}

func TestJSON(t *testing.T) {
	tests := []struct{ text, want string }{
		{`{"a": [1, "b\"\\", null]}` + "\n", `{"a": [1, "b\"\\", null]}` + "\n"},
		{`{"a":"\u0000\u001b[31m<&>\n\t\b"}`, `{"a":"\\u001b[31m<&>\n\t"}`},
		{"{\"a\u202e\":\"\u202e\u009b\x7f\"}", `{"a\\u202e":"\\u202e\\u009b"}`},
		{`["` + strings.Repeat("é", safetext.MaxLines+1) + `"]`, `["` + strings.Repeat("é", safetext.MaxLines) + `…"]`},
		{"[\"\xff\"]", "[\"\ufffd\"]"},
		{`["ab`, `["\"ab"`},
	}
	for _, tt := range tests {
		if diff := cmp.Diff(tt.want, string(safetext.JSON([]byte(tt.text), safetext.Lines))); diff != "" {
			t.Errorf("JSON(%s) (-want +got):\n%s", tt.text, diff)
		}
	}
}

func isUnsafe(r rune) bool {
	return unicode.IsControl(r) && r != '\n' && r != '\t' || unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp)
}

func FuzzSafeText(f *testing.F) {
	for _, seed := range []string{"", "plain", "a\x00b", "\x1b[31m", "\u202eabc", "\xff\xfe", `{"a":"\u0000\ud800"}`, strings.Repeat("\x1b", 3000)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for name, safe := range map[string]func(string) string{"Line": safetext.Line, "Lines": safetext.Lines} {
			got := safe(text)
			if !utf8.ValidString(got) || strings.ContainsFunc(got, isUnsafe) || utf8.RuneCountInString(got) > safetext.MaxLines+1 {
				t.Errorf("%s(%q) = %q", name, text, got)
			}
			if again := safe(got); again != got {
				t.Errorf("%s(%q) = %q, and again %q", name, text, got, again)
			}
		}
		if strings.ContainsAny(safetext.Line(text), "\n\t") {
			t.Errorf("Line(%q) = %q", text, safetext.Line(text))
		}
		if !json.Valid([]byte(text)) {
			_ = safetext.JSON([]byte(text), safetext.Lines)
			return
		}
		got := safetext.JSON([]byte(text), safetext.Lines)
		if !json.Valid(got) || strings.ContainsFunc(string(got), isUnsafe) {
			t.Errorf("JSON(%q) = %q", text, got)
		}
	})
}
