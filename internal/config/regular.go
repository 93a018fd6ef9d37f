package config

import (
	"fmt"
	"io/fs"
	"os"
	"syscall"
)

// openRegular opens a file to read it. What is not a regular file is refused at once: opening or reading a FIFO or a
// device could block, or never come to an end.
func openRegular(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil {
		err = checkRegular(path, info)
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// checkRegular returns an error if what stands at a path is not a regular file.
func checkRegular(path string, info os.FileInfo) error {
	switch {
	case info.IsDir():
		return &fs.PathError{Op: "read", Path: path, Err: syscall.EISDIR}
	case !info.Mode().IsRegular():
		return fmt.Errorf("%s is not a regular file, but a device, a pipe or a socket: name a file", path)
	}
	return nil
}
