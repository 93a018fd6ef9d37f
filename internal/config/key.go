package config

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"syscall"
)

const keyAllowed = "a key of letters, digits and signs, without spaces"

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
func (v *Vendor) settleKey(effective map[string]given, p *problems) {
	if v.APIKey == "" || v.APIKeyFile == "" {
		return
	}
	key, file := effective[v.apiKey()], effective[v.apiKeyFile()]
	switch {
	case key.origin.Layer > file.origin.Layer:
		v.APIKeyFile = ""
		delete(effective, v.apiKeyFile())
	case key.origin.Layer < file.origin.Layer:
		v.APIKey = ""
		delete(effective, v.apiKey())
	default:
		p.add(fmt.Sprintf("%s: %s: %s is given too (%s): keep one of them", file.origin, v.apiKeyFile(), v.apiKey(), key.origin))
	}
}

// Key returns the API key of one of c.Vendors: its api_key, or what its api_key_file holds without the
// white space around it. It is for the commands that fetch; the others need no key. The error is an
// *Error: there is no key, or its file cannot be read, is readable by others (unless it is on a read-only mount), or
// holds no key. Key must not be called concurrently with Redact and Notes, which learn from it about the file.
func (c *Config) Key(v *Vendor) (Secret, error) {
	if v.APIKey != "" {
		return v.APIKey, nil
	}
	if v.APIKeyFile == "" {
		return "", &Error{[]string{fmt.Sprintf("there is no key for %s: "+
			"put it into a file that only you can read and name that file in %s, or set %s",
			v.Title, v.apiKeyFile(), variableOf(v.apiKey()))}}
	}
	key, shared, err := readKey(v.APIKeyFile)
	if err != nil {
		return "", &Error{[]string{fmt.Sprintf("%s: %s: %v", c.originOf(v.apiKeyFile()), v.apiKeyFile(), err)}}
	}
	v.keyRead = &key
	if shared {
		c.addNote(sharedNotice(v.APIKeyFile))
	}
	return key, nil
}

// KeySetting returns the setting that gives the vendor's key, and where it was set: what to correct when
// the key is refused.
func (c *Config) KeySetting(v *Vendor) string {
	if v.APIKeyFile != "" {
		return c.withOrigin(v.apiKeyFile())
	}
	return c.withOrigin(v.apiKey())
}

// readKey reads a key, and whether others can read it too.
func readKey(path string) (key Secret, shared bool, err error) {
	f, err := openRegular(path)
	if errors.Is(err, syscall.EISDIR) {
		return "", false, fmt.Errorf("%s is a directory: name the file in it that holds the key", path)
	}
	if err != nil {
		return "", false, err
	}
	defer f.Close()
	if shared, err = checkPrivacy(f); err != nil {
		return "", false, err
	}
	const maxBytes = 4096
	content, err := io.ReadAll(io.LimitReader(f, maxBytes+1))
	if err != nil {
		return "", false, err
	}
	if len(content) > maxBytes {
		return "", false, fmt.Errorf("%s is longer than %d bytes, as no key is: name the file that holds the key alone", path, maxBytes)
	}
	key, err = parseKey(string(content))
	if errors.Is(err, errNotAllowed) {
		err = fmt.Errorf("%s does not hold %s", path, keyAllowed)
	}
	return key, shared, err
}

// shellQuote returns a path that is safe to paste into a shell.
func shellQuote(path string) string {
	if strings.ContainsFunc(path, func(r rune) bool {
		return r > '~' || !strings.ContainsRune("/._-+,:@%", r) &&
			(r < '0' || r > '9' && r < 'A' || r > 'Z' && r < 'a' || r > 'z')
	}) {
		return "'" + strings.ReplaceAll(path, "'", `'\''`) + "'"
	}
	return path
}
