package postgres

import (
	"context"
	"encoding/json"
	"slices"

	"papertrade/internal/apptables"
)

// describeTables describes those of the application's tables that are there, as an array of apptables.Table in JSON. The types are
// without their widths, and those of a domain are what it is made of.
const describeTables = `
select coalesce(json_agg(json_build_object(
    'Name', asked.name,
    'Kind', case when relkind in ('r', 'p') then 'table' when relkind = 'f' then 'foreign table'
        when relkind = 'm' then 'materialized view' when relkind = 'v' then 'view' else 'relation of another kind' end,
    'Columns', (
        select json_agg(json_build_object(
            'Name', attname,
            'Type', format_type(coalesce(nullif(typbasetype, 0), pg_type.oid), null),
            'Required', attnotnull and not atthasdef and attidentity = '',
            'Generated', attgenerated <> '') order by attnum)
        from pg_attribute
        join pg_type on pg_type.oid = atttypid
        where attrelid = pg_class.oid and attnum > 0 and not attisdropped),
    'Keys', (
        select json_agg(array(
            select attname from unnest(indkey[0:indnkeyatts - 1]) as key (number)
            join pg_attribute on attrelid = indrelid and attnum = key.number))
        from pg_index
        where indrelid = pg_class.oid and indisunique and indisvalid and indimmediate
            and indpred is null and indexprs is null))), '[]')::text
from (values ('price_history'), ('ticker_watchlist'), ('transactions'), ('job_executions'), ('backfill_tasks')) as asked (name)
join pg_class on pg_class.oid = to_regclass(asked.name)`

// types are what can hold a kind of column.
var types = map[apptables.Kind][]string{
	apptables.Text:    {"character varying", "text", "character", "citext"},
	apptables.Integer: {"bigint", "integer", "smallint"},
	apptables.Decimal: {"numeric"},
	apptables.Time:    {"timestamp with time zone", "timestamp without time zone"},
	apptables.Date:    {"date"},
	apptables.Bool:    {"boolean"},
	apptables.UUID:    {"uuid"},
	apptables.JSON:    {"json", "jsonb"},
}

func fits(kind apptables.Kind, typ string) bool { return slices.Contains(types[kind], typ) }

// checkTables returns an *apptables.TableError if a table of the application's cannot be used.
func checkTables(ctx context.Context, db querier) error {
	described, err := queryOne[string](ctx, db, describeTables, nil)
	if err != nil {
		return err
	}
	var found []apptables.Table
	if err := json.Unmarshal([]byte(described), &found); err != nil {
		return err
	}
	return apptables.Check(found, fits)
}
