package refresh_test

import (
	"database/sql"
	"fmt"
	"sync"
	"testing"

	"papertrade/internal/refresh"
)

// paths are the files of the stores that newJob has opened.
var paths sync.Map

func database(t *testing.T, j *refresh.Job) *sql.DB {
	t.Helper()
	path, _ := paths.Load(j.Store)
	db, err := sql.Open("sqlite", fmt.Sprintf("file:%s?_pragma=busy_timeout(10000)", path))
	if err != nil {
		t.Fatal(err)
	}
	return db
}

func execSQL(t *testing.T, j *refresh.Job, statement string) {
	t.Helper()
	db := database(t, j)
	defer db.Close()
	if _, err := db.ExecContext(t.Context(), statement); err != nil {
		t.Fatal(err)
	}
}

// texts reads a single column.
func texts(t *testing.T, j *refresh.Job, query string) []string {
	t.Helper()
	db := database(t, j)
	defer db.Close()
	rows, err := db.QueryContext(t.Context(), query)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var all []string
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			t.Fatal(err)
		}
		all = append(all, text)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}
