// Package config gathers the settings of papertrade: defaults, then a TOML file, then the
// environment, then flags, each of which overrides the one before.
package config

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/shopspring/decimal"

	"papertrade/pkg/marketdata"
)

// Config holds the settings in effect, all of them valid. Its Database, its Secret values and
// Effective print without what is secret in them.
type Config struct {
	Database  Database
	Patience  time.Duration // with the database; 0 or more
	Discovery Discovery
	Refresh   Refresh
	Vendors   []*Vendor // every vendor there is, as providers.All lists them
	// Currencies holds what quotes are in, by suffix (".LON") or by ticker ("AZN.LON"), in capitals,
	// including the defaults.
	Currencies marketdata.Currencies
	Quality    Quality
	Log        Log
	Metrics    Metrics
	Ping       Ping

	// File is the settings file that was read; "" if there was none.
	File string
	// Warnings are about what is probably a mistake.
	Warnings []Notice

	notes        []Notice
	effective    []Value
	stateHome    string
	stateHomeErr error // why there is none
	redactor     atomic.Pointer[redactor]
}

// Discovery says where active tickers come from.
type Discovery struct {
	Sources    []string // watchlist, transactions, holdings; at least one, each once
	ActiveDays int      // 1 or more
	AnyTicker  bool     // also what the web application beside us cannot read
}

// Refresh says how a run works.
type Refresh struct {
	Enabled      bool
	Schedule     string        // cron.ParseStandard accepts it; to be read in UTC
	Provider     string        // the Name of one of the vendors
	BatchSize    int           // 1 to 1000
	BatchDelay   time.Duration // 0 or more
	Concurrency  int           // 1 to 100
	MaxWait      time.Duration // 0 or more
	MaxErrorRate float64       // 0 to 1
}

// Quality says which prices are believed as they come.
type Quality struct {
	Default decimal.Decimal            // the largest move from one session to the next, as a share; greater than 0
	ByName  map[string]decimal.Decimal // the same by suffix (".LON") or by ticker ("AZN.LON"), in capitals
}

// MaxMove returns the largest move of a ticker that is believed, as a share of the price before: 0.5 for 50 %. It is
// that of the ticker itself, else that of its suffix, else the default.
func (q Quality) MaxMove(ticker marketdata.Ticker) decimal.Decimal {
	for _, name := range []string{ticker.String(), ticker.Suffix()} {
		if move, ok := q.ByName[name]; ok {
			return move
		}
	}
	return q.Default
}

// Log says what is logged, and how.
type Log struct {
	Level  string // trace, debug, info, warn, error
	Format string // auto, json, console
}

// Metrics says where the numbers of a run are left for Prometheus.
type Metrics struct {
	Textfile string // "" for none
}

// Ping says who is notified of the start and the end of a run.
type Ping struct {
	URL string // "" for nobody; whoever knows it can ping, so keep it out of logs
}

// Inputs are what Load reads besides the file.
type Inputs struct {
	Environ []string          // NAME=value, as os.Environ has it; an empty variable counts as unset
	File    string            // named by --config, must exist; "" for the usual place, where it may be absent
	Flags   map[string]string // the raw values of the flags that were given, by the key that they set; lists comma-separated
}

// Load reads all layers and validates every value in them, even those that another layer overrides, except of variables
// that other programs use too.
// The error is an *Error that reports everything that is wrong.
func Load(in Inputs) (*Config, error) { return ourSchema().load(in) }

func (s *schema) load(in Inputs) (*Config, error) {
	env := environOf(in.Environ)
	var problems problems
	file := s.readFile(in.File, env, &problems)
	values := append(file.values, s.environValues(env, in.Flags, &problems)...)
	warnings := s.checkVariables(env, &problems)
	values = append(values, s.flagValues(in.Flags, &problems)...)
	isGiven := func(key string) bool {
		return slices.ContainsFunc(values, func(g given) bool { return g.setting.Key == key })
	}
	values = slices.Concat(s.defaultValues(env, isGiven, &problems), values)

	c := s.newConfig()
	c.File, c.Warnings = file.path, warnings
	if file.shared {
		c.addNote(sharedNotice(file.path))
	}
	effective := c.apply(values, &problems)
	for _, v := range c.Vendors {
		v.settleKey(effective, &problems)
	}
	c.settleDatabase(effective[databaseURL].origin, &problems)
	if err := problems.err(); err != nil {
		return nil, err
	}
	for _, v := range c.Vendors {
		v.APIKeyFile = env.expandHome(v.APIKeyFile)
	}
	c.Metrics.Textfile = env.expandHome(c.Metrics.Textfile)
	c.stateHome, c.stateHomeErr = env.baseDir("XDG_STATE_HOME", ".local/state")
	c.effective = s.shown(c, effective)
	return c, nil
}

