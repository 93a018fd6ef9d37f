package config

import (
	"errors"
	"fmt"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// The drivers of a Database.
const (
	Postgres = "postgres"
	SQLite   = "sqlite"
)

// Database says where everything is kept. It prints as a URL without its password.
type Database struct {
	Driver string // Postgres or SQLite
	URL    Secret // Postgres: postgres://…, as pgx reads it
	Hosts  int    // Postgres: how many servers the URL names, of which one takes over when another fails
	Path   string // SQLite: the file; absolute in a Config, else absolute or relative to the working directory
	// Ignored are the parameters that were in the URL and mean nothing to pgx: those of other drivers, and of libpq's sockets.
	Ignored []string
}

// databaseURL is the setting that names the database.
const databaseURL = "database.url"

var schemePattern = regexp.MustCompile(`^[a-z][a-z0-9]*(\+[a-z0-9]+)?$`)

// ParseDatabase reads the URL of a database as libpq and SQLAlchemy write it: postgres:// or
// postgresql://, sqlite:///relative or sqlite:////absolute, with or without a Python driver. An error
// shows nothing of the URL but its scheme.
func ParseDatabase(s string) (Database, error) {
	scheme, rest, found := strings.Cut(s, "://")
	scheme = strings.ToLower(scheme)
	if !found || !schemePattern.MatchString(scheme) {
		return Database{}, errNotAllowed
	}
	switch scheme {
	case "postgres", "postgresql", "postgresql+psycopg", "postgresql+psycopg2":
		return parsePostgres(rest)
	case "postgresql+asyncpg":
		return parsePostgres(mapQuery(rest, func(key, value string) (string, string) {
			if key == "ssl" {
				key = "sslmode"
			}
			return key, value
		}))
	case "sqlite", "sqlite+aiosqlite":
		return parseSQLite(rest)
	}
	return Database{}, fmt.Errorf("the scheme %q is not known", clip(scheme))
}

func parsePostgres(rest string) (Database, error) {
	unreadable := errors.New("it cannot be read; percent-encode what is special in the user and the password (@ is %40, # is %23, / is %2F, ? is %3F)")
	// A second @, or one after the hosts, is where libpq and url.Parse would disagree about what the
	// password is, and what one of them takes for a host would be shown.
	beforeSlash, _, _ := strings.Cut(rest, "/")
	beforeQuery, _, _ := strings.Cut(rest, "?")
	authority := beforeQuery[:min(len(beforeQuery), len(beforeSlash))]
	if n := strings.Count(authority, "@"); n > 1 || strings.Count(beforeSlash, "@") > n || strings.Count(beforeQuery, "@") > n {
		return Database{}, unreadable
	}
	start := strings.LastIndex(authority, "@") + 1
	hosts, err := parseHosts(authority[start:])
	if err != nil {
		return Database{}, unreadable
	}
	// url.Parse knows one host only. What it says would show parts of the password.
	u, err := url.Parse("postgres://" + rest[:start] + rest[len(authority):])
	if err != nil {
		return Database{}, unreadable
	}
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil || u.Fragment != "" {
		return Database{}, errors.New("what follows the ? cannot be read; percent-encode what is special in it")
	}
	if err := checkParameters(query); err != nil {
		return Database{}, err
	}
	if given := query["host"]; len(given) > 0 {
		hosts = given[len(given)-1] // as libpq does
	}
	address, ignored := dropIgnored("postgres://" + rest)
	return Database{Driver: Postgres, URL: Secret(address), Hosts: 1 + strings.Count(hosts, ","), Ignored: ignored}, nil
}

// hostsPattern matches hosts as libpq reads them: names, IPv6 addresses in brackets, percent-encoded directories of sockets, or
// nothing for the default; each perhaps with a port.
var hostsPattern = func() *regexp.Regexp {
	const host = `(\[[^][,#\x00-\x20\x7f]+\]|[^][,:#\x00-\x20\x7f]*)(:[0-9]*)?`
	return regexp.MustCompile(`^` + host + `(,` + host + `)*$`)
}()

// parseHosts returns the list of hosts in a URL, decoded.
func parseHosts(list string) (string, error) {
	decoded, err := url.PathUnescape(list)
	if err != nil || !hostsPattern.MatchString(list) || strings.Contains(decoded, "\x00") {
		return "", errNotAllowed
	}
	return decoded, nil
}

// allowedValues are those of libpq's parameters that pgx would refuse without saying which one is wrong.
var allowedValues = map[string][]string{
	"sslmode":              {"disable", "allow", "prefer", "require", "verify-ca", "verify-full"},
	"target_session_attrs": {"any", "read-write", "read-only", "primary", "standby", "prefer-standby"},
	"gssencmode":           {"disable", "prefer"}, // pgx does not encrypt by GSSAPI
}

// checkParameters returns an error that names a parameter with a value that is not allowed.
func checkParameters(query url.Values) error {
	for _, name := range slices.Sorted(maps.Keys(allowedValues)) {
		for _, value := range query[name] {
			if allowed := allowedValues[name]; !slices.Contains(allowed, value) {
				return fmt.Errorf("its parameter %s must be one of %s", name, strings.Join(allowed, ", "))
			}
		}
	}
	return nil
}

// ignoredParameters would reach the server as settings, which it does not know.
var ignoredParameters = []string{
	// of libpq
	"keepalives", "keepalives_idle", "keepalives_interval", "keepalives_count", "tcp_user_timeout",
	"gssencmode", "gsslib", "gssdelegation", "sslcompression", "fallback_application_name",
	// of SQLAlchemy and asyncpg
	"prepared_statement_cache_size", "statement_cache_size", "max_cached_statement_lifetime", "max_cacheable_statement_size",
	"command_timeout", "async_fallback",
}

// dropIgnored returns a URL without the ignored parameters, and their names.
func dropIgnored(address string) (rest string, ignored []string) {
	base, query, found := strings.Cut(address, "?")
	if !found {
		return address, nil
	}
	var kept []string
	for parameter := range strings.SplitSeq(query, "&") {
		name, _, _ := strings.Cut(parameter, "=")
		if slices.Contains(ignoredParameters, name) {
			ignored = append(ignored, name)
			continue
		}
		kept = append(kept, parameter)
	}
	if len(ignored) == 0 {
		return address, nil
	}
	if len(kept) == 0 {
		return base, ignored
	}
	return base + "?" + strings.Join(kept, "&"), ignored
}

func parseSQLite(rest string) (Database, error) {
	path, rooted := strings.CutPrefix(rest, "/")
	switch {
	case strings.Contains(rest, ":memory:"), strings.Contains(rest, "mode=memory"):
		return Database{}, errors.New("a database in memory would keep nothing")
	case path == "":
		return Database{}, errors.New("it names no file, so nothing would be kept")
	case !rooted:
		return Database{}, errors.New("two slashes are followed by a host, which SQLite does not have")
	case strings.ContainsAny(path, "?\x00"), strings.HasPrefix(path, "file:"):
		return Database{}, errors.New("it takes the path of a file and no parameters")
	case strings.HasSuffix(path, "/"):
		return Database{}, errors.New("it names a directory, not a file")
	}
	return Database{Driver: SQLite, Path: path}, nil
}

// settleDatabase makes the path of a SQLite database absolute, and warns of one that was probably meant to be.
func (c *Config) settleDatabase(origin Origin, p *problems) {
	path := c.Database.Path
	if path == "" || filepath.IsAbs(path) {
		return
	}
	absolute, err := filepath.Abs(path)
	if err != nil {
		p.add(fmt.Sprintf("%s: %s: the path is relative to the working directory: %v: write an absolute path, after four slashes",
			origin, databaseURL, err))
		return
	}
	c.Database.Path = absolute
	if lacksSlash(path) {
		c.Warnings = append(c.Warnings, Notice{
			"three slashes are followed by a path that is relative to the working directory: write four if it begins at the root",
			"database", c.Database.String()})
	}
}

// lacksSlash reports whether a relative path leads nowhere from the working directory, and somewhere from the root.
func lacksSlash(path string) bool {
	first, rest, _ := strings.Cut(filepath.Clean(path), "/")
	if rest == "" || first == ".." {
		return false
	}
	_, here := os.Stat(first)
	_, there := os.Stat("/" + first)
	return here != nil && there == nil
}

// String returns the URL with *** for its password.
func (d Database) String() string {
	switch d.Driver {
	case SQLite:
		return "sqlite:///" + d.Path
	case Postgres:
		address := mapQuery(d.URL.Reveal(), func(key, value string) (string, string) {
			if isPassword(key) {
				value = hidden
			}
			return key, value
		})
		if user, _, ok := userinfo(address); ok {
			_, host, _ := strings.Cut(address, "@")
			return "postgres://" + user + ":" + hidden + "@" + host
		}
		return address
	}
	return ""
}

// GoString returns String, so that %#v shows no password either.
func (d Database) GoString() string { return d.String() }

// isPassword reports whether libpq takes a password from a parameter of the URL.
func isPassword(parameter string) bool {
	name, err := url.QueryUnescape(parameter)
	return err != nil || name == "password" || name == "sslpassword"
}

// passwords returns every form of the database's passwords that can be read off its URL.
func (d Database) passwords() []string {
	address := d.URL.Reveal()
	var found []string
	if _, password, ok := userinfo(address); ok {
		found = append(found, password)
	}
	mapQuery(address, func(key, value string) (string, string) {
		if isPassword(key) {
			found = append(found, value)
		}
		return key, value
	})
	for _, encoded := range found {
		// A + is a space to some readers of a query and a plus to others.
		for _, decode := range []func(string) (string, error){url.PathUnescape, url.QueryUnescape} {
			if decoded, err := decode(encoded); err == nil {
				found = append(found, decoded)
			}
		}
	}
	return found
}

// userinfo returns the user and the password of a URL as they are written in it; ok is false if it has no
// password.
func userinfo(address string) (user, password string, ok bool) {
	_, rest, _ := strings.Cut(address, "://")
	if end := strings.IndexAny(rest, "/?"); end >= 0 {
		rest = rest[:end]
	}
	at := strings.LastIndex(rest, "@")
	if at < 0 {
		return "", "", false
	}
	return strings.Cut(rest[:at], ":")
}

// mapQuery rewrites the parameters of a URL and leaves every other byte as it is.
func mapQuery(address string, rewrite func(key, value string) (string, string)) string {
	base, query, found := strings.Cut(address, "?")
	if !found {
		return address
	}
	parameters := strings.Split(query, "&")
	for i, parameter := range parameters {
		key, value, hasValue := strings.Cut(parameter, "=")
		if hasValue {
			key, value = rewrite(key, value)
			parameters[i] = key + "=" + value
		}
	}
	return base + "?" + strings.Join(parameters, "&")
}
