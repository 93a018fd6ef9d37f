// Package providers lists the vendors that prices can come from. A vendor is a folder under pkg/ and one
// entry here.
package providers

import (
	"net/http"
	"slices"
	"time"

	"papertrade/internal/quota"
	"papertrade/pkg/alphavantage"
	"papertrade/pkg/marketdata"
)

// Vendor is what the program knows of a vendor besides its client.
type Vendor struct {
	Name              string   // the section of its settings, and its value of refresh.provider: "alphavantage"
	Title             string   // as sentences have it: "Alpha Vantage"
	Source            string   // what its prices are stored under: "alpha_vantage"
	KeyVariables      []string // that give its key besides PAPERTRADE_NAME_API_KEY; the first that is set wins
	DefaultBaseURL    string
	DefaultRateLimits string // of its free plan, comma-separated: "5/1m,500/day"
	// Entitlements are what the plan of a key can add to its calls; empty if the vendor's calls say nothing of it.
	Entitlements []string
	// New makes a client. It asks nothing of the vendor, and an error never shows the key.
	New func(Options) (marketdata.Provider, error)
}

// Options are what a client of any vendor works with.
type Options struct {
	Key        string // "" makes a client whose every call is refused before it is made
	BaseURL    string
	HTTP       *http.Client
	Limiter    *quota.Limiter // Wait for the cost of each call before it is made, and call sent after it, always
	Timeout    time.Duration  // of one call
	Currencies marketdata.Currencies
	// Entitlement is what the key's plan adds to each call: one of the vendor's Entitlements, "" for nothing.
	Entitlement string
	// OnAnswer is called with each answer, and with nothing else of the client; nil if nobody wants to know.
	OnAnswer func(marketdata.RawAnswer)
}

// All returns every vendor. The first is the one that is asked unless the settings choose another.
func All() []Vendor {
	return []Vendor{
		{
			Name: "alphavantage", Title: "Alpha Vantage", Source: alphavantage.Source,
			KeyVariables:   []string{"ALPHAVANTAGE_API_KEY", "ALPHA_VANTAGE_API_KEY"},
			DefaultBaseURL: alphavantage.DefaultBaseURL, DefaultRateLimits: "5/1m,500/day",
			Entitlements: []string{"delayed", "realtime"},
			New:          newAlphaVantage,
		},
	}
}

// Lookup returns the vendor of that name.
func Lookup(name string) (Vendor, bool) {
	all := All()
	i := slices.IndexFunc(all, func(v Vendor) bool { return v.Name == name })
	if i < 0 {
		return Vendor{}, false
	}
	return all[i], true
}

func newAlphaVantage(o Options) (marketdata.Provider, error) {
	client, err := alphavantage.New(alphavantage.Options{
		Key: o.Key, BaseURL: o.BaseURL, HTTP: o.HTTP, Limiter: o.Limiter, Timeout: o.Timeout, Currencies: o.Currencies,
		Entitlement: o.Entitlement, OnAnswer: o.OnAnswer,
	})
	if err != nil {
		return nil, err
	}
	return client, nil
}
