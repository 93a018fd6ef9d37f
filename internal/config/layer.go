package config

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

const variablePrefix = "PAPERTRADE_"

// Layer is a source of settings. A higher one overrides a lower one.
type Layer int

// The layers, lowest first.
const (
	LayerDefault Layer = iota
	LayerFile
	LayerEnvironment
	LayerFlag
)

// Origin says where a value came from.
type Origin struct {
	Layer Layer
	Name  string // the file, the variable or the flag (without dashes); "" for a default
	Line  int    // in the file, from 1; 0 elsewhere
}

// String returns "default", "FILE:LINE", the name of the variable, or "--flag".
func (o Origin) String() string {
	switch o.Layer {
	case LayerFile:
		return fmt.Sprintf("%s:%d", o.Name, o.Line)
	case LayerEnvironment:
		return o.Name
	case LayerFlag:
		return "--" + o.Name
	default:
		return "default"
	}
}

// given is a value that a layer gives to a setting: one item, those of a list, or that of one entry of
// a table.
type given struct {
	setting *Setting
	entry   string // of a table, as the setting's entryName has it
	items   []string
	origin  Origin
}

// key returns what the value is given to, as the file would have it.
func (g given) key() string {
	if g.setting.kind == kindTable {
		return entry{path: append(g.setting.path(), g.entry)}.name()
	}
	return g.setting.Key
}

// refusal returns what is wrong with the value, without what can be secret in it.
func (g given) refusal(err error) string {
	value, reason := strings.Join(g.items, ", "), ""
	// The reason can quote the value, but where a setting is always concealed.
	if isShown := g.setting.isSecret() || !g.setting.conceals(value); isShown && !errors.Is(err, errNotAllowed) {
		reason = ": " + err.Error()
	}
	return fmt.Sprintf("%s: %s: %s is not %s%s", g.origin, g.key(), g.setting.quote(value), g.setting.Allowed, reason)
}

// isSecret reports whether no error shows a value of the setting, whatever it is.
func (s *Setting) isSecret() bool { return s.Secret || s.conceal }

// conceals reports whether an error must not show the value.
func (s *Setting) conceals(value string) bool {
	// A URL that ended up in the wrong setting can have a password or a key in it too.
	return s.isSecret() || strings.Contains(value, "://") && strings.ContainsAny(value, "@?")
}

// quote returns a wrong value as an error shows it.
func (s *Setting) quote(value string) string {
	if s.conceals(value) {
		return "the value"
	}
	return fmt.Sprintf("%q", clip(value))
}

// clip shortens a wrong value that would fill a screen.
func clip(s string) string {
	const maxRunes = 60
	if r := []rune(s); len(r) > maxRunes {
		return string(r[:maxRunes]) + "…"
	}
	return s
}

// givenBy returns what a layer other than the file gives to the setting.
func (s *Setting) givenBy(origin Origin, value string, p *problems) []given {
	if s.kind == kindTable {
		return s.entriesIn(origin, value, p)
	}
	return []given{{setting: s, items: s.splitItems(value), origin: origin}}
}

// splitItems returns the items of a comma-separated value if the setting is a list or a table.
func (s *Setting) splitItems(value string) []string {
	if s.kind != kindList && s.kind != kindTable {
		return []string{value}
	}
	items := strings.Split(value, ",")
	for i := range items {
		items[i] = strings.TrimSpace(items[i])
	}
	return items
}

func (s *schema) defaultValues(env environ, isGiven func(key string) bool, p *problems) []given {
	values := make([]given, 0, len(s.settings))
	for i := range s.settings {
		setting := &s.settings[i]
		value := setting.Default
		if value == defaultDatabase {
			if isGiven(setting.Key) {
				continue
			}
			home, err := env.dataHome()
			if err != nil {
				p.add(fmt.Sprintf("%s: its default is in the data directory: %v, or give %s itself with --%s or %s",
					setting.Key, err, setting.Key, setting.Flag, setting.Variables[0]))
				continue
			}
			value = strings.Replace(value, "$XDG_DATA_HOME", home, 1)
		}
		values = append(values, setting.givenBy(Origin{}, value, p)...)
	}
	return values
}

// environValues leaves out a variable that is not ours alone where a flag gives the setting: what another program means
// by DATABASE_URL does not matter then.
func (s *schema) environValues(env environ, flags map[string]string, p *problems) []given {
	var values []given
	for i := range s.settings {
		setting := &s.settings[i]
		_, hasFlag := flags[setting.Key]
		set := slices.IndexFunc(setting.Variables, func(name string) bool {
			return env[name] != "" && (!hasFlag || strings.HasPrefix(name, variablePrefix))
		})
		if set >= 0 {
			name := setting.Variables[set]
			values = append(values, setting.givenBy(Origin{Layer: LayerEnvironment, Name: name}, env[name], p)...)
		}
	}
	return values
}

func (s *schema) flagValues(flags map[string]string, p *problems) []given {
	var values []given
	for _, key := range slices.Sorted(maps.Keys(flags)) {
		setting, ok := s.settingOf(key)
		if !ok || setting.Flag == "" {
			p.add(fmt.Sprintf("%s: no flag sets this key", key))
			continue
		}
		values = append(values, setting.givenBy(Origin{Layer: LayerFlag, Name: setting.Flag}, flags[key], p)...)
	}
	return values
}
