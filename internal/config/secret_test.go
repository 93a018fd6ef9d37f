package config

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestSecretPrintsAsStars(t *testing.T) {
	type holder struct{ Key Secret }
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%10s", "%T %v"} {
		for _, value := range []any{Secret("hunter2"), holder{"hunter2"}, &holder{"hunter2"}, []Secret{"hunter2"}} {
			text := fmt.Sprintf(verb, value)
			if strings.Contains(text, "hunter2") || strings.Contains(strings.ToLower(text), "68756e") {
				t.Errorf("%s of %T prints %s", verb, value, text)
			}
		}
	}
	encoded, err := json.Marshal(map[string]Secret{"set": "hunter2", "none": ""})
	if err != nil || string(encoded) != `{"none":"","set":"***"}` {
		t.Errorf("json.Marshal = %s, %v", encoded, err)
	}
	if got := fmt.Sprintf("%v %q %#v", Secret("x"), Secret("x"), Secret("")); got != `*** "***" ""` {
		t.Errorf("printed %s", got)
	}
	if got := Secret("x").GoString(); got != `"***"` {
		t.Errorf("GoString() = %s", got)
	}
}

func secretConfig(t *testing.T) *Config {
	return mustLoad(t, `
database.url = "postgres://ada:p%40ss%2Fw%C3%B6rd@h/db?sslpassword=tls+secret"
alphavantage.api_key = 'a"k&y<1/2'
ping.url = "https://bob:pinger@hc.example/uuid-0b5d?token=tok3n"
`)
}

func TestEffectiveHidesSecrets(t *testing.T) {
	c := secretConfig(t)
	want := map[string]string{
		"database.url":         "postgres://ada:***@h/db?sslpassword=***",
		"alphavantage.api_key": "***",
		"ping.url":             "https://hc.example/***",
	}
	for key, text := range want {
		if got := valueOf(t, c, key).Value; got != text {
			t.Errorf("%s is shown as %s, want %s", key, got, text)
		}
	}
	var order []string
	for _, v := range c.Effective() {
		if strings.HasPrefix(v.Key, "currencies.") {
			v.Key = "currencies"
		}
		order = append(order, v.Key)
	}
	keys := strings.ReplaceAll(allKeys(), "quality.by_ticker, ", "") // which has no entry
	if diff := cmp.Diff(keys, strings.Join(slices.Compact(order), ", ")); diff != "" {
		t.Errorf("order (-want +got):\n%s", diff)
	}
	for _, verb := range []string{"%v", "%+v", "%#v"} {
		text := fmt.Sprintf(verb, c)
		for _, secret := range []string{"ss%2Fw", "tls+secret", `k&y`} {
			if strings.Contains(text, secret) {
				t.Errorf("%s of a Config prints %s", verb, secret)
			}
		}
	}
}

func TestRedact(t *testing.T) {
	c := secretConfig(t)
	tests := map[string]string{
		"nothing here": "nothing here",
		`Get "https://v.example/query?apikey=a%22k%26y%3C1%2F2&symbol=IBM": EOF`: `Get "https://v.example/query?apikey=***&symbol=IBM": EOF`,
		`your key a"k&y<1/2 was`:                                         `your key *** was`,
		`{"m":"a\"k\u0026y\u003c1/2"}`:                                   `{"m":"***"}`,
		`{"m":"a\"k&y<1/2"}`:                                             `{"m":"***"}`,
		"dial ada:p%40ss%2Fw%C3%B6rd@h":                                  "dial ada:***@h",
		"password p@ss/wörd, tls secret":                                 "password ***, ***",
		"user=ada sslpassword=tls+secret":                                "user=ada sslpassword=***",
		"YOUR KEY A\"K&Y&LT;1%2f2 was":                                   "YOUR KEY *** was",
		`your key a&#34;k&amp;y&lt;1%2f2 was`:                            `your key *** was`,
		"ping https://bob:pinger@hc.example/uuid-0b5d/start?token=tok3n": "ping https://bob:***@hc.example/***/start?***",
	}
	for text, want := range tests {
		if got := c.Redact(text); got != want {
			t.Errorf("Redact(%s)\n = %s\nwant %s", text, got, want)
		}
	}
	short := mustLoad(t, "database.url = 'postgres://a:b@h/c'")
	if got := short.Redact("a babble"); got != "a babble" {
		t.Errorf("Redact riddles a text: %s", got)
	}
}

func TestRedactProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		key := rapid.StringMatching(`[!-~]{4,20}`).Draw(t, "key")
		c, err := Load(Inputs{Environ: []string{"HOME=/h", "ALPHAVANTAGE_API_KEY=" + key}})
		if err != nil {
			t.Fatal(err)
		}
		text := rapid.String().Draw(t, "before") + key + rapid.String().Draw(t, "after")
		if strings.Contains(key, "*") {
			return // what is left can meet *** and look like the key
		}
		if got := c.Redact(text); strings.Contains(got, key) {
			t.Fatalf("Redact(%q) = %q", text, got)
		}
	})
}

