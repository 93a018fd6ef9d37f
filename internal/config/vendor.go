package config

import (
	"slices"
	"time"

	"papertrade/internal/providers"
	"papertrade/internal/quota"
)

// Vendor is a vendor and how it is asked. Config.Key returns the key to ask it with.
type Vendor struct {
	providers.Vendor
	APIKey     Secret // "" if it is not given, or if APIKeyFile overrides it
	APIKeyFile string // "" if it is not given, or if APIKey overrides it
	BaseURL    string
	RateLimits []quota.Limit // at least one
	Timeout    time.Duration // more than 0
	Attempts   int           // 1 to 10
	// Entitlement is one of Entitlements; "" if it is not given.
	Entitlement string

	keyRead *Secret // what Key has read; a pointer, since fmt prints an unexported Secret in clear
}

// Provider returns the vendor that refresh.provider names.
func (c *Config) Provider() *Vendor {
	i := slices.IndexFunc(c.Vendors, func(v *Vendor) bool { return v.Name == c.Refresh.Provider })
	return c.Vendors[i]
}

func (v *Vendor) apiKey() string     { return v.Name + ".api_key" }
func (v *Vendor) apiKeyFile() string { return v.Name + ".api_key_file" }

// vendorSettings returns the settings of the vendor that is Config.Vendors[i].
func vendorSettings(v providers.Vendor, i int) []Setting {
	section := v.Name
	settings := []Setting{
		{
			Key: section + ".api_key", Secret: true, example: "your-key",
			Help:      "The key itself; a key file is safer.",
			Allowed:   keyAllowed,
			Variables: v.KeyVariables,
			set:       scalar(optional(parseKey), func(c *Config) *Secret { return &c.Vendors[i].APIKey }),
		},
		{
			Key: section + ".api_key_file", example: "/etc/papertrade/" + v.Name + ".key",
			Help:    "A file that holds the key and that only its owner can read (chmod 600).",
			Allowed: "the path of a file",
			set:     scalar(filePath, func(c *Config) *string { return &c.Vendors[i].APIKeyFile }),
		},
		{
			Key: section + ".base_url", Default: v.DefaultBaseURL,
			Help:    "Where " + v.Title + " is asked.",
			Allowed: "an https:// URL (http:// only for a loopback host) without user and fragment, with no API key in its query",
			set:     scalar(baseURL, func(c *Config) *string { return &c.Vendors[i].BaseURL }),
			show:    func(c *Config) string { return concealQuery(c.Vendors[i].BaseURL) },
		},
		{
			Key: section + ".rate_limits", Default: v.DefaultRateLimits, kind: kindList,
			Help:    "What the key's plan allows, all at once: N/DURATION in any window of that length, N/day in a day of UTC.",
			Allowed: `a list of limits like "5/1m" and "500/day", each at most once`,
			set:     listOf(quota.ParseLimit, func(c *Config) *[]quota.Limit { return &c.Vendors[i].RateLimits }),
		},
		{
			Key: section + ".timeout", Default: "10s",
			Help:    "How long one call may take.",
			Allowed: `a duration greater than 0, like "10s"`,
			set:     scalar(timeout, func(c *Config) *time.Duration { return &c.Vendors[i].Timeout }),
		},
		{
			Key: section + ".attempts", Default: "3", kind: kindInteger,
			Help:    "How many times a ticker is tried; each try counts as a call.",
			Allowed: "a whole number from 1 to 10",
			set:     scalar(upTo(10), func(c *Config) *int { return &c.Vendors[i].Attempts }),
		},
	}
	if len(v.Entitlements) == 0 {
		return settings
	}
	return append(settings, Setting{
		Key: section + ".entitlement", Values: v.Entitlements, example: v.Entitlements[0],
		Help:    "What the key's plan adds to each call, where it has prices of the session under way.",
		Allowed: anyOf(v.Entitlements) + `, or "" for neither`,
		set:     scalar(optional(oneOf(v.Entitlements)), func(c *Config) *string { return &c.Vendors[i].Entitlement }),
	})
}
