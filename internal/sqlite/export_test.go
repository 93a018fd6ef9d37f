package sqlite

import "testing"

// Limit runs a pragma on the connection of a store.
func (s *Store) Limit(t *testing.T, pragma string) {
	t.Helper()
	if _, err := s.db.Exec(pragma); err != nil {
		t.Fatal(err)
	}
}
