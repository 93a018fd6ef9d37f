package main

import (
	"io"
	"os"
	"strings"
	"time"

	"golang.org/x/term"

	"papertrade/internal/quota"
)

// environ is everything outside of the program that it touches, other than files and networks.
type environ struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	env            []string // as os.Environ has it
	now            func() time.Time
	clock          func() quota.Reading // of the machine; nil: the time of day alone
}

// getenv returns the value of a variable, "" if it is not set.
func (e environ) getenv(name string) string {
	for _, variable := range e.env {
		if value, found := strings.CutPrefix(variable, name+"="); found {
			return value
		}
	}
	return ""
}

func isTerminal(w io.Writer) bool {
	file, ok := w.(*os.File)
	return ok && term.IsTerminal(int(file.Fd()))
}

// terminalWidth returns how many columns w has, 80 if it does not say; 0 if it is not a terminal.
func terminalWidth(w io.Writer) int {
	if !isTerminal(w) {
		return 0
	}
	width, _, err := term.GetSize(int(w.(*os.File).Fd()))
	if err != nil || width <= 0 {
		return 80
	}
	return width
}
