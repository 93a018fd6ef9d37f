package config

import "strings"

// Error is everything that is wrong with the settings. Nothing in it is secret.
type Error struct {
	Problems []string // each names the key, where it was given, the value and what is allowed
}

// Error returns the problems, one per line.
func (e *Error) Error() string { return strings.Join(e.Problems, "\n") }

// problems collects those of an Error.
type problems []string

func (p *problems) add(problem string) { *p = append(*p, problem) }

func (p *problems) err() error {
	if len(*p) == 0 {
		return nil
	}
	return &Error{Problems: *p}
}
