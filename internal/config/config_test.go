package config

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/shopspring/decimal"

	"papertrade/internal/providers"
	"papertrade/internal/quota"
	"papertrade/pkg/marketdata"
)

const home = "/home/ada"

// write puts a settings file into a temporary folder.
func write(t *testing.T, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "config.toml")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// load loads a file that holds content, with a home in the environment.
func load(t *testing.T, content string, environ ...string) (*Config, error) {
	t.Helper()
	return Load(Inputs{Environ: append([]string{"HOME=" + home}, environ...), File: write(t, content)})
}

func mustLoad(t *testing.T, content string, environ ...string) *Config {
	t.Helper()
	c, err := load(t, content, environ...)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func limits(t *testing.T, texts ...string) []quota.Limit {
	t.Helper()
	var parsed []quota.Limit
	for _, s := range texts {
		l, err := quota.ParseLimit(s)
		if err != nil {
			t.Fatal(err)
		}
		parsed = append(parsed, l)
	}
	return parsed
}

// currencies is the defaults and, before them, what is given.
func currencies(t *testing.T, codes map[string]string) marketdata.Currencies {
	t.Helper()
	parsed := marketdata.DefaultCurrencies()
	for name, code := range codes {
		currency, err := marketdata.ParseCurrency(code)
		if err != nil {
			t.Fatal(err)
		}
		parsed[name] = currency
	}
	return parsed
}

func alphaVantage(t *testing.T) providers.Vendor {
	t.Helper()
	v, ok := providers.Lookup("alphavantage")
	if !ok {
		t.Fatal("there is no vendor alphavantage")
	}
	return v
}

func defaults(t *testing.T) *Config {
	t.Helper()
	return &Config{
		Database:  Database{Driver: SQLite, Path: "/home/ada/.local/share/papertrade/papertrade.db"},
		Patience:  5 * time.Minute,
		Discovery: Discovery{Sources: []string{"watchlist", "transactions"}, ActiveDays: 30},
		Refresh: Refresh{
			Enabled: true, Schedule: "0 0 * * *", Provider: "alphavantage",
			BatchSize: 5, BatchDelay: 12 * time.Second, Concurrency: 1, MaxWait: 5 * time.Minute,
		},
		Vendors: []*Vendor{{
			Vendor: alphaVantage(t), BaseURL: "https://www.alphavantage.co/query",
			RateLimits: limits(t, "5/1m", "500/day"),
			Timeout:    10 * time.Second, Attempts: 3,
		}},
		Currencies: currencies(t, nil),
		Quality:    Quality{Default: decimal.RequireFromString("0.5")},
		Log:        Log{Level: "info", Format: "auto"},
	}
}

// sameConfig compares what is exported, secrets by what they reveal.
var sameConfig = cmp.Options{
	cmpopts.IgnoreUnexported(Config{}, Vendor{}),
	cmpopts.IgnoreFields(providers.Vendor{}, "New"),
	cmpopts.IgnoreFields(Config{}, "File"),
	cmp.Comparer(func(a, b quota.Limit) bool { return a.String() == b.String() }),
	cmpopts.EquateComparable(marketdata.Currency{}),
	cmp.Transformer("reveal", Secret.Reveal),
}

func TestDefaults(t *testing.T) {
	got, err := Load(Inputs{Environ: []string{"HOME=" + home}})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(defaults(t), got, sameConfig); diff != "" {
		t.Errorf("Load (-want +got):\n%s", diff)
	}
	if got.File != "" {
		t.Errorf("File = %q without a file", got.File)
	}
}

func TestEveryKeyOfTheFile(t *testing.T) {
	got := mustLoad(t, `
database = { url = "sqlite+aiosqlite:///prices.db", patience = "1h" }
discovery = { sources = ["holdings"], active_days = 7 }

[refresh]
enabled = false
schedule = "@daily"
provider = "alphavantage"
batch_size = 1_000
batch_delay = "0s"
concurrency = 0x10
max_wait = "1d"
max_error_rate = 0.25

[alphavantage]
api_key = " abc123 "
base_url = "http://127.0.0.1:8080/query"
rate_limits = [
  "1/1s",
  "25/day",
]
timeout = "1m30s"
attempts = 10
entitlement = "realtime"

[currencies]
".LON" = "GBP"
".hkg" = "HKD"
"azn.lon" = "USD"
NPN = "ZAC"

[quality]
max_move = "33.333%"

[quality.by_ticker]
".lon" = "0.5%"
AAPL = "120%"

[log]
level = "trace"
format = "json"

[metrics]
textfile = "~/metrics/papertrade.prom"

[ping]
url = "https://hc.example/0b5d"
`)
	absolute, err := filepath.Abs("prices.db")
	if err != nil {
		t.Fatal(err)
	}
	want := &Config{
		Database:  Database{Driver: SQLite, Path: absolute},
		Patience:  time.Hour,
		Discovery: Discovery{Sources: []string{"holdings"}, ActiveDays: 7},
		Refresh: Refresh{
			Schedule: "@daily", Provider: "alphavantage", BatchSize: 1000, Concurrency: 16,
			MaxWait: 24 * time.Hour, MaxErrorRate: 0.25,
		},
		Vendors: []*Vendor{{
			Vendor: alphaVantage(t), APIKey: "abc123", BaseURL: "http://127.0.0.1:8080/query",
			RateLimits: limits(t, "1/1s", "25/day"),
			Timeout:    90 * time.Second, Attempts: 10, Entitlement: "realtime",
		}},
		Currencies: currencies(t, map[string]string{".LON": "GBP", ".HKG": "HKD", "AZN.LON": "USD", "NPN": "ZAC"}),
		Quality: Quality{
			Default: decimal.RequireFromString("0.33333"),
			ByName: map[string]decimal.Decimal{
				".LON": decimal.RequireFromString("0.005"), "AAPL": decimal.RequireFromString("1.2"),
			},
		},
		Log:     Log{Level: "trace", Format: "json"},
		Metrics: Metrics{Textfile: "/home/ada/metrics/papertrade.prom"},
		Ping:    Ping{URL: "https://hc.example/0b5d"},
	}
	if diff := cmp.Diff(want, got, sameConfig); diff != "" {
		t.Errorf("Load (-want +got):\n%s", diff)
	}
}

func TestPrecedence(t *testing.T) {
	const variable = "PAPERTRADE_REFRESH_BATCH_SIZE"
	file := write(t, "\n[refresh]\nbatch_size = 2\n")
	tests := []struct {
		name   string
		in     Inputs
		want   int
		origin Origin
	}{
		{"default", Inputs{}, 5, Origin{}},
		{"file", Inputs{File: file}, 2, Origin{Layer: LayerFile, Name: file, Line: 3}},
		{"empty variable", Inputs{File: file, Environ: []string{variable + "="}}, 2,
			Origin{Layer: LayerFile, Name: file, Line: 3}},
		{"environment", Inputs{File: file, Environ: []string{variable + "=3"}}, 3,
			Origin{Layer: LayerEnvironment, Name: variable}},
		{"flag", Inputs{File: file, Environ: []string{variable + "=3"}, Flags: map[string]string{"refresh.batch_size": "4"}}, 4,
			Origin{Layer: LayerFlag, Name: "batch-size"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.in.Environ = append(tt.in.Environ, "HOME="+home)
			c, err := Load(tt.in)
			if err != nil {
				t.Fatal(err)
			}
			if c.Refresh.BatchSize != tt.want {
				t.Errorf("BatchSize = %d, want %d", c.Refresh.BatchSize, tt.want)
			}
			want := Value{Key: "refresh.batch_size", Value: fmt.Sprint(tt.want), Origin: tt.origin}
			if diff := cmp.Diff(want, valueOf(t, c, want.Key)); diff != "" {
				t.Errorf("Effective (-want +got):\n%s", diff)
			}
		})
	}
}

func TestWaysToWriteATable(t *testing.T) {
	want := currencies(t, map[string]string{".LON": "GBP", "BRK.B": "EUR"})
	for _, file := range []string{
		"[currencies]\n'.LON' = 'GBP'\n'BRK.B' = 'EUR'\n",
		"currencies = { '.LON' = 'GBP', 'BRK.B' = 'EUR' }\n",
		"currencies.'.LON' = 'GBP'\ncurrencies.' brk.b ' = 'EUR'\n",
	} {
		if diff := cmp.Diff(want, mustLoad(t, file).Currencies, sameConfig); diff != "" {
			t.Errorf("%s (-want +got):\n%s", file, diff)
		}
	}
	if diff := cmp.Diff(currencies(t, nil), mustLoad(t, "currencies = {}\n").Currencies, sameConfig); diff != "" {
		t.Errorf("empty table (-want +got):\n%s", diff)
	}
}

// A higher layer overrides the entries of a table that it has, and leaves the others.
func TestPrecedenceInATable(t *testing.T) {
	c := mustLoad(t, "[currencies]\n'.LON' = 'GBP'\n'.HKG' = 'HKD'\n", "PAPERTRADE_CURRENCIES=.hkg=USD, AZN.LON = EUR")
	if diff := cmp.Diff(currencies(t, map[string]string{".LON": "GBP", ".HKG": "USD", "AZN.LON": "EUR"}), c.Currencies, sameConfig); diff != "" {
		t.Errorf("Currencies (-want +got):\n%s", diff)
	}
	variable := Origin{Layer: LayerEnvironment, Name: "PAPERTRADE_CURRENCIES"}
	want := []Value{
		{Key: `currencies.".AMS"`, Value: "EUR"},
		{Key: `currencies.".AX"`, Value: "AUD"},
		{Key: `currencies.".BSE"`, Value: "INR"},
		{Key: `currencies.".DEX"`, Value: "EUR"},
		{Key: `currencies.".FRK"`, Value: "EUR"},
		{Key: `currencies.".HKG"`, Value: "USD", Origin: variable},
		{Key: `currencies.".LON"`, Value: "GBP", Origin: Origin{Layer: LayerFile, Name: c.File, Line: 2}},
		{Key: `currencies.".MIL"`, Value: "EUR"},
		{Key: `currencies.".NSE"`, Value: "INR"},
		{Key: `currencies.".PAR"`, Value: "EUR"},
		{Key: `currencies.".SAO"`, Value: "BRL"},
		{Key: `currencies.".SHH"`, Value: "CNY"},
		{Key: `currencies.".SHZ"`, Value: "CNY"},
		{Key: `currencies.".TRT"`, Value: "CAD"},
		{Key: `currencies.".TRV"`, Value: "CAD"},
		{Key: `currencies.".TYO"`, Value: "JPY"},
		{Key: `currencies."AZN.LON"`, Value: "EUR", Origin: variable},
	}
	var got []Value
	for _, v := range c.Effective() {
		if strings.HasPrefix(v.Key, "currencies") {
			got = append(got, v)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Effective (-want +got):\n%s", diff)
	}
}

// The table within a section can be written in every way that TOML has, and a higher layer overrides its entries.
func TestMaxMove(t *testing.T) {
	for _, file := range []string{
		"[quality]\nmax_move = '40%'\n[quality.by_ticker]\n'.LON' = '35%'\n'AZN.LON' = '120%'\n",
		"[quality]\nmax_move = '40%'\nby_ticker = { '.LON' = '35%', 'azn.lon' = '120%' }\n",
		"quality = { max_move = '40%', by_ticker = { '.LON' = '35%', 'AZN.LON' = '120%' } }\n",
		"quality.max_move = '40%'\nquality.by_ticker.'.lon' = '35%'\nquality.by_ticker.'AZN.LON' = '120%'\n",
	} {
		c := mustLoad(t, file, "PAPERTRADE_QUALITY_BY_TICKER=.TRT=12.5%, BRK.B=1%")
		got := map[string]string{}
		for _, symbol := range []string{"AAPL", "TSCO.LON", "AZN.LON", "SHOP.TRT", "BRK.B", "BRK.A", "LON"} {
			got[symbol] = c.Quality.MaxMove(marketdata.MustParseTicker(symbol)).String()
		}
		want := map[string]string{
			"AAPL": "0.4", "TSCO.LON": "0.35", "AZN.LON": "1.2", "SHOP.TRT": "0.125", "BRK.B": "0.01", "BRK.A": "0.4", "LON": "0.4"}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", file, diff)
		}
	}
	c := mustLoad(t, "[quality.by_ticker]\n'.LON' = '35%'\n", "PAPERTRADE_QUALITY_BY_TICKER=.lon=36%, AAPL=7%")
	variable := Origin{Layer: LayerEnvironment, Name: "PAPERTRADE_QUALITY_BY_TICKER"}
	want := []Value{
		{Key: "quality.max_move", Value: "50%"},
		{Key: `quality.by_ticker.".LON"`, Value: "36%", Origin: variable}, {Key: "quality.by_ticker.AAPL", Value: "7%", Origin: variable},
	}
	got := slices.DeleteFunc(c.Effective(), func(v Value) bool { return !strings.HasPrefix(v.Key, "quality") })
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Effective (-want +got):\n%s", diff)
	}
}

