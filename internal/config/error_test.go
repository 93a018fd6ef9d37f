package config

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"papertrade/internal/quota"
)

// problemsOf returns what Load has against the inputs, with config.toml for the path of the file.
func problemsOf(t *testing.T, in Inputs) []string {
	t.Helper()
	return problemsWith(t, ourSchema(), in)
}

func problemsWith(t *testing.T, s *schema, in Inputs) []string {
	t.Helper()
	_, err := s.load(in)
	if err == nil {
		return nil
	}
	var e *Error
	if !errors.As(err, &e) {
		t.Fatalf("Load: %T, want *Error", err)
	}
	var found []string
	for _, problem := range e.Problems {
		if in.File != "" {
			problem = strings.ReplaceAll(problem, in.File, "config.toml")
		}
		found = append(found, problem)
	}
	if joined := strings.Join(e.Problems, "\n"); joined != err.Error() {
		t.Errorf("Error() = %q, want %q", err, joined)
	}
	return found
}

func TestProblemsOfTheFile(t *testing.T) {
	tests := []struct {
		name, file string
		want       []string
	}{
		{"not TOML", "[log]\nlevel = debug\n", []string{
			`config.toml:2:9: this is not TOML: unexpected character U+0064 'd' at start of value`,
		}},
		{"twice", "[log]\nlevel = 'info'\nlevel = 'warn'\n", []string{
			`config.toml:3:1: this is not TOML: key level is already defined`,
		}},
		{"unknown key", "[refresh]\nbatchsize = 5\n", []string{
			`config.toml:2: unknown key refresh.batchsize: did you mean refresh.batch_size?`,
		}},
		{"key of another table", "[refresh]\nsources = []\n", []string{
			`config.toml:2: unknown key refresh.sources: did you mean discovery.sources?`,
		}},
		{"key without its table", "timeout = '1s'\n", []string{
			`config.toml:1: unknown key timeout: did you mean alphavantage.timeout?`,
		}},
		{"key like no other", "[log]\ncolourfulness = 1\n", []string{
			`config.toml:2: unknown key log.colourfulness: there are log.level, log.format`,
		}},
		{"quoted key", "'log.level' = 'info'\n", []string{
			`config.toml:1: unknown key "log.level": did you mean log.level?`,
		}},
		{"unknown table", "[alphavantge]\napi_key = 'hunter2'\nother = 1\n", []string{
			`config.toml:1: unknown table [alphavantge]: did you mean alphavantage?`,
		}},
		{"table like no other", "[x]\n", []string{
			`config.toml:1: unknown table [x]: there are database, discovery, refresh, alphavantage, currencies, quality, quality.by_ticker, log, metrics, ping`,
		}},
		{"table in a table", "[log.file]\n", []string{
			`config.toml:1: unknown table [log.file]: there are database, discovery, refresh, alphavantage, currencies, quality, quality.by_ticker, log, metrics, ping`,
		}},
		{"key of an unknown table", "tiingo.token = 'hunter2'\n", []string{
			`config.toml:1: unknown key tiingo.token: there are ` + allKeys(),
		}},
		{"value for a table", "log = 'debug'\n", []string{
			`config.toml:1: log is a table: write [log] and its keys below it`,
		}},
		{"list of tables", "[[log]]\nlevel = 'debug'\n", []string{
			`config.toml:1: log is a table: write [log] and its keys below it`,
		}},
		{"table for a value", "[log.level]\nx = 1\n", []string{
			`config.toml:1: log.level: a table is not one of trace, debug, info, warn or error: write it in quotes`,
		}},
		{"inline", "refresh = { batch_size = 0, batch = 1 }\nlog = {}\nping.url = {}", []string{
			`config.toml:1: unknown key refresh.batch: there are refresh.enabled, refresh.schedule, refresh.provider, refresh.batch_size, refresh.batch_delay, refresh.concurrency, refresh.max_wait, refresh.max_error_rate`,
			`config.toml:3: ping.url: a table is not an http:// or https:// URL: write it in quotes`,
			`config.toml:1: refresh.batch_size: "0" is not a whole number from 1 to 1000`,
		}},
		{"types", "[refresh]\nenabled = 'true'\nbatch_size = 1.5\nbatch_delay = 12\nmax_error_rate = '0'\nschedule = 2026-01-01\nconcurrency = []\n[discovery]\nsources = 'watchlist'\n[alphavantage]\nrate_limits = [5]\napi_key = 12345678\n[log]\nlevel = true\n", []string{
			`config.toml:2: refresh.enabled: the text "true" is not true or false: write it without quotes`,
			`config.toml:3: refresh.batch_size: the number 1.5 is not a whole number from 1 to 1000`,
			`config.toml:4: refresh.batch_delay: the number 12 is not a duration like "12s", "1h30m", "7d" or "2w": write it in quotes`,
			`config.toml:5: refresh.max_error_rate: the text "0" is not a number from 0 to 1: write it without quotes`,
			`config.toml:6: refresh.schedule: a date or time is not a cron expression of five fields, or one like "@daily": write it in quotes`,
			`config.toml:7: refresh.concurrency: a list is not a whole number from 1 to 100`,
			`config.toml:9: discovery.sources: the text "watchlist" is not a list of watchlist, transactions, holdings, each at most once: write it in brackets`,
			`config.toml:11: alphavantage.rate_limits: the number 5 in the list is not allowed: write each item in quotes`,
			`config.toml:12: alphavantage.api_key: the number is not a key of letters, digits and signs, without spaces: write it in quotes`,
			`config.toml:14: log.level: true is not one of trace, debug, info, warn or error: write it in quotes`,
		}},
		{"ranges", "[discovery]\nactive_days = 0\n[refresh]\nbatch_size = 1001\nconcurrency = -1\nmax_error_rate = nan\n[alphavantage]\nattempts = 11\n", []string{
			`config.toml:2: discovery.active_days: "0" is not a whole number from 1 to 36500`,
			`config.toml:4: refresh.batch_size: "1001" is not a whole number from 1 to 1000`,
			`config.toml:5: refresh.concurrency: "-1" is not a whole number from 1 to 100`,
			`config.toml:6: refresh.max_error_rate: "NaN" is not a number from 0 to 1`,
			`config.toml:8: alphavantage.attempts: "11" is not a whole number from 1 to 10`,
		}},
		{"texts", "[refresh]\nprovider = 'tiingo'\nbatch_delay = '-1s'\nmax_wait = 'soon'\n[alphavantage]\ntimeout = '0s'\n[log]\nlevel = 'INFO'\nformat = ''\n[metrics]\ntextfile = '/tmp/metrics'\n", []string{
			`config.toml:2: refresh.provider: "tiingo" is not alphavantage, the only choice`,
			`config.toml:3: refresh.batch_delay: "-1s" is not a duration like "12s", "1h30m", "7d" or "2w"`,
			`config.toml:4: refresh.max_wait: "soon" is not a duration like "12s", "1h30m", "7d" or "2w"`,
			`config.toml:6: alphavantage.timeout: "0s" is not a duration greater than 0, like "10s"`,
			`config.toml:8: log.level: "INFO" is not one of trace, debug, info, warn or error`,
			`config.toml:9: log.format: "" is not one of auto, json or console`,
			`config.toml:11: metrics.textfile: "/tmp/metrics" is not the path of a file whose name ends in .prom`,
		}},
		{"secret in the wrong place", "[refresh]\nbatch_size = 'postgres://a:hunter2@h/db'\nprovider = 'https://a:hunter2@h'\n", []string{
			`config.toml:2: refresh.batch_size: the text is not a whole number from 1 to 1000: write it without quotes`,
			`config.toml:3: refresh.provider: the value is not alphavantage, the only choice`,
		}},
		{"zero byte", "metrics.textfile = \"a\\u0000.prom\"\n", []string{
			`config.toml:1: metrics.textfile: "a\x00.prom" is not the path of a file whose name ends in .prom`,
		}},
		{"long value", "log.level = '" + strings.Repeat("x", 100) + "'", []string{
			`config.toml:1: log.level: "` + strings.Repeat("x", 60) + `…" is not one of trace, debug, info, warn or error`,
		}},
		{"schedules", "[refresh]\nschedule = '0 0 * *'\n", []string{
			`config.toml:2: refresh.schedule: "0 0 * *" is not a cron expression of five fields, or one like "@daily": expected exactly 5 fields, found 4: [0 0 * *]`,
		}},
		{"schedule with a zone", "refresh.schedule = 'TZ=UTC'\n", []string{
			`config.toml:1: refresh.schedule: "TZ=UTC" is not a cron expression of five fields, or one like "@daily": it is read in UTC: leave the time zone out`,
		}},
		{"schedule that never fires", "refresh.schedule = '0 0 30 2 *'\n", []string{
			`config.toml:1: refresh.schedule: "0 0 30 2 *" is not a cron expression of five fields, or one like "@daily": no such day exists, so it would never fire`,
		}},
		{"no sources", "discovery.sources = []\n", []string{
			`config.toml:1: discovery.sources: "" is not a list of watchlist, transactions, holdings, each at most once: it has no items`,
		}},
		{"wrong source", "discovery.sources = ['watchlist', 'mail']\n", []string{
			`config.toml:1: discovery.sources: "watchlist, mail" is not a list of watchlist, transactions, holdings, each at most once: "mail" is none of them`,
		}},
		{"source twice", "discovery.sources = ['holdings', 'holdings']\n", []string{
			`config.toml:1: discovery.sources: "holdings, holdings" is not a list of watchlist, transactions, holdings, each at most once: "holdings" is listed twice`,
		}},
		{"base URLs", "alphavantage.base_url = 'http://vantage.example/query'\n", []string{
			`config.toml:1: alphavantage.base_url: "http://vantage.example/query" is not an https:// URL (http:// only for a loopback host) without user and fragment, with no API key in its query: the API key would be sent unencrypted`,
		}},
		{"base URL with a key", "alphavantage.base_url = 'https://vantage.example/query?apikey=hunter2'\n", []string{
			`config.toml:1: alphavantage.base_url: the value is not an https:// URL (http:// only for a loopback host) without user and fragment, with no API key in its query`,
		}},
		{"entitlement", "alphavantage.entitlement = 'real-time'\n", []string{
			`config.toml:1: alphavantage.entitlement: "real-time" is not one of delayed or realtime, or "" for neither`,
		}},
		{"no entitlement", "alphavantage.entitlement = ''\n", nil},
		{"base URL without a host", "alphavantage.base_url = 'vantage.example'\n", []string{
			`config.toml:1: alphavantage.base_url: "vantage.example" is not an https:// URL (http:// only for a loopback host) without user and fragment, with no API key in its query`,
		}},
		{"ping", "ping.url = 'ftp://hc.example/hunter2'\n", []string{
			`config.toml:1: ping.url: the value is not an http:// or https:// URL`,
		}},
		{"key with a space", "alphavantage.api_key = 'hunter 2'\n", []string{
			`config.toml:1: alphavantage.api_key: the value is not a key of letters, digits and signs, without spaces`,
		}},
		{"both keys", "[alphavantage]\napi_key = 'hunter2'\napi_key_file = '/run/key'\n", []string{
			`config.toml:3: alphavantage.api_key_file: alphavantage.api_key is given too (config.toml:2): keep one of them`,
		}},
		{"codes of currencies", "[currencies]\n'.LON' = 'GBp'\n'.HKG' = 'hkd'\n'.JSE' = 'ZAX'\nAZN = ''\n", []string{
			`config.toml:2: currencies.".LON": "GBp" is not a code of ISO 4217 like "HKD", or GBX, ZAC or ILA for hundredths of GBP, ZAR or ILS`,
			`config.toml:3: currencies.".HKG": "hkd" is not a code of ISO 4217 like "HKD", or GBX, ZAC or ILA for hundredths of GBP, ZAR or ILS`,
			`config.toml:4: currencies.".JSE": "ZAX" is not a code of ISO 4217 like "HKD", or GBX, ZAC or ILA for hundredths of GBP, ZAR or ILS`,
			`config.toml:5: currencies.AZN: "" is not a code of ISO 4217 like "HKD", or GBX, ZAC or ILA for hundredths of GBP, ZAR or ILS`,
		}},
		{"types of currencies", "[currencies]\n'.LON' = 100\n'.HKG' = ['HKD']\n'.JSE' = {}\n'.TLV' = { code = 'ILA' }\n", []string{
			`config.toml:2: currencies.".LON": the number 100 is not a code of ISO 4217 like "HKD", or GBX, ZAC or ILA for hundredths of GBP, ZAR or ILS: write it in quotes`,
			`config.toml:3: currencies.".HKG": a list is not a code of ISO 4217 like "HKD", or GBX, ZAC or ILA for hundredths of GBP, ZAR or ILS: write it in quotes`,
			`config.toml:4: currencies.".JSE": a table is not a code of ISO 4217 like "HKD", or GBX, ZAC or ILA for hundredths of GBP, ZAR or ILS: write it in quotes`,
			`config.toml:5: currencies.".TLV": a table is not a code of ISO 4217 like "HKD", or GBX, ZAC or ILA for hundredths of GBP, ZAR or ILS: write it in quotes`,
		}},
		{"keys of currencies", "[currencies]\n'' = 'USD'\n'.' = 'USD'\n'.A.B' = 'USD'\n'A B' = 'USD'\n'LON.' = 'USD'\n'$' = 'USD'\n", []string{
			`config.toml:2: unknown key currencies."": write a suffix like ".LON" or a ticker like "AZN.LON"`,
			`config.toml:3: unknown key currencies.".": write a suffix like ".LON" or a ticker like "AZN.LON"`,
			`config.toml:4: unknown key currencies.".A.B": write a suffix like ".LON" or a ticker like "AZN.LON"`,
			`config.toml:5: unknown key currencies."A B": write a suffix like ".LON" or a ticker like "AZN.LON"`,
			`config.toml:6: unknown key currencies."LON.": write a suffix like ".LON" or a ticker like "AZN.LON"`,
			`config.toml:7: unknown key currencies."$": write a suffix like ".LON" or a ticker like "AZN.LON"`,
		}},
		{"ticker without quotes", "[currencies]\nAZN.LON = 'USD'\n", []string{
			`config.toml:2: unknown key currencies.AZN.LON: write "AZN.LON", in quotes`,
		}},
		{"suffix in two ways", "[currencies]\n'.LON' = 'GBX'\n'.lon' = 'GBP'\n", []string{
			`config.toml:3: currencies.".LON" is given twice (config.toml:2): keep one of them`,
		}},
		{"table of a suffix", "[currencies.'.LON']\ncode = 'GBX'\n", []string{
			`config.toml:1: currencies.".LON": a table is not a code of ISO 4217 like "HKD", or GBX, ZAC or ILA for hundredths of GBP, ZAR or ILS: write it in quotes`,
		}},
		{"value for the currencies", "currencies = 'GBX'\n", []string{
			`config.toml:1: currencies is a table: write [currencies] and its keys below it`,
		}},
		{"list of currencies", "[[currencies]]\n'.LON' = 'GBX'\n", []string{
			`config.toml:1: currencies is a table: write [currencies] and its keys below it`,
		}},
		{"currency for currencies", "[currency]\n'.LON' = 'GBX'\n", []string{
			`config.toml:1: unknown table [currency]: did you mean currencies?`,
		}},
		{"moves", "[quality]\nmax_move = '0%'\n[quality.by_ticker]\n'.LON' = '35'\nAAPL = '-5%'\nIBM = '1e2%'\nZM = ''\n'.HKG' = '0.00%'\n'.TRT' = '3 %'\n", []string{
			`config.toml:2: quality.max_move: "0%" is not a percentage greater than 0, like "35%" or "120%"`,
			`config.toml:4: quality.by_ticker.".LON": "35" is not a percentage greater than 0, like "35%" or "120%"`,
			`config.toml:5: quality.by_ticker.AAPL: "-5%" is not a percentage greater than 0, like "35%" or "120%"`,
			`config.toml:6: quality.by_ticker.IBM: "1e2%" is not a percentage greater than 0, like "35%" or "120%"`,
			`config.toml:7: quality.by_ticker.ZM: "" is not a percentage greater than 0, like "35%" or "120%"`,
			`config.toml:8: quality.by_ticker.".HKG": "0.00%" is not a percentage greater than 0, like "35%" or "120%"`,
			`config.toml:9: quality.by_ticker.".TRT": "3 %" is not a percentage greater than 0, like "35%" or "120%"`,
		}},
		{"types of moves", "[quality]\nmax_move = 0.5\n[quality.by_ticker]\nAAPL = 50\n", []string{
			`config.toml:2: quality.max_move: the number 0.5 is not a percentage greater than 0, like "35%" or "120%": write it in quotes`,
			`config.toml:4: quality.by_ticker.AAPL: the number 50 is not a percentage greater than 0, like "35%" or "120%": write it in quotes`,
		}},
		{"names of moves", "[quality.by_ticker]\nAZN.LON = '5%'\n'A B' = '5%'\n", []string{
			`config.toml:2: unknown key quality.by_ticker.AZN.LON: write "AZN.LON", in quotes`,
			`config.toml:3: unknown key quality.by_ticker."A B": write a suffix like ".LON" or a ticker like "AZN.LON"`,
		}},
		{"value for the moves of tickers", "[quality]\nby_ticker = '5%'\n", []string{
			`config.toml:2: quality.by_ticker is a table: write [quality.by_ticker] and its keys below it`,
		}},
		{"list of moves of tickers", "[[quality.by_ticker]]\nAAPL = '5%'\n", []string{
			`config.toml:1: quality.by_ticker is a table: write [quality.by_ticker] and its keys below it`,
		}},
		{"quoted table", "['quality.by_ticker']\nAAPL = '5%'\n", []string{
			`config.toml:1: unknown table ["quality.by_ticker"]: did you mean quality.by_ticker?`,
		}},
		{"keys of quality", "[quality]\nmaxmove = '5%'\nby_suffix = '5%'\nticker = '5%'\n", []string{
			`config.toml:2: unknown key quality.maxmove: did you mean quality.max_move?`,
			`config.toml:3: unknown key quality.by_suffix: there are quality.max_move, quality.by_ticker`,
			`config.toml:4: unknown key quality.ticker: did you mean quality.by_ticker?`,
		}},
		{"database", "database.url = 'mysql://root:hunter2@h/db'\n", []string{
			`config.toml:1: database.url: the value is not a postgres://… or sqlite:///path URL (three slashes: relative to the working directory, four: absolute): the scheme "mysql" is not known`,
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := problemsOf(t, Inputs{Environ: []string{"HOME=" + home}, File: write(t, tt.file)})
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
			if strings.Contains(strings.Join(got, "\n"), "hunter") {
				t.Errorf("a secret is shown: %q", got)
			}
		})
	}
}