func TestKey(t *testing.T) {
	dir := t.TempDir()
	file := func(name, content string, mode os.FileMode) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), mode); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		return path
	}
	good := file("good", " k3y-of-file\n", 0o600)
	readOnly := file("read only", "k3y\n", 0o400)
	open := file("open", "hunter2\n", 0o644)
	spaced := file("ada's key", "hunter2\n", 0o620)
	empty := file("empty", " \n", 0o600)
	lines := file("lines", "hunter2\nhunter3\n", 0o600)
	long := file("long", strings.Repeat("k", 4097), 0o600)
	longest := file("longest", strings.Repeat("k", 4095)+"\n", 0o600)
	fifo := filepath.Join(dir, "fifo")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(good, filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	const variable = "PAPERTRADE_ALPHAVANTAGE_API_KEY_FILE"
	tests := []struct {
		name    string
		file    string
		environ []string
		want    Secret
		wantErr string
	}{
		{name: "in the file", file: "alphavantage.api_key = 'k3y'", want: "k3y"},
		{name: "key file", environ: []string{variable + "=" + good}, want: "k3y-of-file"},
		{name: "key file only its owner can read", environ: []string{variable + "=" + readOnly}, want: "k3y"},
		{name: "link to a key file", environ: []string{variable + "=" + dir + "/link"}, want: "k3y-of-file"},
		{name: "key file in the home", file: "alphavantage.api_key_file = '~/good'", environ: []string{"HOME=" + dir}, want: "k3y-of-file"},
		{name: "the key of a higher layer wins", file: "alphavantage.api_key_file = '/absent'", environ: []string{"ALPHAVANTAGE_API_KEY=k3y"}, want: "k3y"},
		{name: "the key file of a higher layer wins", file: "alphavantage.api_key = 'k3y'", environ: []string{variable + "=" + good}, want: "k3y-of-file"},
		{name: "an empty key is none", file: "[alphavantage]\napi_key = ''\napi_key_file = '" + good + "'", want: "k3y-of-file"},
		{name: "none", wantErr: "there is no key for Alpha Vantage: put it into a file that only you can read and name that file in alphavantage.api_key_file, or set PAPERTRADE_ALPHAVANTAGE_API_KEY"},
		{name: "absent", environ: []string{variable + "=/absent"}, wantErr: variable + ": alphavantage.api_key_file: open /absent: no such file or directory"},
		{name: "directory", environ: []string{variable + "=" + dir}, wantErr: variable + ": alphavantage.api_key_file: " + dir + " is a directory: name the file in it that holds the key"},
		{name: "4 kB", environ: []string{variable + "=" + longest}, want: Secret(strings.Repeat("k", 4095))},
		{name: "over 4 kB", environ: []string{variable + "=" + long}, wantErr: variable + ": alphavantage.api_key_file: " + long + " is longer than 4096 bytes, as no key is: name the file that holds the key alone"},
		{name: "pipe", environ: []string{variable + "=" + fifo}, wantErr: variable + ": alphavantage.api_key_file: " + fifo + " is not a regular file, but a device, a pipe or a socket: name a file"},
		{name: "device", environ: []string{variable + "=/dev/zero"}, wantErr: variable + ": alphavantage.api_key_file: /dev/zero is not a regular file, but a device, a pipe or a socket: name a file"},
		{name: "readable by others", environ: []string{variable + "=" + open}, wantErr: variable + ": alphavantage.api_key_file: " + open + " can be used by others (its mode is 0644): run chmod 600 " + open},
		{name: "writable by the group", environ: []string{variable + "=" + spaced}, wantErr: variable + ": alphavantage.api_key_file: " + spaced + " can be used by others (its mode is 0620): run chmod 600 '" + dir + `/ada'\''s key'`},
		{name: "empty", environ: []string{variable + "=" + empty}, wantErr: variable + ": alphavantage.api_key_file: " + empty + " does not hold a key of letters, digits and signs, without spaces"},
		{name: "two lines", environ: []string{variable + "=" + lines}, wantErr: variable + ": alphavantage.api_key_file: " + lines + " does not hold a key of letters, digits and signs, without spaces"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := mustLoad(t, tt.file, tt.environ...)
			got, err := c.Key(c.Provider())
			if tt.wantErr != "" {
				var refused *Error
				if !errors.As(err, &refused) || err.Error() != tt.wantErr {
					t.Errorf("Key: %T %v\nwant %s", err, err, tt.wantErr)
				}
				return
			}
			if err != nil || got.Reveal() != tt.want.Reveal() {
				t.Errorf("Key = %q, %v, want %q", got.Reveal(), err, tt.want.Reveal())
			}
			if text := c.Redact("key=" + got.Reveal() + ";"); len(got) >= minRedacted && text != "key=***;" {
				t.Errorf("Redact does not know the key: %s", text)
			}
			if text := fmt.Sprintf("%+v %#v", c, c); strings.Contains(text, got.Reveal()) {
				t.Errorf("a Config prints its key: %s", text)
			}
		})
	}
}

// What loses against a higher layer is not shown as if it were in effect.
func TestOverriddenKeyIsNotEffective(t *testing.T) {
	c := mustLoad(t, "alphavantage.api_key_file = '/absent'", "ALPHAVANTAGE_API_KEY=k3y")
	want := Value{Key: "alphavantage.api_key_file"}
	if diff := cmp.Diff(want, valueOf(t, c, want.Key)); diff != "" {
		t.Errorf("Effective (-want +got):\n%s", diff)
	}
	if file := c.Provider().APIKeyFile; file != "" {
		t.Errorf("APIKeyFile = %q", file)
	}
}

// The query of a base URL is kept, and not shown: it can have a password of a proxy in it.
func TestQueryOfABaseURL(t *testing.T) {
	c := mustLoad(t, "alphavantage.base_url = 'https://proxy.example/query?team=a&token=hunter2'\n")
	if got, want := c.Provider().BaseURL, "https://proxy.example/query?team=a&token=hunter2"; got != want {
		t.Errorf("BaseURL = %s, want %s", got, want)
	}
	if got, want := valueOf(t, c, "alphavantage.base_url").Value, "https://proxy.example/query?***"; got != want {
		t.Errorf("Effective has %s, want %s", got, want)
	}
}
