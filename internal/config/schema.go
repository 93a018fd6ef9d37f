package config

import (
	"slices"
	"strings"

	"papertrade/internal/providers"
)

// schema describes all the settings that there are with a certain list of vendors.
type schema struct {
	vendors  []providers.Vendor
	settings []Setting // in the order in which they are shown
}

// newSchema returns the settings with the vendors, at least one, the first of which is the default.
func newSchema(vendors []providers.Vendor) *schema {
	var names []string
	for _, v := range vendors {
		names = append(names, v.Name)
	}
	settings := runSettings(names)
	for i, v := range vendors {
		settings = append(settings, vendorSettings(v, i)...)
	}
	settings = append(settings, otherSettings()...)
	for i, s := range settings {
		settings[i].Variables = append([]string{variableOf(s.Key)}, s.Variables...)
	}
	return &schema{vendors, settings}
}

// ourSchema returns the schema of the program.
func ourSchema() *schema { return newSchema(providers.All()) }

// Settings returns every setting there is, in the order in which they are shown.
func Settings() []Setting { return ourSchema().settings }

// settingOf returns the setting with that key.
func (s *schema) settingOf(key string) (*Setting, bool) {
	i := slices.IndexFunc(s.settings, func(s Setting) bool { return s.Key == key })
	if i < 0 {
		return nil, false
	}
	return &s.settings[i], true
}

// settingAt returns the setting that a place of the file gives a value to.
func (s *schema) settingAt(path []string) (*Setting, bool) {
	const maxParts = 3 // of a table that is a setting
	for n := range min(len(path), maxParts) {
		if table, ok := s.settingOf(entry{path: path[:n]}.name()); ok && table.kind == kindTable {
			return table, true
		}
	}
	setting, ok := s.settingOf(entry{path: path}.name())
	return setting, ok && setting.kind != kindTable
}

// keys returns the keys of all settings.
func (s *schema) keys() []string {
	keys := make([]string, len(s.settings))
	for i, setting := range s.settings {
		keys[i] = setting.Key
	}
	return keys
}

// sections returns the names of all tables of the file, in the order of the settings.
func (s *schema) sections() []string {
	var names []string
	for _, setting := range s.settings {
		if name := setting.section(); !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// isSection reports whether a place of the file is one of its tables.
func (s *schema) isSection(path []string) bool {
	return slices.Contains(s.sections(), entry{path: path}.name())
}

// section returns the table of the file that the setting is in, or that it is.
func (s *Setting) section() string {
	if s.kind == kindTable {
		return s.Key
	}
	section, _, _ := strings.Cut(s.Key, ".")
	return section
}

// variableOf returns the variable that sets a key.
func variableOf(key string) string {
	return variablePrefix + strings.ToUpper(strings.ReplaceAll(key, ".", "_"))
}