func valueOf(t *testing.T, c *Config, key string) Value {
	t.Helper()
	for _, v := range c.Effective() {
		if v.Key == key {
			return v
		}
	}
	t.Fatalf("Effective lacks %s", key)
	return Value{}
}

func TestOriginString(t *testing.T) {
	tests := map[string]Origin{
		"default":              {},
		"/etc/papertrade:3":    {Layer: LayerFile, Name: "/etc/papertrade", Line: 3},
		"PAPERTRADE_LOG_LEVEL": {Layer: LayerEnvironment, Name: "PAPERTRADE_LOG_LEVEL"},
		"--log-level":          {Layer: LayerFlag, Name: "log-level"},
	}
	for want, origin := range tests {
		if got := origin.String(); got != want {
			t.Errorf("String() = %q, want %q", got, want)
		}
	}
}

// shownKey is the key under which Effective shows a setting, or an entry of it.
func shownKey(s Setting) string {
	if s.kind == kindTable {
		return s.Key + `.".LON"`
	}
	return s.Key
}

// Every setting can be given by its own variable, and by its flag if it has one.
func TestEverySettingHasAVariable(t *testing.T) {
	samples := map[string]string{
		"database.url": "sqlite:////x.db", "database.patience": "0s", "discovery.sources": "holdings, watchlist", "discovery.active_days": "2",
		"discovery.any_ticker": "true",
		"refresh.enabled":      "0", "refresh.schedule": "5 4 * * 1-5", "refresh.provider": "alphavantage",
		"refresh.batch_size": "7", "refresh.batch_delay": "1s", "refresh.concurrency": "2",
		"refresh.max_wait": "1w", "refresh.max_error_rate": "0.5",
		"alphavantage.api_key": "k3y", "alphavantage.api_key_file": "/run/key",
		"alphavantage.base_url": "https://vantage.example/query", "alphavantage.rate_limits": "75/1m",
		"alphavantage.timeout": "3s", "alphavantage.attempts": "1", "alphavantage.entitlement": "delayed",
		"currencies": ".LON=GBP", "quality.max_move": "35%", "quality.by_ticker": ".LON=120%",
		"log.level": "warn", "log.format": "console",
		"metrics.textfile": "/var/papertrade.prom", "ping.url": "http://hc.example",
	}
	shown := map[string]string{
		"discovery.sources": "holdings, watchlist", "alphavantage.api_key": "***", "currencies": "GBP", "quality.by_ticker": "120%",
	}
	for _, s := range Settings() {
		want := samples[s.Key]
		if text, ok := shown[s.Key]; ok {
			want = text
		}
		for _, variable := range s.Variables {
			c, err := Load(Inputs{Environ: []string{"HOME=" + home, variable + "=" + samples[s.Key]}})
			if err != nil {
				t.Errorf("%s: %v", variable, err)
				continue
			}
			want := Value{Key: shownKey(s), Value: want, Origin: Origin{Layer: LayerEnvironment, Name: variable}}
			if diff := cmp.Diff(want, valueOf(t, c, want.Key)); diff != "" {
				t.Errorf("%s (-want +got):\n%s", variable, diff)
			}
		}
		if s.Flag == "" {
			continue
		}
		c, err := Load(Inputs{Environ: []string{"HOME=" + home}, Flags: map[string]string{s.Key: samples[s.Key]}})
		if err != nil {
			t.Errorf("--%s: %v", s.Flag, err)
			continue
		}
		wantValue := Value{Key: s.Key, Value: want, Origin: Origin{Layer: LayerFlag, Name: s.Flag}}
		if diff := cmp.Diff(wantValue, valueOf(t, c, s.Key)); diff != "" {
			t.Errorf("--%s (-want +got):\n%s", s.Flag, diff)
		}
	}
}

