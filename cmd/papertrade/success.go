package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"papertrade/internal/config"
	"papertrade/internal/refresh"
	"papertrade/internal/sqlite"
)

// success is what the last successful run on a SQLite file has left in the state directory, so that a run that finds no
// file there knows that there was one.
type success struct {
	Database    string    `json:"database"` // the absolute path
	SucceededAt time.Time `json:"succeeded_at"`
}

// checkExpected returns sqlite.ErrNotThere or sqlite.ErrEmpty if a file is missing or empty that a run has left with tables,
// unless it is to be made all the same.
func checkExpected(c *config.Config, missing newDatabase) error {
	lost := sqlite.CheckFilled(c.Database.Path)
	if lost == nil || missing == newAlways {
		return nil
	}
	_, found, err := lastSuccess(c)
	if err != nil {
		return err
	}
	if found {
		return lost
	}
	return nil
}

// successFile returns where the last success on the file of the settings is recorded.
func successFile(c *config.Config) (string, error) {
	dir, err := c.StateDir()
	if err != nil {
		return "", err
	}
	name := sha256.Sum256([]byte(c.Database.Path))
	return filepath.Join(dir, "databases", hex.EncodeToString(name[:])+".json"), nil
}

// lastSuccess reads the record of the last successful run on the file of the settings, if there is one.
func lastSuccess(c *config.Config) (last success, found bool, err error) {
	path, err := successFile(c)
	if err != nil {
		return success{}, false, nil // nothing can have been recorded
	}
	content, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return success{}, false, nil
	}
	if err == nil {
		err = json.Unmarshal(content, &last)
	}
	if err != nil {
		return success{}, false, fmt.Errorf("read the record of the last successful run, %s: %w; correct or delete it", path, err)
	}
	return last, true, nil
}

// recordSuccess records a run that has succeeded, at least in part.
func (inv *invocation) recordSuccess(r refresh.Report, err error, at time.Time) {
	if inv.config.Database.Driver != config.SQLite || r.DryRun || r.Status == refresh.Disabled || err != nil && !errors.Is(err, errPartial) {
		return
	}
	if err := writeSuccess(inv.config, at); err != nil {
		inv.log.Warn().Err(err).Msg("success not recorded: a later run could not tell that its database is missing")
	}
}

// writeSuccess replaces the record as a whole, so that nobody reads half of it.
func writeSuccess(c *config.Config, at time.Time) error {
	path, err := successFile(c)
	if err != nil {
		return err
	}
	content, err := json.Marshal(success{c.Database.Path, at})
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	file, err := os.CreateTemp(filepath.Dir(path), ".success-*")
	if err != nil {
		return err
	}
	_, err = file.Write(append(content, '\n'))
	if err = errors.Join(err, file.Close()); err == nil {
		err = os.Rename(file.Name(), path)
	}
	if err != nil {
		os.Remove(file.Name())
	}
	return err
}
