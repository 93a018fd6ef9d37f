package config

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A file of settings is everybody's to read, until there is a secret in it.
func TestSecretsInAFileOfOthers(t *testing.T) {
	for _, tt := range []struct{ file, secret string }{
		{"", ""},
		{"refresh.batch_size = 3\nalphavantage.api_key_file = '/run/key'\n", ""},
		{"database.url = 'postgres://ada@h/db'\nping.url = 'https://hc.example'\nalphavantage.base_url = 'https://h/query'\n", ""},
		{"alphavantage.api_key = ''\nping.url = ''\n", ""},
		{"refresh.batch_size = 3\n[alphavantage]\napi_key = 'hunter2'\n", "3: alphavantage.api_key"},
		{"database.url = 'postgres://ada:hunter2@h/db'\n", "1: database.url"},
		{"database.url = 'postgres:///db?host=/run/pg&password=hunter2'\n", "1: database.url"},
		{"ping.url = 'https://hc.example/hunter2'\n", "1: ping.url"},
		{"alphavantage.base_url = 'https://h/query?token=hunter2'\n", "1: alphavantage.base_url"},
	} {
		for mode, refused := range map[fs.FileMode]bool{0o600: false, 0o400: false, 0o640: true, 0o644: true, 0o444: true, 0o602: true} {
			path := write(t, tt.file)
			if err := os.Chmod(path, mode); err != nil {
				t.Fatal(err)
			}
			var want []string
			if refused && tt.secret != "" {
				want = []string{fmt.Sprintf(
					"config.toml:%s is secret, but config.toml can be used by others (its mode is %04o): run chmod 600 config.toml", tt.secret, mode)}
			}
			// What is in the file can be read, whatever overrides it.
			got := problemsOf(t, Inputs{File: path, Environ: []string{"HOME=" + home, "ALPHAVANTAGE_API_KEY=another"}})
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s with mode %04o (-want +got):\n%s", tt.file, mode, diff)
			}
		}
	}
}

// Nobody can write to a read-only mount, nor change the modes on it.
func TestPrivacyOnAReadOnlyMount(t *testing.T) {
	for mode, want := range map[fs.FileMode]struct{ shared, refused bool }{
		0o600: {}, 0o400: {}, 0o000: {},
		0o444: {shared: true}, 0o644: {shared: true}, 0o440: {shared: true}, 0o604: {shared: true},
		0o666: {refused: true}, 0o620: {refused: true}, 0o755: {refused: true},
	} {
		shared, err := judgePrivacy("key", mode, func() bool { return true })
		if shared != want.shared || (err != nil) != want.refused {
			t.Errorf("mode %04o: shared %v, error %v", mode, shared, err)
		}
		shared, err = judgePrivacy("key", mode, func() bool { return false })
		if shared || (err != nil) != (mode&0o077 != 0) {
			t.Errorf("mode %04o elsewhere: shared %v, error %v", mode, shared, err)
		}
	}
}

// The temporary folder can be written to, as the test itself shows.
func TestMountThatCanBeWritten(t *testing.T) {
	f, err := os.Create(filepath.Join(t.TempDir(), "key"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if isOnReadOnlyMount(f) {
		t.Error("it is said to be read-only")
	}
}
