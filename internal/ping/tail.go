package ping

import (
	"strings"
	"sync"
)

// MaxLog is the maximum number of bytes of a log that a monitor is sent: healthchecks.io keeps no more.
const MaxLog = 100_000

// Tail keeps the last lines of what is written to it, at most MaxLog bytes. The zero Tail is empty. It is
// safe for concurrent use.
type Tail struct {
	mu   sync.Mutex
	text []byte
}

// Write appends to the text. It never fails.
func (t *Tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text = append(t.text, p...)
	if len(t.text) > 2*MaxLog {
		t.text = []byte(lastLines(string(t.text), MaxLog))
	}
	return len(p), nil
}

// String returns the lines.
func (t *Tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return lastLines(string(t.text), MaxLog)
}

// lastLines returns the end of a text, at most limit bytes: whole lines, unless the last is longer.
func lastLines(text string, limit int) string {
	if len(text) <= limit {
		return text
	}
	end := text[len(text)-limit:]
	if text[len(text)-limit-1] == '\n' {
		return end
	}
	if _, whole, found := strings.Cut(end, "\n"); found && whole != "" {
		return whole
	}
	return end
}
