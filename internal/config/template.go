package config

import (
	"fmt"
	"strconv"
	"strings"
)

// Template returns a settings file to start with: every key, commented out, with its default or an example.
// As it stands it changes nothing.
func Template() string { return ourSchema().template() }

func (s *schema) template() string {
	var b strings.Builder
	b.WriteString(`# The settings of papertrade. Remove the # in front of a key to change it.
# A flag overrides a variable of the environment, which overrides this file.
`)
	section := ""
	for _, setting := range s.settings {
		if setting.section() != section {
			section = setting.section()
			fmt.Fprintf(&b, "\n[%s]\n", section)
		} else {
			b.WriteByte('\n')
		}
		setting.writeTemplate(&b)
	}
	return b.String()
}

func (s *Setting) writeTemplate(b *strings.Builder) {
	fmt.Fprintf(b, "# %s\n# It is %s.\n# Variable: %s", s.Help, s.Allowed, strings.Join(s.Variables, ", then "))
	if s.Flag != "" {
		fmt.Fprintf(b, "; flag: --%s", s.Flag)
	}
	value := s.Default
	if s.example != "" {
		value = s.example
		fmt.Fprintf(b, ". Default: %s", orNone(s.Default))
	}
	b.WriteByte('\n')
	if s.kind != kindTable {
		fmt.Fprintf(b, "#%s = %s\n", strings.TrimPrefix(s.Key, s.section()+"."), s.inTOML(value))
		return
	}
	for _, item := range s.splitItems(value) {
		name, value, _ := strings.Cut(item, "=")
		fmt.Fprintf(b, "#%q = %q\n", name, value)
	}
}

func orNone(value string) string {
	if value == "" {
		return "none"
	}
	return value
}

// inTOML returns a value of the setting as the file would have it.
func (s *Setting) inTOML(value string) string {
	switch s.kind {
	case kindText:
		return strconv.Quote(value)
	case kindList:
		quoted := s.splitItems(value)
		for i, item := range quoted {
			quoted[i] = strconv.Quote(item)
		}
		return "[" + strings.Join(quoted, ", ") + "]"
	default:
		return value
	}
}
