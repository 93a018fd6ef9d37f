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

// The lengths of the longest texts that Line, Cell and Lines return, but for the … at their end.
const (
	MaxLine  = 2000
	MaxLines = 64 << 10
)

// Line returns a text on one line, in which all white space is single spaces.
func Line(text string) string {
	// What is left out must not join two words, nor leave two spaces behind.
	return shorten(singleSpaced(clean(singleSpaced(text))), MaxLine)
}

func singleSpaced(text string) string { return strings.Join(strings.Fields(text), " ") }

// Cell returns a text on one line with the spaces that it has, those at its beginning and end too.
func Cell(text string) string { return shorten(clean(lineEnds.Replace(text)), MaxLine) }

var lineEnds = strings.NewReplacer("\r\n", " ", "\n", " ", "\r", " ", "\t", " ")

// Lines returns a text with its line ends and tabs.
func Lines(text string) string { return shorten(clean(text), MaxLines) }

// JSON returns a JSON text whose strings are as safe returns them, which is Lines, perhaps with more.
func JSON(text []byte, safe func(string) string) []byte {
	var written bytes.Buffer
	for {
		start := bytes.IndexByte(text, '"')
		if start < 0 {
			written.Write(text)
			return written.Bytes()
		}
		end := start + lengthOfString(text[start:])
		written.Write(text[:start])
		written.Write(jsonString(text[start:end], safe))
		text = text[end:]
	}
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

func jsonString(quoted []byte, safe func(string) string) []byte {
	var text string
	if json.Unmarshal(quoted, &text) != nil {
		text = string(quoted) // not JSON after all
	}
	var written bytes.Buffer
	encoder := json.NewEncoder(&written)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(safe(text)) // a string, to memory
	return bytes.TrimSuffix(written.Bytes(), []byte("\n"))
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

// shorten returns a text, or the beginning of one that is longer than maxRunes, with … after it. It cuts between two words, if
// there are some in the second half: what is left of a secret that is cut in two is not known for one.
func shorten(text string, maxRunes int) string {
	if len(text) <= maxRunes {
		return text
	}
	runes := 0
	for i := range text {
		if runes == maxRunes {
			if space := strings.LastIndexFunc(text[:i], unicode.IsSpace); space > i/2 {
				i = space
			}
			return text[:i] + "…"
		}
		runes++
	}
	return text
}
