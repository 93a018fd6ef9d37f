package config

import (
	"slices"
	"strings"
	"time"

	"github.com/shopspring/decimal"
)

// Setting is one key of the settings: all that parsing, help, completion and the starting file need.
type Setting struct {
	Key       string   // section.name, or that of a table whose keys are the user's own
	Default   string   // as a variable would have it; "" for none
	Help      string   // one sentence
	Allowed   string   // a noun phrase: "a whole number from 1 to 10"
	Values    []string // all values (of a list: all items), if there are few
	Secret    bool     // the value is never shown
	Flag      string   // the flag that sets it, without dashes; "" for none
	Variables []string // the environment variables that set it, the first that is not empty wins

	example string // what Template shows if Default cannot be in a file
	kind    kind
	conceal bool // errors do not show the value, which can have a password in it
	set     func(*Config, given) error
	show    func(*Config) string // the value without what is secret in it; nil for the value as given
	// entryName reads a key of a table; an error says what to write.
	entryName func(string) (string, error)
}

// kind is the TOML type of a setting.
type kind int

const (
	kindText kind = iota
	kindInteger
	kindNumber
	kindBoolean
	kindList
	kindTable // of texts, under keys of the user's own; a higher layer overrides the entries that it has
)

// defaultDatabase is resolved by defaultValues.
const defaultDatabase = "sqlite:///$XDG_DATA_HOME/papertrade/papertrade.db"

var (
	sources    = []string{"watchlist", "transactions", "holdings"}
	logLevels  = []string{"trace", "debug", "info", "warn", "error"}
	logFormats = []string{"auto", "json", "console"}
	booleans   = []string{"true", "false"}
)

// runSettings returns the settings of what a run does, whose prices come from one of the vendors named.
func runSettings(vendors []string) []Setting {
	return []Setting{
		{
			Key: databaseURL, Default: defaultDatabase, example: "sqlite:////var/lib/papertrade/papertrade.db",
			Help:    "Where prices, the watchlist and the runs are kept.",
			Allowed: "a postgres://… or sqlite:///path URL (three slashes: relative to the working directory, four: absolute)",
			Flag:    "database-url", Variables: []string{"DATABASE_URL"}, conceal: true,
			set:  scalar(ParseDatabase, func(c *Config) *Database { return &c.Database }),
			show: func(c *Config) string { return c.Database.String() },
		},
		{
			Key: "database.patience", Default: "5m",
			Help:    "How long a run tries again while the database does not answer, or is locked; 0s: not at all.",
			Allowed: durationAllowed,
			set:     scalar(ParseDuration, func(c *Config) *time.Duration { return &c.Patience }),
		},
		{
			Key: "discovery.sources", Default: "watchlist,transactions", kind: kindList, Values: sources,
			Help:    "What makes a ticker active: the watchlist, a recent transaction, shares still held.",
			Allowed: "a list of " + strings.Join(sources, ", ") + ", each at most once", Flag: "source",
			set: listOf(oneOf(sources), func(c *Config) *[]string { return &c.Discovery.Sources }),
		},
		{
			Key: "discovery.active_days", Default: "30", kind: kindInteger,
			Help:    "How many days back a transaction makes its ticker active.",
			Allowed: "a whole number from 1 to 36500", Flag: "days",
			set: scalar(upTo(36500), func(c *Config) *int { return &c.Discovery.ActiveDays }),
		},
		{
			Key: "discovery.any_ticker", Default: "false", kind: kindBoolean, Values: booleans,
			Help:    "With true, also tickers and prices that the web application cannot read, where its tables are.",
			Allowed: "true or false", Flag: "any-ticker",
			set: scalar(truth, func(c *Config) *bool { return &c.Discovery.AnyTicker }),
		},
		{
			Key: "refresh.enabled", Default: "true", kind: kindBoolean, Values: booleans,
			Help:    "With false, refresh says so and does nothing.",
			Allowed: "true or false",
			set:     scalar(truth, func(c *Config) *bool { return &c.Refresh.Enabled }),
		},
		{
			Key: "refresh.schedule", Default: "0 0 * * *",
			Help:    "When a run is due, in UTC; refresh --if-due goes by it.",
			Allowed: `a cron expression of five fields, or one like "@daily"`,
			set:     scalar(schedule, func(c *Config) *string { return &c.Refresh.Schedule }),
		},
		{
			Key: "refresh.provider", Default: vendors[0], Values: vendors,
			Help:    "Where prices come from.",
			Allowed: anyOf(vendors), Flag: "provider",
			set: scalar(oneOf(vendors), func(c *Config) *string { return &c.Refresh.Provider }),
		},
		{
			Key: "refresh.batch_size", Default: "5", kind: kindInteger,
			Help:    "How many tickers are committed at a time.",
			Allowed: "a whole number from 1 to 1000", Flag: "batch-size",
			set: scalar(upTo(1000), func(c *Config) *int { return &c.Refresh.BatchSize }),
		},
		{
			Key: "refresh.batch_delay", Default: "12s",
			Help:    "The shortest pause between batches; the rate limits hold whatever it is.",
			Allowed: durationAllowed, Flag: "batch-delay",
			set: scalar(ParseDuration, func(c *Config) *time.Duration { return &c.Refresh.BatchDelay }),
		},
		{
			Key: "refresh.concurrency", Default: "1", kind: kindInteger,
			Help:    "How many fetches of a batch run at once.",
			Allowed: "a whole number from 1 to 100", Flag: "concurrency",
			set: scalar(upTo(100), func(c *Config) *int { return &c.Refresh.Concurrency }),
		},
		{
			Key: "refresh.max_wait", Default: "5m",
			Help:    "A longer wait for quota defers the rest of the plan instead.",
			Allowed: durationAllowed,
			set:     scalar(ParseDuration, func(c *Config) *time.Duration { return &c.Refresh.MaxWait }),
		},
		{
			Key: "refresh.max_error_rate", Default: "0", kind: kindNumber,
			Help:    "The failed share of the attempted tickers that still counts as success.",
			Allowed: "a number from 0 to 1", Flag: "max-error-rate",
			set: scalar(share, func(c *Config) *float64 { return &c.Refresh.MaxErrorRate }),
		},
	}
}

