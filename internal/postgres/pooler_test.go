package postgres

import (
	"testing"

	"papertrade/internal/storetest"
)

// In transaction mode, transactions of all clients take turns in the same two sessions of the server.
func TestThroughPgbouncer(t *testing.T) {
	pooler := cluster.Get(t).Pooler(t, "transaction", 2)
	storetest.Run(t, func(t *testing.T) storetest.Database {
		direct := cluster.Clone(t, served)
		database := at(t, direct)
		database.Narrow = true
		database.Open = func(t *testing.T) storetest.Store { return openStore(t, pooler.URL(direct)) }
		return database
	})
}
