package main

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"
)

// fullDisk is a writer that has no space left.
type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) { return 0, errors.New("no space left on device") }

// What cannot be written is never a success, help included.
func TestAFullStdoutIsAFailure(t *testing.T) {
	for _, args := range [][]string{
		{}, {"--help"}, {"help"}, {"help", "status"}, {"refresh", "--help"}, {"version"}, {"--version"}, {"version", "-o", "json"}, {"config"},
		{"config", "init", "--stdout"}, {"completion", "bash"},
	} {
		var stderr bytes.Buffer
		status := runProgram(args, environ{
			stdin: strings.NewReader(""), stdout: fullDisk{}, stderr: &stderr, env: []string{"HOME=" + t.TempDir()}, now: time.Now,
		})
		if status != 1 || strings.Count(stderr.String(), "no space left on device") != 1 {
			t.Errorf("%q: exit status %d, and it says %q", args, status, &stderr)
		}
	}
}
