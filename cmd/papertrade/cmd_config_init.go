package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"papertrade/internal/config"
)

func newConfigInit(p *program) *cobra.Command {
	var opts configInitOptions
	cmd := &cobra.Command{
		Use:   "init",
		Short: "Write a settings file to start with",
		Long: `init writes a settings file that only its owner can read: every setting with what it
means, what it may be and its default, commented out, so that the file changes nothing
as it stands. It goes to $XDG_CONFIG_HOME/papertrade/config.toml, or to the file that
--config names; an existing file is kept, unless --force is given.
` + exitStatuses,
		Example: `  papertrade config init
  papertrade config init --config /etc/papertrade/config.toml
  papertrade config init --stdout | less`,
		Args: cobra.NoArgs,
		RunE: withoutSettings(func(*cobra.Command, []string) error {
			return runConfigInit(p.environ, p.printer(), p.globals.configFile, opts)
		}),
	}
	opts.AddFlags(cmd)
	return cmd
}

type configInitOptions struct{ force, stdout bool }

// AddFlags adds the flags of config init.
func (o *configInitOptions) AddFlags(cmd *cobra.Command) {
	cmd.Flags().BoolVarP(&o.force, "force", "f", false, "overwrite an existing file")
	cmd.Flags().BoolVar(&o.stdout, "stdout", false, "print it instead of writing it to a file")
}

// runConfigInit writes the file at path, or at the default place if path is "".
func runConfigInit(env environ, out printer, path string, opts configInitOptions) error {
	if opts.stdout {
		_, err := fmt.Fprint(env.stdout, config.Template())
		return err
	}
	if path == "" {
		var err error
		if path, err = config.DefaultFile(env.env); err != nil {
			return err
		}
	}
	err := writeSettings(path, opts.force)
	switch {
	case errors.Is(err, fs.ErrExist):
		return wrongUsage("%s is there already: keep it, overwrite it with --force, or name another by --config FILE", path)
	case err != nil:
		return fmt.Errorf("write the settings file: %w; name another place by --config FILE", err)
	case !out.wantsResult():
		return nil
	default:
		return out.print(writtenSettingsView(path))
	}
}

// writeSettings writes the file to start with. The error is fs.ErrExist if there is a file that is not to be
// overwritten.
func writeSettings(path string, overwrite bool) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	how := os.O_EXCL
	if overwrite {
		how = os.O_TRUNC
	}
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|how, 0o600)
	if err != nil {
		return err
	}
	// One that was there can be readable by others, and the next thing written into it is a key.
	err = file.Chmod(0o600)
	if err == nil {
		_, err = file.WriteString(config.Template())
	}
	return errors.Join(err, file.Close())
}