func allKeys() string {
	var keys []string
	for _, s := range Settings() {
		keys = append(keys, s.Key)
	}
	return strings.Join(keys, ", ")
}

func TestProblemsElsewhere(t *testing.T) {
	absent := filepath.Join(t.TempDir(), "absent.toml")
	tests := []struct {
		name string
		in   Inputs
		want []string
	}{
		{"variable", Inputs{Environ: []string{"HOME=/h", "PAPERTRADE_REFRESH_ENABLED=yes"}}, []string{
			`PAPERTRADE_REFRESH_ENABLED: refresh.enabled: "yes" is not true or false`,
		}},
		{"empty item", Inputs{Environ: []string{"HOME=/h", "PAPERTRADE_DISCOVERY_SOURCES=watchlist,"}}, []string{
			`PAPERTRADE_DISCOVERY_SOURCES: discovery.sources: "watchlist, " is not a list of watchlist, transactions, holdings, each at most once: "" is none of them`,
		}},
		{"unknown variable", Inputs{Environ: []string{"HOME=/h", "PAPERTRADE_REFRESH_BATCHSIZE=5", "PAPERTRADE_LOG_FILE=x"}}, []string{
			`PAPERTRADE_LOG_FILE: no setting has this variable: there are PAPERTRADE_LOG_LEVEL, PAPERTRADE_LOG_FORMAT`,
			`PAPERTRADE_REFRESH_BATCHSIZE: no setting has this variable: did you mean PAPERTRADE_REFRESH_BATCH_SIZE?`,
		}},
		{"currencies", Inputs{Environ: []string{"HOME=/h", "PAPERTRADE_CURRENCIES=LON, A B=USD, .LON=pence, .HKG=HKD, .hkg=USD,"}}, []string{
			`PAPERTRADE_CURRENCIES: currencies: "LON" is not NAME=VALUE`,
			`PAPERTRADE_CURRENCIES: currencies: "A B=USD": write a suffix like ".LON" or a ticker like "AZN.LON"`,
			`PAPERTRADE_CURRENCIES: currencies: "" is not NAME=VALUE`,
			`PAPERTRADE_CURRENCIES: currencies.".LON": "pence" is not a code of ISO 4217 like "HKD", or GBX, ZAC or ILA for hundredths of GBP, ZAR or ILS`,
			`PAPERTRADE_CURRENCIES: currencies.".HKG" is given twice (PAPERTRADE_CURRENCIES): keep one of them`,
		}},
		{"moves", Inputs{Environ: []string{"HOME=/h", "PAPERTRADE_QUALITY_BY_TICKER=AAPL, .LON=5", "PAPERTRADE_QUALITY_BY_TICKER_AAPL=5%",
			"PAPERTRADE_QUALITY_MAXMOVE=5%"}}, []string{
			`PAPERTRADE_QUALITY_BY_TICKER: quality.by_ticker: "AAPL" is not NAME=VALUE`,
			`PAPERTRADE_QUALITY_BY_TICKER_AAPL: no setting has this variable: its entries go into PAPERTRADE_QUALITY_BY_TICKER`,
			`PAPERTRADE_QUALITY_MAXMOVE: no setting has this variable: did you mean PAPERTRADE_QUALITY_MAX_MOVE?`,
			`PAPERTRADE_QUALITY_BY_TICKER: quality.by_ticker.".LON": "5" is not a percentage greater than 0, like "35%" or "120%"`,
		}},
		{"variable of a suffix", Inputs{Environ: []string{"HOME=/h", "PAPERTRADE_CURRENCIES_LON=GBX"}}, []string{
			`PAPERTRADE_CURRENCIES_LON: no setting has this variable: its entries go into PAPERTRADE_CURRENCIES`,
		}},
		{"variables like those of settings", Inputs{Environ: []string{"HOME=/h",
			"PAPERTRADE_REFRSH_BATCH_SIZE=3", "PAPERTRADE_BATCH_SIZE=3", "PAPERTRADE_BATCHSIZE=3", "PAPERTRADE_DB_URL=x", "PAPERTRADE_DATABASEURL=x",
			"PAPERTRADE_AV_API_KYE=hunter2", "PAPERTRADE_METRIC_FILE=x", "PAPERTRADE_CURRENCY=x", "PAPERTRADE_LOGS_DIR=x"}}, []string{
			`PAPERTRADE_AV_API_KYE: no setting has this variable: did you mean PAPERTRADE_ALPHAVANTAGE_API_KEY?`,
			`PAPERTRADE_BATCHSIZE: no setting has this variable: did you mean PAPERTRADE_REFRESH_BATCH_SIZE?`,
			`PAPERTRADE_BATCH_SIZE: no setting has this variable: did you mean PAPERTRADE_REFRESH_BATCH_SIZE?`,
			`PAPERTRADE_CURRENCY: no setting has this variable: did you mean PAPERTRADE_CURRENCIES?`,
			`PAPERTRADE_DATABASEURL: no setting has this variable: did you mean PAPERTRADE_DATABASE_URL?`,
			`PAPERTRADE_DB_URL: no setting has this variable: did you mean PAPERTRADE_DATABASE_URL?`,
			`PAPERTRADE_LOGS_DIR: no setting has this variable: there are PAPERTRADE_LOG_LEVEL, PAPERTRADE_LOG_FORMAT`,
			`PAPERTRADE_METRIC_FILE: no setting has this variable: there are PAPERTRADE_METRICS_TEXTFILE`,
			`PAPERTRADE_REFRSH_BATCH_SIZE: no setting has this variable: did you mean PAPERTRADE_REFRESH_BATCH_SIZE?`,
		}},
		{"variables of others", Inputs{Environ: []string{"HOME=/h", "PAPERTRADE_DIR=/x", "PAPERTRADE_LOG_COLOUR=", "REFRESH_BATCHSIZE=5"}}, nil},
		{"fallback variable", Inputs{Environ: []string{"HOME=/h", "DATABASE_URL=sqlite://"}}, []string{
			`DATABASE_URL: database.url: the value is not a postgres://… or sqlite:///path URL (three slashes: relative to the working directory, four: absolute): it names no file, so nothing would be kept`,
		}},
		{"fallback variable of another program, and a flag", Inputs{
			Environ: []string{"HOME=/h", "DATABASE_URL=mysql2://h/a"}, Flags: map[string]string{"database.url": "sqlite:////p.db"}}, nil},
		{"variable of ours, and a flag", Inputs{
			Environ: []string{"HOME=/h", "PAPERTRADE_DATABASE_URL=mysql2://h/a"}, Flags: map[string]string{"database.url": "sqlite:////p.db"}}, []string{
			`PAPERTRADE_DATABASE_URL: database.url: the value is not a postgres://… or sqlite:///path URL (three slashes: relative to the working directory, four: absolute): the scheme "mysql2" is not known`,
		}},
		{"flag", Inputs{Environ: []string{"HOME=/h"}, Flags: map[string]string{"refresh.batch_size": "all", "discovery.active_days": ""}}, []string{
			`--days: discovery.active_days: "" is not a whole number from 1 to 36500`,
			`--batch-size: refresh.batch_size: "all" is not a whole number from 1 to 1000`,
		}},
		{"no such flag", Inputs{Environ: []string{"HOME=/h"}, Flags: map[string]string{"alphavantage.api_key": "hunter2"}}, []string{
			`alphavantage.api_key: no flag sets this key`,
		}},
		{"both keys", Inputs{Environ: []string{"HOME=/h", "ALPHAVANTAGE_API_KEY=hunter2", "PAPERTRADE_ALPHAVANTAGE_API_KEY_FILE=/run/key"}}, []string{
			`PAPERTRADE_ALPHAVANTAGE_API_KEY_FILE: alphavantage.api_key_file: alphavantage.api_key is given too (ALPHAVANTAGE_API_KEY): keep one of them`,
		}},
		{"no home", Inputs{}, []string{
			`database.url: its default is in the data directory: set HOME or XDG_DATA_HOME, or give database.url itself with --database-url or PAPERTRADE_DATABASE_URL`,
		}},
		{"relative homes", Inputs{Environ: []string{"HOME=/h", "XDG_CONFIG_HOME=etc", "XDG_DATA_HOME=var"}}, []string{
			`cannot tell where the settings file is: make XDG_CONFIG_HOME an absolute path, it is "etc"`,
			`database.url: its default is in the data directory: make XDG_DATA_HOME an absolute path, it is "var", or give database.url itself with --database-url or PAPERTRADE_DATABASE_URL`,
		}},
		{"absent file", Inputs{Environ: []string{"HOME=/h"}, File: absent}, []string{
			`--config: read the settings file: open config.toml: no such file or directory; to make it, run papertrade config init --config config.toml`,
		}},
		{"all together", Inputs{Environ: []string{"HOME=/h", "PAPERTRADE_LOG_LEVEL=loud"}, File: absent, Flags: map[string]string{"log.format": "xml"}}, []string{
			`--config: read the settings file: open config.toml: no such file or directory; to make it, run papertrade config init --config config.toml`,
			`PAPERTRADE_LOG_LEVEL: log.level: "loud" is not one of trace, debug, info, warn or error`,
			`--log-format: log.format: "xml" is not one of auto, json or console`,
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, problemsOf(t, tt.in)); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
		})
	}
}

