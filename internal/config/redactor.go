package config

import (
	"cmp"
	"encoding/json"
	"fmt"
	"html"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// redactor hides secrets in texts.
type redactor struct {
	secrets   []string
	spellings []spelling
	begins    [256]bool // the bytes that a secret can begin with
}

// spelling has the ways to write each character of a secret.
type spelling [][]string

// newRedactor returns a redactor of these secrets. That takes a while.
func newRedactor(secrets ...string) *redactor {
	r := &redactor{secrets: secrets}
	for _, text := range secrets {
		var s spelling
		for _, character := range text {
			s = append(s, formsOf(character))
		}
		if len(s) == 0 {
			continue
		}
		for _, form := range s[0] {
			r.begins[form[0]] = true
			r.begins[strings.ToUpper(form[:1])[0]], r.begins[strings.ToLower(form[:1])[0]] = true, true
		}
		r.spellings = append(r.spellings, s)
	}
	return r
}

// redact returns the text with *** for each secret, in capitals or not, and in each way in which a URL, HTML, JSON or a
// Go string would write it, or one of them what another has written.
func (r *redactor) redact(text string) string {
	var redacted strings.Builder
	rest := 0 // where begins what is not written yet
	for i := 0; i < len(text); {
		length := 0
		if r.begins[text[i]] {
			length = r.longestAt(text[i:])
		}
		if length == 0 {
			i++
			continue
		}
		redacted.WriteString(text[rest:i] + hidden)
		i += length
		rest = i
	}
	if rest == 0 {
		return text
	}
	return redacted.String() + text[rest:]
}

// longestAt returns the length of the longest secret that the text begins with; 0 if there is none.
func (r *redactor) longestAt(text string) int {
	longest := 0
	for _, s := range r.spellings {
		longest = max(longest, s.lengthAt(text))
	}
	return longest
}

// lengthAt returns the length of the secret at the beginning of a text; -1 if it is not there.
func (s spelling) lengthAt(text string) int {
	if len(s) == 0 {
		return 0
	}
	for _, form := range s[0] {
		if len(form) > len(text) || !strings.EqualFold(text[:len(form)], form) {
			continue
		}
		if rest := s[1:].lengthAt(text[len(form):]); rest >= 0 {
			return len(form) + rest
		}
	}
	return -1
}

// formsOf returns the ways to write a character, the longest first. They are to be compared without regard to case.
func formsOf(r rune) []string {
	var forms []string
	for _, r := range []rune{r, unicode.ToLower(r), unicode.ToUpper(r)} {
		for _, once := range append(encoded(r), string(r)) {
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
