package safetext

import (
	"cmp"
	"encoding/json"
	"fmt"
	"html"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"
)

// Hidden stands where a secret would.
const Hidden = "***"

// Redactor hides secrets in texts. It is safe for concurrent use.
type Redactor struct {
	texts   []string
	prepare sync.Once // what follows takes a while, and most runs have nothing to redact
	secrets []secret
	begins  [256]bool // the bytes that a secret can begin with, in small letters
}

// secret has the ways to write each of its characters.
type secret [][]string

// NewRedactor returns a Redactor of these secrets.
func NewRedactor(secrets ...string) *Redactor { return &Redactor{texts: secrets} }

func (r *Redactor) writeForms() {
	for _, text := range r.texts {
		var s secret
		for _, character := range clean(text) {
			s = append(s, formsOf(character))
		}
		if len(s) == 0 {
			continue
		}
		for _, form := range s[0] {
			r.begins[form[0]] = true
		}
		r.secrets = append(r.secrets, s)
	}
}

// Redact returns the text with *** for each secret, in capitals or not, and in each way in which a URL, HTML, JSON or a
// Go string would write it, or one of them what another has written. It is for a text that Line, Lines or JSON returned:
// what those leave out could divide a secret.
func (r *Redactor) Redact(text string) string {
	r.prepare.Do(r.writeForms)
	var redacted strings.Builder
	rest := 0 // where begins what is not written yet
	for i := 0; i < len(text); {
		length := 0
		if r.begins[lowerByte(text[i])] {
			length = r.longestAt(text[i:])
		}
		if length == 0 {
			i++
			continue
		}
		redacted.WriteString(text[rest:i] + Hidden)
		i += length
		rest = i
	}
	if rest == 0 {
		return text
	}
	return redacted.String() + text[rest:]
}

// longestAt returns the length of the longest secret that the text begins with; 0 if there is none.
func (r *Redactor) longestAt(text string) int {
	longest := 0
	for _, s := range r.secrets {
		longest = max(longest, s.lengthAt(text))
	}
	return longest
}

// lengthAt returns the length of the secret at the beginning of a text; -1 if it is not there.
func (s secret) lengthAt(text string) int {
	if len(s) == 0 {
		return 0
	}
	for _, form := range s[0] {
		if len(form) > len(text) || lowerByte(text[0]) != form[0] || !strings.EqualFold(text[:len(form)], form) {
			continue
		}
		if rest := s[1:].lengthAt(text[len(form):]); rest >= 0 {
			return len(form) + rest
		}
	}
	return -1
}

// lowerByte returns a letter of ASCII in small, and any other byte as it is.
func lowerByte(b byte) byte {
	if 'A' <= b && b <= 'Z' {
		return b + 'a' - 'A'
	}
	return b
}

// formsOf returns the ways to write a character, the longest first. They are to be compared without regard to case, and those
// that begin with a letter of ASCII do so with a small one.
func formsOf(r rune) []string {
	var forms []string
	for _, r := range []rune{r, unicode.ToLower(r), unicode.ToUpper(r)} {
		literal := string(r)
		if r < utf8.RuneSelf {
			literal = string(lowerByte(byte(r)))
		}
		for _, once := range append(encoded(r), literal) {
			forms = append(forms, once, url.QueryEscape(once), url.PathEscape(once), html.EscapeString(once), inJSON(once), inGo(once))
		}
	}
	slices.SortFunc(forms, func(a, b string) int { return cmp.Or(cmp.Compare(len(b), len(a)), cmp.Compare(a, b)) })
	return slices.Compact(forms)
}

func inJSON(text string) string {
	quoted, _ := json.Marshal(text) // a string always marshals
	return string(quoted[1 : len(quoted)-1])
}

func inGo(text string) string {
	quoted := strconv.Quote(text)
	return quoted[1 : len(quoted)-1]
}

// encoded returns the ways to write a character other than itself.
func encoded(r rune) []string {
	percent := ""
	for _, b := range []byte(string(r)) {
		percent += fmt.Sprintf("%%%02x", b)
	}
	forms := []string{
		percent, `\` + string(r), fmt.Sprintf(`\u%04x`, r), fmt.Sprintf(`\x%02x`, r),
		fmt.Sprintf("&#%d;", r), fmt.Sprintf("&#%03d;", r), fmt.Sprintf("&#x%x;", r), fmt.Sprintf("&#x%04x;", r),
	}
	if name, ok := entities[r]; ok {
		forms = append(forms, name)
	}
	return forms
}

var entities = map[rune]string{'"': "&quot;", '\'': "&apos;", '&': "&amp;", '<': "&lt;", '>': "&gt;"}