func TestFallbackVariables(t *testing.T) {
	tests := []struct {
		environ []string
		key     string
		want    string // the variable that wins
	}{
		{[]string{"DATABASE_URL=postgres://h/a"}, "database.url", "DATABASE_URL"},
		// What another program means by DATABASE_URL does not matter where our own variable is set.
		{[]string{"DATABASE_URL=mysql://h/a", "PAPERTRADE_DATABASE_URL=postgres://h/b"}, "database.url", "PAPERTRADE_DATABASE_URL"},
		{[]string{"ALPHA_VANTAGE_API_KEY=a"}, "alphavantage.api_key", "ALPHA_VANTAGE_API_KEY"},
		{[]string{"ALPHA_VANTAGE_API_KEY=a", "ALPHAVANTAGE_API_KEY=b"}, "alphavantage.api_key", "ALPHAVANTAGE_API_KEY"},
		{[]string{"ALPHAVANTAGE_API_KEY=b", "PAPERTRADE_ALPHAVANTAGE_API_KEY=c"}, "alphavantage.api_key", "PAPERTRADE_ALPHAVANTAGE_API_KEY"},
		{[]string{"ALPHAVANTAGE_API_KEY=b", "PAPERTRADE_ALPHAVANTAGE_API_KEY="}, "alphavantage.api_key", "ALPHAVANTAGE_API_KEY"},
	}
	for _, tt := range tests {
		c, err := Load(Inputs{Environ: append(tt.environ, "HOME="+home)})
		if err != nil {
			t.Errorf("%v: %v", tt.environ, err)
			continue
		}
		if got := valueOf(t, c, tt.key).Origin.String(); got != tt.want {
			t.Errorf("%v: %s comes from %s, want %s", tt.environ, tt.key, got, tt.want)
		}
	}
}