// A wrong value is reported even where a flag overrides it: the next run has no such flag.
func TestOverriddenProblem(t *testing.T) {
	in := Inputs{
		Environ: []string{"HOME=" + home},
		File:    write(t, "log.level = 'loud'\n"),
		Flags:   map[string]string{"log.level": "debug"},
	}
	want := []string{`config.toml:1: log.level: "loud" is not one of trace, debug, info, warn or error`}
	if diff := cmp.Diff(want, problemsOf(t, in)); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
}

func TestUnreadableFile(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "papertrade", "config.toml")
	if err := os.MkdirAll(file, 0o700); err != nil {
		t.Fatal(err)
	}
	want := []string{"read the settings file: read " + file + ": is a directory"}
	got := problemsOf(t, Inputs{Environ: []string{"HOME=/h", "XDG_CONFIG_HOME=" + dir}})
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
}

func TestRateLimitProblem(t *testing.T) {
	_, reason := quota.ParseLimit("5/fortnight")
	want := []string{
		`PAPERTRADE_ALPHAVANTAGE_RATE_LIMITS: alphavantage.rate_limits: "5/1m, 5/fortnight" is not a list of limits like "5/1m" and "500/day", each at most once: ` + reason.Error(),
	}
	got := problemsOf(t, Inputs{Environ: []string{"HOME=/h", "PAPERTRADE_ALPHAVANTAGE_RATE_LIMITS=5/1m,5/fortnight"}})
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
}

func TestDefaultFileWithoutHome(t *testing.T) {
	_, err := DefaultFile(nil)
	want := "cannot tell where the settings file is: set HOME or XDG_CONFIG_HOME, or name the file with --config"
	if err == nil || err.Error() != want {
		t.Errorf("DefaultFile: %v, want %s", err, want)
	}
}
