package refresh

import "fmt"

// SchemaError is the error of opening a database whose tables are not those of this program.
type SchemaError struct {
	Found int64 // the newest migration of the database; 0: none
	Want  int64 // the newest one that the program knows
}

func (e *SchemaError) Error() string {
	switch {
	case e.Found == 0:
		return "the database does not have papertrade's tables yet"
	case e.IsOlder():
		return fmt.Sprintf("the database's tables are of an older papertrade (schema %d, this one needs %d)", e.Found, e.Want)
	default:
		return fmt.Sprintf("the database's tables are of a newer papertrade (schema %d, this one knows %d)", e.Found, e.Want)
	}
}

// IsOlder reports whether migrations of this program would bring the tables up to date.
func (e *SchemaError) IsOlder() bool { return e.Found < e.Want }

// Migration is what bringing the tables of a database up to date has done.
type Migration struct {
	Applied []string // names of the steps, where a store tells them
	Created bool     // whether it made the tables that the web application would have made
	Limit   string   // what the database's server is known to do differently, for a warning
}

// ErrOwnForm is the error of making tables for the application where papertrade has made them for itself.
const ErrOwnForm StoreError = "price_history is there already, in a form that the application cannot read"
