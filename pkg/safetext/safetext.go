// Package safetext makes texts from outside (of a vendor, a database, a file, the environment) safe for a terminal,
// a log, a CSV file and a database: what would steer a terminal or turn the direction of a line is shown as text,
// other control characters are left out, what is not valid UTF-8 is replaced, and the length is bounded.
package safetext

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// MaxRunes is the length of the longest text that Line and Lines return, but for the … at its end.
const MaxRunes = 2000

// Line returns a text on one line, in which all white space is single spaces.
func Line(text string) string {
	// What is left out must not join two words, nor leave two spaces behind.
	return shorten(singleSpaced(clean(singleSpaced(text))), MaxRunes)
}

func singleSpaced(text string) string { return strings.Join(strings.Fields(text), " ") }

// Lines returns a text with its line ends and tabs.
func Lines(text string) string { return shorten(clean(text), MaxRunes) }

// JSON returns a JSON text whose strings are as Lines returns them, of at most maxRunes each.
func JSON(text []byte, maxRunes int) []byte {
	var safe bytes.Buffer
	for len(text) > 0 {
		start := bytes.IndexByte(text, '"')
		if start < 0 {
			break
		}
		end := start + lengthOfString(text[start:])
		safe.Write(text[:start])
		safe.Write(jsonString(text[start:end], maxRunes))
		text = text[end:]
	}
	safe.Write(text)
	return safe.Bytes()
}

// lengthOfString returns the length of the JSON string that a text begins with, quotes included.
func lengthOfString(text []byte) int {
	for i := 1; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(text)
}

func jsonString(quoted []byte, maxRunes int) []byte {
	if len(quoted) <= maxRunes && !bytes.ContainsFunc(quoted, func(r rune) bool { return r < ' ' || r > '~' || r == '\\' }) {
		return quoted
	}
	var text string
	if json.Unmarshal(quoted, &text) != nil {
		text = string(quoted) // not JSON after all
	}
	var safe bytes.Buffer
	encoder := json.NewEncoder(&safe)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(shorten(clean(text), maxRunes)) // a string, to memory
	return bytes.TrimSuffix(safe.Bytes(), []byte("\n"))
}

// clean returns a text without what is unsafe in it.
func clean(text string) string {
	if !strings.ContainsFunc(text, func(r rune) bool { return isControl(r) || isShown(r) || r == utf8.RuneError }) {
		return text
	}
	var safe strings.Builder
	for _, r := range text { // of what is not valid, r is U+FFFD
		switch {
		case r > 0xffff && isShown(r):
			fmt.Fprintf(&safe, `\U%08x`, r)
		case isShown(r):
			fmt.Fprintf(&safe, `\u%04x`, r)
		case !isControl(r):
			safe.WriteRune(r)
		}
	}
	return safe.String()
}

const escape = '\x1b'

// isShown reports whether a character is shown by its number: those that begin the escape sequences of terminals, and
// those that cannot be seen: marks of direction and of joining, separators.
func isShown(r rune) bool {
	const firstC1, lastC1 = 0x80, 0x9f // terminals read each of them as an escape and a letter
	return r == escape || r >= firstC1 && r <= lastC1 || unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp)
}

// isControl reports whether a character is left out.
func isControl(r rune) bool { return unicode.IsControl(r) && !isShown(r) && r != '\n' && r != '\t' }

// shorten returns a text, or the beginning of one that is longer than maxRunes, with … after it.
func shorten(text string, maxRunes int) string {
	if len(text) <= maxRunes {
		return text
	}
	runes := 0
	for i := range text {
		if runes == maxRunes {
			return text[:i] + "…"
		}
		runes++
	}
	return text
}
