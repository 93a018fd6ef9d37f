package config

import (
	"fmt"
	"io/fs"
	"os"
	"strings"
)

// checkPrivacy returns an error if others than its owner can use an open file that holds a secret. Secrets that a
// container is given are often readable by all, on a mount that nobody can write to and nobody can chmod: such a file
// is accepted, and shared is true.
func checkPrivacy(f *os.File) (shared bool, err error) {
	// The open file is checked, not the path, so that what is checked is what is read.
	info, err := f.Stat()
	if err != nil {
		return false, err
	}
	return judgePrivacy(f.Name(), info.Mode().Perm(), func() bool { return isOnReadOnlyMount(f) })
}

func judgePrivacy(path string, mode fs.FileMode, isReadOnly func() bool) (shared bool, err error) {
	const ofOthers, beyondReading = 0o077, 0o033
	switch {
	case mode&ofOthers == 0:
		return false, nil
	case mode&beyondReading == 0 && isReadOnly():
		return true, nil
	}
	return false, fmt.Errorf("%s can be used by others (its mode is %04o): run chmod 600 %s", path, mode, shellQuote(path))
}

// sharedNotice is about a file with a secret in it that others can read.
func sharedNotice(path string) Notice {
	return Notice{"others can read the file; accepted, since it is on a read-only mount", "file", path}
}

// findSecret returns the first value that is not shown as it is, since it is secret or holds a secret.
func (s *schema) findSecret(values []given) (secret given, found bool) {
	for _, g := range values {
		c := s.newConfig()
		if g.setting.set(c, g) == nil && strings.Contains(g.setting.shown(c, g), hidden) {
			return g, true
		}
	}
	return given{}, false
}
