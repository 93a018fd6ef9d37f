package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// CheckTextfile returns why metrics.textfile cannot be written, which it finds out by making and removing
// an empty file beside it; nil if it can be or is not set. The error is an *Error.
func (c *Config) CheckTextfile() error {
	if c.Metrics.Textfile == "" {
		return nil
	}
	const key = "metrics.textfile"
	if info, err := os.Stat(c.Metrics.Textfile); err == nil {
		if err := checkRegular(c.Metrics.Textfile, info); err != nil {
			return &Error{[]string{fmt.Sprintf("%s: %s: %v", c.originOf(key), key, err)}}
		}
	}
	dir := filepath.Dir(c.Metrics.Textfile)
	if target, err := filepath.EvalSymlinks(c.Metrics.Textfile); err == nil {
		dir = filepath.Dir(target) // a link stays
	}
	probe, err := os.CreateTemp(dir, ".papertrade-*")
	if err != nil {
		return &Error{[]string{fmt.Sprintf("%s: %s: no file can be made in %s: %v; make the directory, let this user write to it, or name a file elsewhere",
			c.originOf(key), key, dir, reason(err))}}
	}
	probe.Close()
	os.Remove(probe.Name())
	return nil
}

// reason returns what the system has against a file, without its name.
func reason(err error) error {
	var failure *fs.PathError
	if errors.As(err, &failure) {
		return failure.Err
	}
	return err
}
