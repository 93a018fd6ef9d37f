package main

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"papertrade/internal/config"
)

func TestEmitError(t *testing.T) {
	c := loadConfig(t, "PAPERTRADE_LOG_FORMAT=json", "PAPERTRADE_PING_URL=https://example.com/secret")
	failed := &runError{"the-run", errors.New("fetch https://example.com/secret")}
	tests := []struct {
		name   string
		format string
		err    func(*invocation) error
		want   string
	}{
		{"none", "json", func(*invocation) error { return nil }, ""},
		{"unhealthy", "json", func(inv *invocation) error { return &commandError{inv, errUnhealthy} }, ""},
		{"of cobra", "json", func(*invocation) error { return &usageError{"papertrade refresh", errors.New("unknown flag: --x")} },
			"papertrade: unknown flag: --x\nRun 'papertrade refresh --help' for usage.\n"},
		{"usage", "json", func(inv *invocation) error { return &commandError{inv, wrongUsage("--x is wrong")} }, "papertrade: --x is wrong\n"},
		{"settings", "json", func(*invocation) error { return &commandError{nil, &config.Error{Problems: []string{"a", "b"}}} }, "papertrade: a\nb\n"},
		{"of a run, for people", "console", func(inv *invocation) error { return &commandError{inv, failed} }, "papertrade: fetch https://example.com/***\n"},
		{"of a run, for programs", "json", func(inv *invocation) error { return &commandError{inv, failed} },
			`{"level":"error","run_id":"the-run","error":"fetch https://example.com/***",`},
		{"of a command, for programs", "json", func(inv *invocation) error { return &commandError{inv, failed.err} },
			`{"level":"error","error":"fetch https://example.com/***",`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var stderr bytes.Buffer
			c.Log.Format = tt.format
			env := environ{stderr: &stderr}
			inv := &invocation{environ: env, config: c, log: newLogger(env, c, false)}
			emitError(&stderr, tt.err(inv))
			if got := stderr.String(); got != tt.want && (!strings.HasPrefix(tt.want, "{") || !strings.HasPrefix(got, tt.want)) {
				t.Errorf("%q, want %q", got, tt.want)
			}
		})
	}
}

// Settings that are wrong keep a command from running, unless it goes by none; and so does a file without a name.
func TestCommandsRunWithValidSettings(t *testing.T) {
	for _, tt := range []struct {
		env, args []string
		want      int
		stdout    string
	}{
		{nil, []string{"config", "show", "-o", "plain"}, 0, "refresh.batch_size=5\n"},
		{nil, []string{"config", "show", "-o", "plain", "--config", ""}, 2, ""},
		{[]string{"PAPERTRADE_REFRESH_BATCH_SIZE=0"}, []string{"config", "show", "-o", "plain"}, 2, ""},
		{[]string{"PAPERTRADE_REFRESH_BATCH_SIZE=0"}, []string{"version", "-o", "plain"}, 0, "\n"},
		{nil, []string{"refresh", "--if-due", "--intraday"}, 2, ""},
		{nil, []string{"refresh", "--if-due", "IBM"}, 2, ""},
		{nil, []string{"refresh", "--intraday", "IBM"}, 2, ""},
	} {
		var stdout, stderr bytes.Buffer
		env := environ{stdout: &stdout, stderr: &stderr, env: append(tt.env, "HOME="+t.TempDir()), now: time.Now}
		status := runProgram(tt.args, env)
		if status != tt.want || (status == 0) != (stderr.Len() == 0) || !strings.Contains(stdout.String(), tt.stdout) {
			t.Errorf("%v %v: status %d, want %d\n%s%s", tt.env, tt.args, status, tt.want, &stdout, &stderr)
		}
	}
}
