package main

import (
	"context"
	dbsql "database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // registers the driver
	_ "modernc.org/sqlite"             // registers the driver

	"papertrade/internal/pgtest"
	"papertrade/internal/postgres"
)

// cluster has a template for each kind of Postgres database.
var cluster = &pgtest.Shared{Prepare: func(ctx context.Context, c *pgtest.Cluster) error {
	migrate := func(ctx context.Context, url string) error {
		_, err := postgres.Migrate(ctx, url)
		return err
	}
	return errors.Join(
		c.Template(ctx, "postgres-own", migrate),
		c.Template(ctx, "postgres-application", func(ctx context.Context, url string) error {
			return errors.Join(execFile("pgx", url, applicationTables("postgres")), migrate(ctx, url))
		}))
}}

// databases makes the database of each script.
type databases struct{ cluster *pgtest.Cluster }

// kinds of databases: of papertrade's own making, and of the web application's.
func kinds() []string {
	return []string{"sqlite-own", "sqlite-application", "postgres-own", "postgres-application"}
}

// startDatabases returns what makes databases of a kind. If the kind needs a Postgres that is not installed,
// the test is left out.
func startDatabases(t *testing.T, kind string) *databases {
	t.Helper()
	if strings.HasPrefix(kind, "sqlite") {
		return &databases{}
	}
	return &databases{cluster.Get(t)}
}

func applicationTables(driver string) string {
	return filepath.Join("..", "..", "internal", driver, "testdata", "application.sql")
}

func execFile(driver, dsn, path string) error {
	statements, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	db, err := dbsql.Open(driver, dsn)
	if err != nil {
		return err
	}
	_, err = db.Exec(string(statements))
	return errors.Join(err, db.Close())
}

// database is that of one script.
type database struct {
	url         string // as papertrade takes it
	driver, dsn string // as database/sql takes it
}

func (d *databases) create(dir, kind string) (*database, error) {
	driver, application, _ := strings.Cut(kind, "-")
	if driver == "sqlite" {
		path := filepath.Join(dir, "papertrade.db")
		db := &database{url: "sqlite:///" + path, driver: "sqlite", dsn: path}
		if application == "application" {
			return db, execFile(db.driver, db.dsn, applicationTables("sqlite"))
		}
		return db, nil
	}
	return d.createPostgres(kind)
}

func (d *databases) createPostgres(template string) (*database, error) {
	address, err := d.cluster.Create(context.Background(), template)
	if err != nil {
		return nil, err
	}
	u, err := url.Parse(address)
	if err != nil {
		return nil, err
	}
	// The cluster asks for no password, and must see none either in what is printed.
	u.User = url.UserPassword(u.User.Username(), databasePassword)
	return &database{
		url:    "postgresql+asyncpg" + strings.TrimPrefix(u.String(), "postgres"),
		driver: "pgx", dsn: address + "&search_path=public,papertrade", // so that scripts name tables as in SQLite
	}, nil
}

// dump returns every row of every table.
func (d *database) dump() (string, error) {
	tables := `select '"' || name || '"' from sqlite_schema where type = 'table'`
	if d.driver == "pgx" {
		tables = `select quote_ident(table_schema) || '.' || quote_ident(table_name) from information_schema.tables
			where table_schema not in ('pg_catalog', 'information_schema')`
	}
	names, err := d.query(tables)
	if err != nil {
		return "", err
	}
	var all strings.Builder
	for table := range strings.FieldsSeq(names) {
		rows, err := d.query(`select * from ` + table)
		if err != nil {
			return "", err
		}
		fmt.Fprintf(&all, "%s\n%s", table, rows)
	}
	return all.String(), nil
}

// query runs statements and prints the rows of the last of them.
func (d *database) query(statement string) (string, error) {
	db, err := dbsql.Open(d.driver, d.dsn)
	if err != nil {
		return "", err
	}
	defer db.Close()
	rows, err := db.Query(statement)
	if err != nil {
		return "", err
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		return "", err
	}
	var text strings.Builder
	for rows.Next() {
		cells := make([]any, len(columns))
		targets := make([]any, len(columns))
		for i := range cells {
			targets[i] = &cells[i]
		}
		if err := rows.Scan(targets...); err != nil {
			return "", err
		}
		for i, cell := range cells {
			if i > 0 {
				text.WriteByte('|')
			}
			switch v := cell.(type) {
			case nil:
			case time.Time:
				text.WriteString(v.UTC().Format(time.RFC3339))
			case []byte:
				text.Write(v)
			default:
				fmt.Fprint(&text, v)
			}
		}
		text.WriteByte('\n')
	}
	return text.String(), rows.Err()
}
