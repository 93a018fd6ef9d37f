package config

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/shopspring/decimal"

	"papertrade/pkg/marketdata"
)

// path returns where the file has the setting.
func (s *Setting) path() []string { return strings.Split(s.Key, ".") }

// keysIn returns the keys of the setting's values in effect: its own, or those of a table's entries.
func (s *Setting) keysIn(effective map[string]given) []string {
	if s.kind != kindTable {
		return []string{s.Key}
	}
	keys := slices.Collect(maps.Keys(effective))
	keys = slices.DeleteFunc(keys, func(key string) bool { return effective[key].setting != s })
	slices.Sort(keys)
	return keys
}

// entriesIn returns the entries of a table as a variable has them: NAME=VALUE,NAME=VALUE.
func (s *Setting) entriesIn(origin Origin, text string, p *problems) []given {
	if text == "" {
		return nil
	}
	var values []given
	for _, item := range s.splitItems(text) {
		name, value, found := strings.Cut(item, "=")
		if !found {
			p.add(fmt.Sprintf("%s: %s: %s is not NAME=VALUE", origin, s.Key, s.quote(item)))
			continue
		}
		entry, err := s.entryName(name)
		if err != nil {
			p.add(fmt.Sprintf("%s: %s: %s: %v", origin, s.Key, s.quote(item), err))
			continue
		}
		values = append(values, given{setting: s, entry: entry, items: []string{strings.TrimSpace(value)}, origin: origin})
	}
	return values
}

// entryAt returns the entry of a table at a path of the file, or what is wrong with its name; "" if the
// setting is not a table.
func (s *Setting) entryAt(path []string) (name, wrong string) {
	if s.kind != kindTable {
		return "", ""
	}
	own := path[len(s.path()):]
	name, err := s.entryName(strings.Join(own, "."))
	switch {
	case err != nil:
		return "", err.Error()
	case len(own) > 1:
		return "", fmt.Sprintf("write %q, in quotes", name)
	}
	return name, ""
}

// quotedName reads a ticker, or a suffix: what a ticker can end in, from its last dot on.
func quotedName(s string) (string, error) {
	const before = "X"
	name := strings.TrimSpace(s)
	if strings.LastIndexByte(name, '.') == 0 {
		if ticker, err := marketdata.ParseTicker(before + name); err == nil {
			return strings.TrimPrefix(ticker.String(), before), nil
		}
	} else if ticker, err := marketdata.ParseTicker(name); err == nil {
		return ticker.String(), nil
	}
	return "", errors.New(`write a suffix like ".LON" or a ticker like "AZN.LON"`)
}

// setCurrency stores what the quotes of a suffix or a ticker are in.
func setCurrency(c *Config, g given) error {
	currency, err := marketdata.ParseCurrency(g.items[0])
	if err != nil {
		return errNotAllowed
	}
	if c.Currencies == nil {
		c.Currencies = map[string]marketdata.Currency{}
	}
	c.Currencies[g.entry] = currency
	return nil
}

// setMaxMove stores the largest move of a suffix or a ticker.
func setMaxMove(c *Config, g given) error {
	move, err := percentage(g.items[0])
	if err != nil {
		return err
	}
	if c.Quality.ByName == nil {
		c.Quality.ByName = map[string]decimal.Decimal{}
	}
	c.Quality.ByName[g.entry] = move
	return nil
}

// defaultCurrencies returns marketdata.DefaultCurrencies as a variable would have them.
func defaultCurrencies() string {
	var entries []string
	for suffix, currency := range marketdata.DefaultCurrencies() {
		entries = append(entries, suffix+"="+currency.String())
	}
	slices.Sort(entries)
	return strings.Join(entries, ",")
}
