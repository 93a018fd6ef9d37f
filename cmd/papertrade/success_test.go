package main

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"papertrade/internal/refresh"
	"papertrade/internal/sqlite"
)

// A run that has stored something, or had nothing to do, leaves word of the database that it found.
func TestRecordedSuccess(t *testing.T) {
	for _, tt := range []struct {
		name   string
		report refresh.Report
		err    error
		want   bool
	}{
		{"succeeded", refresh.Report{Status: refresh.Succeeded}, nil, true},
		{"not due", refresh.Report{Status: refresh.NotDue}, nil, true},
		{"partial", refresh.Report{Status: refresh.Partial}, errPartial, true},
		{"failed", refresh.Report{Status: refresh.Failed}, errNothing, false},
		{"quota", refresh.Report{Status: refresh.Deferred}, errQuota, false},
		{"no database", refresh.Report{}, errors.New("no database"), false},
		{"dry run", refresh.Report{DryRun: true, Status: refresh.Succeeded}, nil, false},
		{"disabled", refresh.Report{Status: refresh.Disabled}, nil, false},
	} {
		path := filepath.Join(t.TempDir(), "prices.db")
		c := loadConfig(t, "PAPERTRADE_DATABASE_URL=sqlite:///"+path)
		inv := &invocation{config: c, log: newLogger(environ{stderr: &bytes.Buffer{}}, c, false)}
		inv.recordSuccess(tt.report, tt.err, midnight(20))
		inv.recordSuccess(tt.report, tt.err, midnight(21))
		last, found, err := lastSuccess(c)
		if err != nil || found != tt.want {
			t.Errorf("%s: found %v, %v", tt.name, found, err)
		}
		if diff := cmp.Diff(success{path, midnight(21)}, last); found && diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
		if err := checkExpected(c, newUnlessExpected); errors.Is(err, sqlite.ErrNotThere) != tt.want {
			t.Errorf("%s: a run without a database: %v", tt.name, err)
		}
		if err := checkExpected(c, newAlways); err != nil {
			t.Errorf("%s: a run with --init: %v", tt.name, err)
		}
	}
}

// What cannot be read may say that there was a database.
func TestUnreadableSuccess(t *testing.T) {
	c := loadConfig(t, "PAPERTRADE_DATABASE_URL=sqlite:///"+filepath.Join(t.TempDir(), "prices.db"))
	if err := writeSuccess(c, midnight(20)); err != nil {
		t.Fatal(err)
	}
	file, err := successFile(c)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	err = checkExpected(c, newUnlessExpected)
	if err == nil || !strings.HasPrefix(err.Error(), "read the record of the last successful run, "+file+": ") {
		t.Errorf("error %v", err)
	}
	if got, want := adviceOnMissing(c), ": it is made by `papertrade refresh` or `papertrade watchlist add`"; got != want {
		t.Errorf("advice %q, want %q", got, want)
	}
}
