package main

import (
	"strings"

	"papertrade/internal/config"
	"papertrade/internal/refresh"
)

// discovery returns where the settings have active tickers come from.
func discovery(c *config.Config) refresh.Discovery {
	d := refresh.Discovery{ActiveDays: c.Discovery.ActiveDays}
	for _, source := range c.Discovery.Sources {
		d.Sources = append(d.Sources, refresh.Source(source))
	}
	return d
}

func joinSources(sources []refresh.Source) string {
	names := make([]string, len(sources))
	for i, source := range sources {
		names[i] = string(source)
	}
	return strings.Join(names, ", ")
}

// normalizeSymbol returns a symbol as symbols are compared.
func normalizeSymbol(symbol string) string { return strings.ToUpper(strings.TrimSpace(symbol)) }
