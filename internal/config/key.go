package config

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

const (
	apiKey     = "alphavantage.api_key"
	apiKeyFile = "alphavantage.api_key_file"
	keyAllowed = "a key of letters, digits and signs, without spaces"
)

func parseKey(s string) (Secret, error) {
	key := strings.TrimSpace(s)
	for _, r := range key {
		if r <= ' ' || r > '~' {
			return "", errNotAllowed
		}
	}
	if key == "" {
		return "", errNotAllowed
	}
	return Secret(key), nil
}

// settleKey lets the higher layer win between the key and its file.
func (c *Config) settleKey(effective map[string]given, p *problems) {
	if c.AlphaVantage.APIKey == "" || c.AlphaVantage.APIKeyFile == "" {
		return
	}
	key, file := effective[apiKey], effective[apiKeyFile]
	switch {
	case key.origin.Layer > file.origin.Layer:
		c.AlphaVantage.APIKeyFile = ""
		delete(effective, apiKeyFile)
	case key.origin.Layer < file.origin.Layer:
		c.AlphaVantage.APIKey = ""
		delete(effective, apiKey)
	default:
		p.add(fmt.Sprintf("%s: %s: %s is given too (%s): keep one of them", file.origin, apiKeyFile, apiKey, key.origin))
	}
}

// Key is the API key: alphavantage.api_key, or what alphavantage.api_key_file holds without the white
// space around it. It is for the commands that fetch; the others need no key. The error is an *Error:
// there is no key, or its file cannot be read, is readable by others, or holds no key. Key is not safe
// to be called concurrently with Redact, which knows from it what the file holds.
func (c *Config) Key() (Secret, error) {
	if c.AlphaVantage.APIKey != "" {
		return c.AlphaVantage.APIKey, nil
	}
	if c.AlphaVantage.APIKeyFile == "" {
		s, _ := settingOf(apiKey)
		return "", &Error{[]string{fmt.Sprintf("there is no key for Alpha Vantage: put it into a file that only you can read and name that file in %s, or set %s", apiKeyFile, s.Variables[0])}}
	}
	key, err := readKey(c.AlphaVantage.APIKeyFile)
	if err != nil {
		return "", &Error{[]string{fmt.Sprintf("%s: %s: %v", c.originOf(apiKeyFile), apiKeyFile, err)}}
	}
	c.keyRead = &key
	return key, nil
}

// KeySetting is the setting that gives the key, and where it was set: what to mend when the key is
// refused.
func (c *Config) KeySetting() string {
	if c.AlphaVantage.APIKeyFile != "" {
		return c.named(apiKeyFile)
	}
	return c.named(apiKey)
}

func readKey(path string) (Secret, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	// The open file is asked, not the path, so that what is checked is what is read.
	info, err := f.Stat()
	if err != nil {
		return "", err
	}
	if info.IsDir() {
		return "", fmt.Errorf("%s is a directory: name the file in it that holds the key", path)
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 {
		return "", fmt.Errorf("%s can be used by others (its mode is %04o): run chmod 600 %s", path, mode, shellQuote(path))
	}
	const longest = 4096
	content, err := io.ReadAll(io.LimitReader(f, longest))
	if err != nil {
		return "", err
	}
	key, err := parseKey(string(content))
	if errors.Is(err, errNotAllowed) {
		return "", fmt.Errorf("%s does not hold %s", path, keyAllowed)
	}
	return key, err
}

// shellQuote makes a path safe to be pasted into a shell.
func shellQuote(path string) string {
	if strings.ContainsFunc(path, func(r rune) bool {
		return r > '~' || !strings.ContainsRune("/._-+,:@%", r) &&
			(r < '0' || r > '9' && r < 'A' || r > 'Z' && r < 'a' || r > 'z')
	}) {
		return "'" + strings.ReplaceAll(path, "'", `'\''`) + "'"
	}
	return path
}