func TestPlaceOfTheFile(t *testing.T) {
	dir := t.TempDir()
	for _, sub := range []string{"xdg/papertrade", ".config/papertrade"} {
		if err := os.MkdirAll(filepath.Join(dir, sub), 0o700); err != nil {
			t.Fatal(err)
		}
		content := "log.level = 'debug'\n"
		if err := os.WriteFile(filepath.Join(dir, sub, "config.toml"), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	inHome, inXDG := dir+"/.config/papertrade/config.toml", dir+"/xdg/papertrade/config.toml"
	tests := []struct {
		environ []string
		want    string
	}{
		{[]string{"HOME=" + dir}, inHome},
		{[]string{"HOME=" + dir, "XDG_CONFIG_HOME="}, inHome},
		{[]string{"HOME=" + dir, "XDG_CONFIG_HOME=" + dir + "/xdg"}, inXDG},
		{[]string{"XDG_CONFIG_HOME=" + dir + "/xdg", "XDG_DATA_HOME=/data"}, inXDG},
		{[]string{"HOME=" + dir, "XDG_CONFIG_HOME=" + dir + "/none"}, ""},
	}
	for _, tt := range tests {
		c, err := Load(Inputs{Environ: tt.environ})
		if err != nil {
			t.Errorf("%v: %v", tt.environ, err)
			continue
		}
		if c.File != tt.want {
			t.Errorf("%v: File = %q, want %q", tt.environ, c.File, tt.want)
		}
		place, err := DefaultFile(tt.environ)
		if err != nil || tt.want != "" && place != tt.want {
			t.Errorf("%v: DefaultFile = %q, %v, want %q", tt.environ, place, err, tt.want)
		}
	}
}

func TestPlaceOfTheDatabase(t *testing.T) {
	tests := []struct {
		environ []string
		want    string
	}{
		{[]string{"HOME=/home/ada"}, "sqlite:////home/ada/.local/share/papertrade/papertrade.db"},
		{[]string{"HOME=/home/ada", "XDG_DATA_HOME=/data"}, "sqlite:////data/papertrade/papertrade.db"},
		{[]string{"XDG_DATA_HOME=/data"}, "sqlite:////data/papertrade/papertrade.db"},
		{[]string{"PAPERTRADE_DATABASE_URL=sqlite:////a.db"}, "sqlite:////a.db"}, // and no home is needed
	}
	for _, tt := range tests {
		c, err := Load(Inputs{Environ: tt.environ})
		if err != nil {
			t.Errorf("%v: %v", tt.environ, err)
			continue
		}
		if got := c.Database.String(); got != tt.want {
			t.Errorf("%v: Database = %s, want %s", tt.environ, got, tt.want)
		}
	}
}

func TestParseDuration(t *testing.T) {
	const day = 24 * time.Hour
	good := map[string]time.Duration{
		"0": 0, "0s": 0, "12s": 12 * time.Second, "1h30m": 90 * time.Minute, "100ms": 100 * time.Millisecond,
		"7d": 7 * day, "2w": 14 * day, "1w2d12h": 9*day + 12*time.Hour, "1w30m": 7*day + 30*time.Minute,
		"106751d": 106751 * day,
	}
	for s, want := range good {
		if got, err := ParseDuration(s); err != nil || got != want {
			t.Errorf("ParseDuration(%q) = %v, %v, want %v", s, got, err, want)
		}
	}
	for _, s := range []string{"", "d", "w", "5", "-1s", "-7d", "1.5d", "1d2w", "7dd", "7d-1s", "106752d", "99999999999w", "15250w7d1h", "day"} {
		if got, err := ParseDuration(s); err == nil {
			t.Errorf("ParseDuration(%q) = %v, want an error", s, got)
		}
	}
	_, err := ParseDuration("soon")
	if want := `"soon" is not a duration like "12s", "1h30m", "7d" or "2w"`; err == nil || err.Error() != want {
		t.Errorf("error = %v, want %s", err, want)
	}
}

func TestTemplate(t *testing.T) {
	template := Template()
	got := mustLoad(t, template)
	if diff := cmp.Diff(defaults(t), got, sameConfig); diff != "" {
		t.Errorf("the template changes the defaults (-want +got):\n%s", diff)
	}
	for _, s := range Settings() {
		section, name := s.section(), strings.TrimPrefix(shownKey(s), s.section()+".")
		before, after, _ := strings.Cut(template, "\n["+section+"]\n")
		used := before + "\n[" + section + "]\n" + strings.Replace(after, "\n#"+name+" = ", "\n"+name+" = ", 1)
		c, err := load(t, used)
		if err != nil {
			t.Errorf("the template with %s: %v", s.Key, err)
			continue
		}
		if origin := valueOf(t, c, shownKey(s)).Origin; origin.Layer != LayerFile {
			t.Errorf("the template with %s: it comes from %s", s.Key, origin)
		}
	}
	wants := []string{`
[database]
# Where prices, the watchlist and the runs are kept.
# It is a postgres://… or sqlite:///path URL (three slashes: relative to the working directory, four: absolute).
# Variable: PAPERTRADE_DATABASE_URL, then DATABASE_URL; flag: --database-url. Default: sqlite:///$XDG_DATA_HOME/papertrade/papertrade.db
#url = "sqlite:////var/lib/papertrade/papertrade.db"

# How long a run tries again while the database does not answer, or is locked; 0s: not at all.
# It is a duration like "12s", "1h30m", "7d" or "2w".
# Variable: PAPERTRADE_DATABASE_PATIENCE
#patience = "5m"

[discovery]
# What makes a ticker active: the watchlist, a recent transaction, shares still held.
# It is a list of watchlist, transactions, holdings, each at most once.
# Variable: PAPERTRADE_DISCOVERY_SOURCES; flag: --source
#sources = ["watchlist", "transactions"]
`, `
# What the key's plan adds to each call, where it has prices of the session under way.
# It is one of delayed or realtime, or "" for neither.
# Variable: PAPERTRADE_ALPHAVANTAGE_ENTITLEMENT. Default: none
#entitlement = "delayed"
`, `
[currencies]
# What quotes are in, by the suffix of their exchange, or by ticker like "AZN.LON", which overrides its suffix; all others are in USD.
# It is a code of ISO 4217 like "HKD", or GBX, ZAC or ILA for hundredths of GBP, ZAR or ILS.
# Variable: PAPERTRADE_CURRENCIES
#".AMS" = "EUR"
#".AX" = "AUD"
#".BSE" = "INR"
#".DEX" = "EUR"
#".FRK" = "EUR"
#".HKG" = "HKD"
#".LON" = "GBX"
#".MIL" = "EUR"
#".NSE" = "INR"
#".PAR" = "EUR"
#".SAO" = "BRL"
#".SHH" = "CNY"
#".SHZ" = "CNY"
#".TRT" = "CAD"
#".TRV" = "CAD"
#".TYO" = "JPY"

[quality]
# A price that has moved further since the session before is held until something confirms it.
# It is a percentage greater than 0, like "35%" or "120%".
# Variable: PAPERTRADE_QUALITY_MAX_MOVE
#max_move = "50%"

[quality.by_ticker]
# The same of single tickers like "AZN.LON", or of all with a suffix like ".LON"; a ticker overrides its suffix.
# It is a percentage greater than 0, like "35%" or "120%".
# Variable: PAPERTRADE_QUALITY_BY_TICKER. Default: none
#".LON" = "35%"
#"AZN.LON" = "120%"

[log]
`}
	for _, want := range wants {
		if !strings.Contains(template, want) {
			t.Errorf("the template lacks\n%s\nit is\n%s", want, template)
		}
	}
}