// otherSettings returns the settings that follow those of the vendors.
func otherSettings() []Setting {
	return []Setting{
		{
			Key: "currencies", Default: defaultCurrencies(), kind: kindTable,
			Help:    `What quotes are in, by the suffix of their exchange, or by ticker like "AZN.LON", which overrides its suffix; all others are in USD.`,
			Allowed: `a code of ISO 4217 like "HKD", or GBX, ZAC or ILA for hundredths of GBP, ZAR or ILS`,
			set:     setCurrency, entryName: quotedName,
		},
		{
			Key: "quality.max_move", Default: "50%",
			Help:    "A price that has moved further since the session before is held until something confirms it.",
			Allowed: percentageAllowed,
			set:     scalar(percentage, func(c *Config) *decimal.Decimal { return &c.Quality.Default }),
		},
		{
			Key: "quality.by_ticker", example: ".LON=35%,AZN.LON=120%", kind: kindTable,
			Help:    `The same of single tickers like "AZN.LON", or of all with a suffix like ".LON"; a ticker overrides its suffix.`,
			Allowed: percentageAllowed,
			set:     setMaxMove, entryName: quotedName,
		},
		{
			Key: "log.level", Default: "info", Values: logLevels,
			Help:    "The least important level that is logged: debug shows each decision and answer, trace the answers themselves.",
			Allowed: anyOf(logLevels), Flag: "log-level",
			set: scalar(oneOf(logLevels), func(c *Config) *string { return &c.Log.Level }),
		},
		{
			Key: "log.format", Default: "auto", Values: logFormats,
			Help:    "How messages are logged; auto is console on a terminal and json elsewhere.",
			Allowed: anyOf(logFormats), Flag: "log-format",
			set: scalar(oneOf(logFormats), func(c *Config) *string { return &c.Log.Format }),
		},
		{
			Key: "metrics.textfile", example: "/var/lib/prometheus/node-exporter/papertrade.prom",
			Help:    "A file for Prometheus' node exporter, written at the end of every run.",
			Allowed: "the path of a file whose name ends in .prom",
			set:     scalar(optional(promFile), func(c *Config) *string { return &c.Metrics.Textfile }),
		},
		{
			Key: "ping.url", example: "https://hc-ping.com/your-uuid", conceal: true,
			Help:    "What to ping when a run starts, succeeds and fails, as healthchecks.io understands it.",
			Allowed: "an http:// or https:// URL",
			set:     scalar(optional(webURL), func(c *Config) *string { return &c.Ping.URL }),
			show:    func(c *Config) string { return concealURL(c.Ping.URL) },
		},
	}
}

// scalar returns a setter that stores what parse makes of the one item.
func scalar[T any](parse func(string) (T, error), field func(*Config) *T) func(*Config, given) error {
	return func(c *Config, g given) error {
		v, err := parse(g.items[0])
		if err != nil {
			return err
		}
		*field(c) = v
		return nil
	}
}

// listOf returns a setter that stores what parse makes of each item of a list, which has at least one and
// none twice.
func listOf[T any](parse func(string) (T, error), field func(*Config) *[]T) func(*Config, given) error {
	return func(c *Config, g given) error {
		if len(g.items) == 0 {
			return errEmptyList
		}
		parsed := make([]T, 0, len(g.items))
		for i, item := range g.items {
			v, err := parse(item)
			if err != nil {
				return itemError(item, err)
			}
			if slices.Contains(g.items[:i], item) {
				return duplicateError(item)
			}
			parsed = append(parsed, v)
		}
		*field(c) = parsed
		return nil
	}
}
