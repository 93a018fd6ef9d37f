package sqlite

import (
	"context"
	"encoding/json"
	"strings"

	"papertrade/internal/apptables"
)

// describeTables describes those of the application's tables that are there, as an array of apptables.Table in JSON. A column of type
// INTEGER that is the whole primary key gets its value from SQLite.
const describeTables = `
select json_group_array(json_object(
    'Name', name,
    'Kind', iif(type = 'table' and sql like 'create virtual %', 'virtual table', type),
    'Columns', json((
        select json_group_array(json_object(
            'Name', lower(column.name),
            'Type', lower(column.type),
            'Required', json(iif((column."notnull" or pk) and dflt_value is null
                and not (pk and upper(column.type) = 'INTEGER' and not exists (
                select 1 from pragma_table_info(item.name) as other where other.pk > 1)), 'true', 'false')),
            'Generated', json(iif(hidden in (2, 3), 'true', 'false'))))
        from pragma_table_xinfo(item.name) as column)),
    'Keys', json((
        select json_group_array(json((
            select json_group_array(lower(key.name)) from pragma_index_info("index".name) as key)))
        from pragma_index_list(item.name) as "index"
        where "unique" and not partial))))
from sqlite_master as item
where type in ('table', 'view') and name in ('price_history', 'ticker_watchlist', 'transactions', 'job_executions', 'backfill_tasks')`

// checkTables returns an *apptables.TableError if a table of the application's cannot be used. A type is only an affinity: what
// would turn a value into another is refused.
func checkTables(ctx context.Context, db querier) error {
	described, err := queryOne[string](ctx, db, describeTables)
	if err != nil {
		return err
	}
	var found []apptables.Table
	if err := json.Unmarshal([]byte(described), &found); err != nil {
		return err
	}
	return apptables.Check(found, fits)
}

func fits(kind apptables.Kind, typ string) bool {
	switch kind {
	case apptables.Integer:
		return typ == "" || strings.Contains(typ, "int")
	case apptables.Text, apptables.UUID, apptables.Time, apptables.Date:
		return !strings.Contains(typ, "int") && !strings.Contains(typ, "blob") && typ != "real"
	default:
		return !strings.Contains(typ, "blob")
	}
}
