package config

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
)

// hidden stands where a secret would.
const hidden = "***"

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

// Redact returns the text with *** for every secret that the settings hold, in each way in which a URL, a
// Go string or JSON would write it: the last line of defence before a text leaves the program. A key
// in a file is known once Key has read it. Secrets shorter than four bytes stay.
func (c *Config) Redact(text string) string {
	secrets := c.Database.passwords()
	for _, v := range c.Vendors {
		secrets = append(secrets, v.APIKey.Reveal())
		if v.keyRead != nil {
			secrets = append(secrets, v.keyRead.Reveal())
		}
	}
	if u, err := url.Parse(c.Ping.URL); err == nil {
		password, _ := u.User.Password()
		secrets = append(secrets, password, strings.Trim(u.EscapedPath(), "/"), u.RawQuery)
	}
	var forms []string
	for _, secret := range secrets {
		if len(secret) < minRedacted {
			continue
		}
		quoted := fmt.Sprintf("%q", secret)
		inJSON, _ := json.Marshal(secret) // a string always marshals
		forms = append(forms, secret, url.QueryEscape(secret), url.PathEscape(secret),
			url.UserPassword("", secret).String()[1:], quoted[1:len(quoted)-1], string(inJSON[1:len(inJSON)-1]))
	}
	// The replacer takes the first that fits, so a secret must come before its own beginning.
	slices.SortFunc(forms, func(a, b string) int { return cmp.Compare(len(b), len(a)) })
	pairs := make([]string, 0, 2*len(forms))
	for _, form := range forms {
		pairs = append(pairs, form, hidden)
	}
	return strings.NewReplacer(pairs...).Replace(text)
}
