//go:build linux || darwin || freebsd

package config

import (
	"os"
	"syscall"
)

// isOnReadOnlyMount reports whether nobody can write to the file system of a file, by the way in which it is mounted.
func isOnReadOnlyMount(f *os.File) bool {
	const readOnly = 1 // ST_RDONLY, MNT_RDONLY
	var mount syscall.Statfs_t
	return syscall.Fstatfs(int(f.Fd()), &mount) == nil && mount.Flags&readOnly != 0
}
