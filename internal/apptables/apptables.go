// Package apptables knows what the web application's tables must be like for papertrade to read and write them, in whatever
// database they are.
package apptables

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"papertrade/internal/refresh"
)

// ErrForeignTable is the error of a table that has the name of one of the application's, and cannot be used as it.
const ErrForeignTable refresh.StoreError = "a table is not the application's"

// TableError says what keeps a table from being the application's.
type TableError struct {
	Table string
	// Wrong is what is wrong with it, as its sentences go on.
	Wrong []string
	// LacksOnlyKey is that it would serve with a unique index of Key.
	LacksOnlyKey bool
	Key          []string
}

func (e *TableError) Error() string {
	return fmt.Sprintf("%s is not the application's table: %s", e.Table, strings.Join(e.Wrong, ", "))
}

func (e *TableError) Unwrap() error { return ErrForeignTable }

// Kind is what a column holds.
type Kind string

// The kinds of columns.
const (
	Text    Kind = "text"
	Integer Kind = "an integer"
	Decimal Kind = "a decimal"
	Time    Kind = "a timestamp"
	Date    Kind = "a date"
	Bool    Kind = "a boolean"
	UUID    Kind = "a UUID"
	JSON    Kind = "JSON"
)

// Table is what a database says of a table that it has.
type Table struct {
	Name    string
	Kind    string // of which TableKind is that of a table with rows of its own
	Columns []Column
	Keys    [][]string // the columns of each index that is unique for all rows
}

// TableKind is the Kind of a table.
const TableKind = "table"

// Column is what a database says of a column.
type Column struct {
	Name, Type string
	Required   bool // a row without a value for it is refused
	Generated  bool // no value for it can be written
}

// required is what papertrade needs of a table.
type required struct {
	columns  map[string]Kind
	key      []string // on conflict
	added    []string // by migrations if they are missing
	readOnly bool     // a view serves too
	inserted bool     // with the columns besides the generated ones
	ownID    string   // a column that the database must give each row
}

// Names of the tables.
const (
	PriceHistory    = "price_history"
	TickerWatchlist = "ticker_watchlist"
	Transactions    = "transactions"
	JobExecutions   = "job_executions"
	BackfillTasks   = "backfill_tasks"
)

// Tables are the names of all tables.
func Tables() []string {
	return []string{PriceHistory, TickerWatchlist, Transactions, JobExecutions, BackfillTasks}
}

var tables = map[string]required{
	PriceHistory: {
		columns: map[string]Kind{
			"id": Integer, "ticker": Text, "price_amount": Decimal, "price_currency": Text,
			"timestamp": Time, "source": Text, "interval": Text, "open_amount": Decimal, "open_currency": Text,
			"high_amount": Decimal, "high_currency": Text, "low_amount": Decimal, "low_currency": Text,
			"close_amount": Decimal, "close_currency": Text, "volume": Integer, "created_at": Time, "updated_at": Time,
		},
		key: []string{"ticker", "timestamp", "source", "interval"}, added: []string{"updated_at"}, inserted: true, ownID: "id",
	},
	TickerWatchlist: {
		columns: map[string]Kind{
			"ticker": Text, "priority": Integer, "last_refresh_at": Time, "next_refresh_at": Time,
			"refresh_interval_seconds": Integer, "is_active": Bool, "created_at": Time, "updated_at": Time,
		},
		key: []string{"ticker"}, inserted: true,
	},
	Transactions: {
		columns: map[string]Kind{
			"portfolio_id": "", "ticker": Text, "timestamp": Time, "transaction_type": Text, "quantity": Decimal,
		},
		readOnly: true,
	},
	JobExecutions: {
		columns: map[string]Kind{
			"id": UUID, "job_name": Text, "started_at": Time, "finished_at": Time, "status": Text, "error_message": Text, "metadata": JSON,
		},
		inserted: true,
	},
	BackfillTasks: {
		columns: map[string]Kind{
			"id": UUID, "ticker": Text, "start_date": Date, "end_date": Date, "priority": Text, "status": Text,
			"created_at": Time, "finished_at": Time, "error_message": Text,
		},
	},
}

// Check returns a *TableError if one of the tables that a database has cannot be used. fits reports whether a type of that database
// can hold what a kind is.
func Check(found []Table, fits func(kind Kind, typ string) bool) error {
	for _, table := range found {
		if err := tables[table.Name].check(table, fits); err != nil {
			return err
		}
	}
	return nil
}

func (r required) check(table Table, fits func(kind Kind, typ string) bool) error {
	e := &TableError{Table: table.Name, Key: r.key}
	if table.Kind != TableKind && !r.readOnly {
		e.Wrong = append(e.Wrong, "it is a "+table.Kind)
	}
	columns := map[string]Column{}
	for _, column := range table.Columns {
		columns[column.Name] = column
	}
	missing := r.missing(columns)
	e.Wrong = append(e.Wrong, missing...)
	e.Wrong = append(e.Wrong, r.unfit(table.Columns, fits)...)
	hasKey := slices.ContainsFunc(table.Keys, r.isKey)
	if r.key != nil && !hasKey && table.Kind == TableKind && len(missing) == 0 {
		e.LacksOnlyKey = len(e.Wrong) == 0
		e.Wrong = append(e.Wrong, fmt.Sprintf("it has no unique key of %s", strings.Join(r.key, ", ")))
	}
	if len(e.Wrong) == 0 {
		return nil
	}
	return e
}

// missing returns what is wrong with columns that are not there.
func (r required) missing(columns map[string]Column) []string {
	var names []string
	for name := range r.columns {
		if _, found := columns[name]; !found && !slices.Contains(r.added, name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	switch len(names) {
	case 0:
		return nil
	case 1:
		return []string{"it has no column " + names[0]}
	default:
		return []string{"it has no columns " + strings.Join(names, ", ")}
	}
}

// unfit returns what is wrong with columns that are there.
func (r required) unfit(columns []Column, fits func(kind Kind, typ string) bool) (wrong []string) {
	for _, column := range columns {
		kind, isUsed := r.columns[column.Name]
		isWritten := r.inserted && isUsed && column.Name != r.ownID
		switch {
		case isUsed && kind != "" && !fits(kind, column.Type):
			wrong = append(wrong, fmt.Sprintf("its column %s is %s and not %s", column.Name, cmp.Or(column.Type, "of no type"), kind))
		case isWritten && column.Generated:
			wrong = append(wrong, fmt.Sprintf("its column %s is generated", column.Name))
		case r.inserted && !isWritten && column.Required && !column.Generated:
			wrong = append(wrong, fmt.Sprintf("its column %s has no default and must not be null", column.Name))
		}
	}
	return wrong
}

func (r required) isKey(columns []string) bool {
	return slices.Equal(slices.Sorted(slices.Values(columns)), slices.Sorted(slices.Values(r.key)))
}
