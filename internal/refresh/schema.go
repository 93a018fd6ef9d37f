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