// newConfig returns a Config without any value.
func (s *schema) newConfig() *Config {
	c := &Config{}
	for _, v := range s.vendors {
		c.Vendors = append(c.Vendors, &Vendor{Vendor: v})
	}
	return c
}

// apply sets the values, lowest layer first, and returns the last one of each key.
func (c *Config) apply(values []given, p *problems) (effective map[string]given) {
	effective = map[string]given{}
	for _, g := range values {
		if err := g.setting.set(c, g); err != nil {
			p.add(g.refusal(err))
			continue
		}
		if before, ok := effective[g.key()]; ok && before.origin.Layer == g.origin.Layer {
			p.add(fmt.Sprintf("%s: %s is given twice (%s): keep one of them", g.origin, g.key(), before.origin))
		}
		effective[g.key()] = g
	}
	return effective
}

// Value is a setting in effect, or an entry of a table in effect.
type Value struct {
	Key    string
	Value  string // as it was written, lists comma-separated, without what is secret in it
	Origin Origin
}

// Effective returns the value of each setting and where it came from, in the order of Settings; for a
// table, that of each entry, whose key is as the file would have it: currencies.".LON".
func (c *Config) Effective() []Value { return slices.Clone(c.effective) }

// originOf returns where the value in effect came from, of a setting that is not a table.
func (c *Config) originOf(key string) Origin {
	return c.effective[slices.IndexFunc(c.effective, func(v Value) bool { return v.Key == key })].Origin
}

// Notes returns what a run should leave word of, though nothing is wrong with it. That of a key's file is known once Key
// has read it.
func (c *Config) Notes() []Notice { return slices.Clone(c.notes) }

// addNote adds a note, once.
func (c *Config) addNote(note Notice) {
	if !slices.Contains(c.notes, note) {
		c.notes = append(c.notes, note)
	}
}

// withOrigin returns a setting and where it was set, for an error that it has caused.
func (c *Config) withOrigin(key string) string { return fmt.Sprintf("%s (%s)", key, c.originOf(key)) }

// DatabaseSetting returns database.url and where it was set: what to correct if the database is the wrong one.
func (c *Config) DatabaseSetting() string { return c.withOrigin(databaseURL) }

// HasDefaultDatabase reports whether nothing sets database.url.
func (c *Config) HasDefaultDatabase() bool { return c.originOf(databaseURL).Layer == LayerDefault }

// StateDir returns where runs leave what they know of the one before, apart from the database:
// $XDG_STATE_HOME/papertrade, or under $HOME/.local/state.
func (c *Config) StateDir() (string, error) {
	if c.stateHomeErr != nil {
		return "", fmt.Errorf("find the directory of papertrade's state: %w", c.stateHomeErr)
	}
	return filepath.Join(c.stateHome, "papertrade"), nil
}

// shown returns what Effective does.
func (s *schema) shown(c *Config, effective map[string]given) []Value {
	values := make([]Value, 0, len(s.settings))
	for i := range s.settings {
		setting := &s.settings[i]
		for _, key := range setting.keysIn(effective) {
			g := effective[key]
			values = append(values, Value{Key: key, Value: setting.shown(c, g), Origin: g.origin})
		}
	}
	return values
}

// shown returns a value in effect without what is secret in it.
func (s *Setting) shown(c *Config, g given) string {
	text := strings.Join(g.items, ", ")
	switch {
	case s.Secret && text != "":
		return hidden
	case s.show != nil:
		return s.show(c)
	default:
		return text
	}
}
