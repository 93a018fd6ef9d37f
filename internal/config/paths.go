package config

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
)

// environ holds the variables of the environment by name.
type environ map[string]string

func environOf(entries []string) environ {
	env := environ{}
	for _, entry := range entries {
		name, value, _ := strings.Cut(entry, "=")
		env[name] = value
	}
	return env
}

// DefaultFile returns where the settings file is when no flag names it:
// $XDG_CONFIG_HOME/papertrade/config.toml, or under $HOME/.config. The environment is given as
// os.Environ has it. The error is an *Error and says which variable to set.
func DefaultFile(env []string) (string, error) {
	dir, err := environOf(env).baseDir("XDG_CONFIG_HOME", ".config")
	if err != nil {
		return "", &Error{[]string{fmt.Sprintf("cannot tell where the settings file is: %v, or name the file with --config", err)}}
	}
	return filepath.Join(dir, "papertrade", "config.toml"), nil
}

func (e environ) dataHome() (string, error) { return e.baseDir("XDG_DATA_HOME", ".local/share") }

var errNoHome = errors.New("set HOME")

func (e environ) baseDir(variable, underHome string) (string, error) {
	if dir := e[variable]; dir != "" {
		if !filepath.IsAbs(dir) {
			return "", fmt.Errorf("make %s an absolute path, it is %q", variable, dir)
		}
		return filepath.Clean(dir), nil
	}
	if e["HOME"] == "" {
		return "", fmt.Errorf("%w or %s", errNoHome, variable)
	}
	return filepath.Join(e["HOME"], underHome), nil
}

// expandHome expands ~/ as a shell would.
func (e environ) expandHome(path string) string {
	if rest, ok := strings.CutPrefix(path, "~/"); ok && e["HOME"] != "" {
		return filepath.Join(e["HOME"], rest)
	}
	return path
}
