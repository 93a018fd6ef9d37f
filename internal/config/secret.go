package config

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	"papertrade/pkg/safetext"
)

// hidden stands where a secret would.
const hidden = safetext.Hidden

// Secret is a text that prints as *** however it is printed; only Reveal gives it away.
type Secret string

// Reveal returns the secret itself.
func (s Secret) Reveal() string { return string(s) }

// String returns ***, or "" if there is no secret.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return hidden
}

// GoString returns String, quoted.
func (s Secret) GoString() string { return fmt.Sprintf("%q", s.String()) }

// Format writes String, whatever the verb.
func (s Secret) Format(state fmt.State, verb rune) {
	if verb == 'q' || verb == 'v' && state.Flag('#') {
		fmt.Fprintf(state, "%q", s.String())
		return
	}
	fmt.Fprint(state, s.String())
}

// MarshalText returns String as bytes.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// minRedacted keeps Redact from riddling every text with *** because a password has a letter or two.
const minRedacted = 4

// Redact returns the text, which one of safetext has made safe, with *** for every secret that the settings hold, in any case
// and encoding: the last line of defence before a text leaves the program. A key in a file is known once Key has read
// it. Secrets shorter than four bytes stay.
func (c *Config) Redact(text string) string { return c.Redactor().Redact(text) }

// minRedactedKey keeps RedactKeys from taking a ticker, or some digits of a price, for a key.
const minRedactedKey = 8

// RedactKeys returns the text of a result with *** for every key of a vendor of at least eight bytes, in any case and
// encoding. Passwords are often words of which results have many, and no answer of a vendor has them.
func (c *Config) RedactKeys(text string) string {
	keys := slices.DeleteFunc(c.keys(), func(key string) bool { return len(key) < minRedactedKey })
	return safetext.NewRedactor(keys...).Redact(text)
}

// keys returns the keys of the vendors, "" for those that there are not.
func (c *Config) keys() (keys []string) {
	for _, v := range c.Vendors {
		keys = append(keys, v.APIKey.Reveal())
		if v.keyRead != nil {
			keys = append(keys, v.keyRead.Reveal())
		}
	}
	return keys
}

// Redactor returns what Redact goes by, for many texts.
func (c *Config) Redactor() *safetext.Redactor {
	secrets := c.secrets()
	cached := c.redactor.Load()
	if cached == nil || !slices.Equal(cached.secrets, secrets) {
		cached = &redactor{secrets, safetext.NewRedactor(secrets...)}
		c.redactor.Store(cached)
	}
	return cached.Redactor
}

// redactor is of some secrets. To make one takes a while.
type redactor struct {
	secrets []string
	*safetext.Redactor
}

// secrets returns those that are long enough to be redacted.
func (c *Config) secrets() []string {
	secrets := append(c.Database.passwords(), c.keys()...)
	if u, err := url.Parse(c.Ping.URL); err == nil {
		password, _ := u.User.Password()
		secrets = append(secrets, password, strings.Trim(u.EscapedPath(), "/"), u.RawQuery)
	}
	return slices.DeleteFunc(secrets, func(secret string) bool { return len(secret) < minRedacted })
}
