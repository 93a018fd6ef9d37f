package sqlite_test

import (
	"os"
	"path/filepath"
	"testing"

	"papertrade/internal/sqlite"
)

func TestCheckChangesNothing(t *testing.T) {
	dir := t.TempDir()
	old, current := filepath.Join(dir, "old.db"), filepath.Join(dir, "current.db")
	run(t, old, applicationTables)
	openStore(t, current).Close()
	newer := filepath.Join(dir, "newer.db")
	openStore(t, newer).Close()
	run(t, newer, `insert into papertrade_migrations (version_id, is_applied) values (99, 1)`)
	text := filepath.Join(dir, "notes.txt")
	if err := os.WriteFile(text, []byte("not a database, but long enough for the header of one"), 0o600); err != nil {
		t.Fatal(err)
	}
	nowhere := filepath.Join(dir, "missing", "too", "missing.db")
	tests := []struct {
		path           string
		makesDirectory bool
		found          bool
		err            string // "" if Open would succeed
	}{
		{filepath.Join(dir, "missing.db"), false, false, ""},
		{nowhere, true, false, ""},
		{nowhere, false, false, "create the SQLite database " + nowhere + ": its directory does not exist"},
		{old, false, true, ""},
		{current, false, true, ""},
		{newer, false, true, "tables are of a newer papertrade"},
		{text, false, true, "open " + text + ": the file is not a SQLite database"},
		{dir, false, true, dir + " is a directory"},
		{filepath.Join(text, "missing.db"), false, false, "SQLite could make no files in " + text},
	}
	before := contents(t, dir)
	for _, test := range tests {
		found, err := sqlite.Check(t.Context(), test.path, test.makesDirectory)
		if found != test.found {
			t.Errorf("%s: found %v, want %v", test.path, found, test.found)
		}
		if test.err != "" {
			wantError(t, err, test.err)
		} else if err != nil {
			t.Errorf("%s: %v", test.path, err)
		}
		diff(t, contents(t, dir), before)
	}
}
