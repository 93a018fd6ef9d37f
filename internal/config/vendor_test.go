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

	"papertrade/internal/providers"
)

var acme = providers.Vendor{
	Name: "acme", Title: "Acme Data", Source: "acme_data", KeyVariables: []string{"ACME_KEY", "ACME_OLD_KEY"},
	DefaultBaseURL: "https://acme.example/v2", DefaultRateLimits: "8/1m,800/day",
}

// twoVendors is the schema of a program that has a vendor acme too.
func twoVendors(t *testing.T) *schema { return newSchema([]providers.Vendor{alphaVantage(t), acme}) }

func loadTwo(t *testing.T, content string, environ ...string) *Config {
	t.Helper()
	c, err := twoVendors(t).load(Inputs{Environ: append([]string{"HOME=" + home}, environ...), File: write(t, content)})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestDefaultsOfASecondVendor(t *testing.T) {
	got := loadTwo(t, "")
	want := defaults(t)
	want.Vendors = append(want.Vendors, &Vendor{
		Vendor: acme, BaseURL: "https://acme.example/v2", RateLimits: limits(t, "8/1m", "800/day"),
		Timeout: 10 * time.Second, Attempts: 3,
	})
	if diff := cmp.Diff(want, got, sameConfig); diff != "" {
		t.Errorf("load (-want +got):\n%s", diff)
	}
	if got.Provider() != got.Vendors[0] {
		t.Errorf("the default provider is %s", got.Provider().Name)
	}
}

func TestSettingsOfASecondVendor(t *testing.T) {
	got := loadTwo(t, `
refresh.provider = "acme"
[acme]
api_key = "acm3"
base_url = "https://other.example/"
rate_limits = ["1/1s"]
timeout = "3s"
attempts = 7
`, "PAPERTRADE_ACME_ATTEMPTS=8", "PAPERTRADE_ALPHAVANTAGE_API_KEY_FILE=~/key")
	want := defaults(t)
	want.Refresh.Provider = "acme"
	want.Vendors[0].APIKeyFile = "/home/ada/key"
	want.Vendors = append(want.Vendors, &Vendor{
		Vendor: acme, APIKey: "acm3", BaseURL: "https://other.example/", RateLimits: limits(t, "1/1s"),
		Timeout: 3 * time.Second, Attempts: 8,
	})
	if diff := cmp.Diff(want, got, sameConfig); diff != "" {
		t.Errorf("load (-want +got):\n%s", diff)
	}
	if got.Provider() != got.Vendors[1] {
		t.Errorf("the provider is %s, want acme", got.Provider().Name)
	}
	var shown []string
	for _, v := range got.Effective() {
		if strings.HasPrefix(v.Key, "acme.") {
			shown = append(shown, fmt.Sprintf("%s=%s %s", v.Key, v.Value, strings.ReplaceAll(v.Origin.String(), got.File, "FILE")))
		}
	}
	wantShown := []string{
		"acme.api_key=*** FILE:4", "acme.api_key_file= default", "acme.base_url=https://other.example/ FILE:5",
		"acme.rate_limits=1/1s FILE:6", "acme.timeout=3s FILE:7", "acme.attempts=8 PAPERTRADE_ACME_ATTEMPTS",
	}
	if diff := cmp.Diff(wantShown, shown); diff != "" {
		t.Errorf("Effective (-want +got):\n%s", diff)
	}
}

func TestKeyVariablesOfASecondVendor(t *testing.T) {
	for _, tt := range []struct {
		environ []string
		want    string
	}{
		{[]string{"ACME_OLD_KEY=a"}, "ACME_OLD_KEY"},
		{[]string{"ACME_OLD_KEY=a", "ACME_KEY=b"}, "ACME_KEY"},
		{[]string{"ACME_OLD_KEY=a", "ACME_KEY=b", "PAPERTRADE_ACME_API_KEY=c"}, "PAPERTRADE_ACME_API_KEY"},
		{[]string{"ALPHAVANTAGE_API_KEY=a"}, "default"},
	} {
		if got := valueOf(t, loadTwo(t, "", tt.environ...), "acme.api_key").Origin.String(); got != tt.want {
			t.Errorf("%v: the key comes from %s, want %s", tt.environ, got, tt.want)
		}
	}
}

// The keys of all vendors are redacted, and each vendor has its own.
func TestKeysOfTwoVendors(t *testing.T) {
	file := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(file, []byte("acm3-of-file\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c := loadTwo(t, "acme.api_key = 'overridden'\n", "ALPHAVANTAGE_API_KEY=v4ntage", "PAPERTRADE_ACME_API_KEY_FILE="+file)
	const text = "v4ntage acm3-of-file"
	if got := c.Redact(text); got != "*** acm3-of-file" {
		t.Errorf("before the file is read, Redact(%s) = %s", text, got)
	}
	for _, want := range [][3]string{
		{"alphavantage", "v4ntage", "alphavantage.api_key (ALPHAVANTAGE_API_KEY)"},
		{"acme", "acm3-of-file", "acme.api_key_file (PAPERTRADE_ACME_API_KEY_FILE)"},
	} {
		v := c.Vendors[slices.IndexFunc(c.Vendors, func(v *Vendor) bool { return v.Name == want[0] })]
		key, err := c.Key(v)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, [3]string{v.Name, key.Reveal(), c.KeySetting(v)}); diff != "" {
			t.Errorf("Key and KeySetting (-want +got):\n%s", diff)
		}
	}
	if got := c.Redact(text); got != "*** ***" {
		t.Errorf("Redact(%s) = %s", text, got)
	}
	for _, verb := range []string{"%v", "%+v", "%#v"} {
		if printed := fmt.Sprintf(verb, *c.Vendors[0]) + fmt.Sprintf(verb, *c.Vendors[1]); strings.Contains(printed, "v4ntage") || strings.Contains(printed, "acm3") {
			t.Errorf("%s of a Vendor prints its key: %s", verb, printed)
		}
	}
	c = loadTwo(t, "", "ACME_KEY=acm3-of-variable")
	if got := c.Redact("acm3-of-variable"); got != "***" {
		t.Errorf("Redact of the key of a vendor that is not chosen = %s", got)
	}
}

func TestNoKeyOfASecondVendor(t *testing.T) {
	c := loadTwo(t, "", "ALPHAVANTAGE_API_KEY=v4ntage", "PAPERTRADE_REFRESH_PROVIDER=acme")
	_, err := c.Key(c.Provider())
	want := "there is no key for Acme Data: put it into a file that only you can read and name that file in acme.api_key_file, or set PAPERTRADE_ACME_API_KEY"
	if err == nil || err.Error() != want {
		t.Errorf("Key: %v, want %s", err, want)
	}
	c = loadTwo(t, "", "PAPERTRADE_ACME_API_KEY_FILE=/absent", "PAPERTRADE_REFRESH_PROVIDER=acme")
	_, err = c.Key(c.Provider())
	want = "PAPERTRADE_ACME_API_KEY_FILE: acme.api_key_file: open /absent: no such file or directory"
	if err == nil || err.Error() != want {
		t.Errorf("Key: %v, want %s", err, want)
	}
}

func TestProblemsOfASecondVendor(t *testing.T) {
	tests := []struct {
		name, file string
		environ    []string
		want       []string
	}{
		{"provider", "refresh.provider = 'tiingo'\n", nil, []string{
			`config.toml:1: refresh.provider: "tiingo" is not one of alphavantage or acme`,
		}},
		{"values", "[acme]\nattempts = 0\ntimeout = '0s'\nbase_url = 'http://acme.example'\nrate_limits = []\napi_key = 'hunter 2'\n", nil, []string{
			`config.toml:2: acme.attempts: "0" is not a whole number from 1 to 10`,
			`config.toml:3: acme.timeout: "0s" is not a duration greater than 0, like "10s"`,
			`config.toml:4: acme.base_url: "http://acme.example" is not an https:// URL (http:// only for a loopback host) without user and fragment, with no API key in its query: the API key would be sent unencrypted`,
			`config.toml:5: acme.rate_limits: "" is not a list of limits like "5/1m" and "500/day", each at most once: it has no items`,
			`config.toml:6: acme.api_key: the value is not a key of letters, digits and signs, without spaces`,
		}},
		{"both keys", "[acme]\napi_key = 'hunter2'\napi_key_file = '/run/key'\n", nil, []string{
			`config.toml:3: acme.api_key_file: acme.api_key is given too (config.toml:2): keep one of them`,
		}},
		{"entitlement of a vendor without any", "acme.entitlement = 'delayed'\n", nil, []string{
			`config.toml:1: unknown key acme.entitlement: did you mean alphavantage.entitlement?`,
		}},
		{"keys of two vendors", "acme.api_key = 'hunter2'\nalphavantage.api_key_file = '/run/key'\n", nil, nil},
		{"unknown key", "[acme]\napikey = 'hunter2'\n", nil, []string{
			`config.toml:2: unknown key acme.apikey: did you mean acme.api_key?`,
		}},
		{"key of a vendor that is almost there", "acm.api_key = 'hunter2'\n", nil, []string{
			`config.toml:1: unknown key acm.api_key: did you mean acme.api_key?`,
		}},
		{"unknown table", "[acm]\napi_key = 'hunter2'\n", nil, []string{
			`config.toml:1: unknown table [acm]: did you mean acme?`,
		}},
		{"unknown variable", "", []string{"PAPERTRADE_ACME_APIKEY=hunter2", "PAPERTRADE_ACME_API_KEYFILE=hunter2"}, []string{
			`PAPERTRADE_ACME_APIKEY: no setting has this variable: did you mean PAPERTRADE_ACME_API_KEY?`,
			`PAPERTRADE_ACME_API_KEYFILE: no setting has this variable: did you mean PAPERTRADE_ACME_API_KEY_FILE?`,
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			in := Inputs{Environ: append(tt.environ, "HOME="+home), File: write(t, tt.file)}
			if diff := cmp.Diff(tt.want, problemsWith(t, twoVendors(t), in)); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
		})
	}
}

func TestTemplateOfTwoVendors(t *testing.T) {
	template := twoVendors(t).template()
	want := `
[acme]
# The key itself; a key file is safer.
# It is a key of letters, digits and signs, without spaces.
# Variable: PAPERTRADE_ACME_API_KEY, then ACME_KEY, then ACME_OLD_KEY. Default: none
#api_key = "your-key"

# A file that holds the key and that only its owner can read (chmod 600).
# It is the path of a file.
# Variable: PAPERTRADE_ACME_API_KEY_FILE. Default: none
#api_key_file = "/etc/papertrade/acme.key"

# Where Acme Data is asked.
# It is an https:// URL (http:// only for a loopback host) without user and fragment, with no API key in its query.
# Variable: PAPERTRADE_ACME_BASE_URL
#base_url = "https://acme.example/v2"

# What the key's plan allows, all at once: N/DURATION in any window of that length, N/day in a day of UTC.
# It is a list of limits like "5/1m" and "500/day", each at most once.
# Variable: PAPERTRADE_ACME_RATE_LIMITS
#rate_limits = ["8/1m", "800/day"]

# How long one call may take.
# It is a duration greater than 0, like "10s".
# Variable: PAPERTRADE_ACME_TIMEOUT
#timeout = "10s"

# How many times a ticker is tried; each try counts as a call.
# It is a whole number from 1 to 10.
# Variable: PAPERTRADE_ACME_ATTEMPTS
#attempts = 3

`
	// The rest is the template of the program, but for the choice of a provider.
	before, after, found := strings.Cut(template, want)
	rest := strings.Replace(before+"\n"+after, "# It is one of alphavantage or acme.", "# It is alphavantage, the only choice.", 1)
	if !found {
		t.Errorf("the template lacks\n%s\nit is\n%s", want, template)
	} else if diff := cmp.Diff(Template(), rest); diff != "" {
		t.Errorf("the rest of the template (-one vendor +two):\n%s", diff)
	}
}

func TestCompletionOfTwoVendors(t *testing.T) {
	s, ok := twoVendors(t).settingOf("refresh.provider")
	if diff := cmp.Diff([]string{"alphavantage", "acme"}, s.Values); !ok || diff != "" {
		t.Errorf("Values of refresh.provider (-want +got):\n%s", diff)
	}
}

// No vendor takes a section or a variable that is another's.
func TestEverySettingIsThereOnce(t *testing.T) {
	seen := map[string]string{}
	for _, s := range Settings() {
		for _, name := range append([]string{s.Key}, s.Variables...) {
			if other, taken := seen[name]; taken {
				t.Errorf("%s is both of %s and of %s", name, other, s.Key)
			}
			seen[name] = s.Key
		}
	}
	for _, v := range providers.All() {
		for _, s := range slices.Concat(runSettings([]string{v.Name}), otherSettings()) {
			if s.section() == v.Name {
				t.Errorf("the vendor %s has the name of another section", v.Name)
			}
		}
	}
}
