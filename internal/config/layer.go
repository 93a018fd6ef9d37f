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

// Origin is where a value came from.
type Origin struct {
	Layer Layer
	Name  string // the file, the variable or the flag (without dashes); "" for a default
	Line  int    // in the file, from 1; 0 elsewhere
}

// String is "default", "FILE:LINE", the name of the variable, or "--flag".
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

// given is a value that a layer gives to a setting: one item, or those of a list.
type given struct {
	setting *Setting
	items   []string
	origin  Origin
}

// refusal tells what is wrong with the value, without what can be secret in it.
func (g given) refusal(err error) string {
	value, reason := "the value", ""
	if joined := strings.Join(g.items, ", "); !g.setting.conceals(joined) {
		value = fmt.Sprintf("%q", clip(joined))
	}
	if !errors.Is(err, errNotAllowed) {
		reason = ": " + err.Error()
	}
	return fmt.Sprintf("%s: %s: %s is not %s%s", g.origin, g.setting.Key, value, g.setting.Allowed, reason)
}

// conceals says whether an error must not show the value.
func (s *Setting) conceals(value string) bool {
	// A URL that ended up in the wrong setting can have a password or a key in it too.
	return s.Secret || s.conceal || strings.Contains(value, "://") && strings.ContainsAny(value, "@?")
}

// clip keeps a wrong value from filling a screen.
func clip(s string) string {
	const most = 60
	if r := []rune(s); len(r) > most {
		return string(r[:most]) + "…"
	}
	return s
}

// splitItems is the items of a comma-separated value where the setting is a list.
func (s *Setting) splitItems(value string) []string {
	if s.kind != kindList {
		return []string{value}
	}
	items := strings.Split(value, ",")
	for i := range items {
		items[i] = strings.TrimSpace(items[i])
	}
	return items
}

func defaultValues(env environ, isGiven func(key string) bool, p *problems) []given {
	values := make([]given, 0, len(settings))
	for i := range settings {
		s := &settings[i]
		value := s.Default
		if value == defaultDatabase {
			if isGiven(s.Key) {
				continue
			}
			home, err := env.dataHome()
			if err != nil {
				p.add(fmt.Sprintf("%s: its default lies in the data directory: %v, or give %s itself by --%s or %s",
					s.Key, err, s.Key, s.Flag, s.Variables[0]))
				continue
			}
			value = strings.Replace(value, "$XDG_DATA_HOME", home, 1)
		}
		values = append(values, given{setting: s, items: s.splitItems(value)})
	}
	return values
}

func environValues(env environ, p *problems) []given {
	var values []given
	var known []string
	for i := range settings {
		s := &settings[i]
		known = append(known, s.Variables[0])
		for _, name := range s.Variables {
			if value := env[name]; value != "" {
				values = append(values, given{s, s.splitItems(value), Origin{Layer: LayerEnvironment, Name: name}})
				break
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(env)) {
		if env[name] == "" || slices.Contains(known, name) {
			continue
		}
		for _, section := range sections() {
			prefix := variablePrefix + strings.ToUpper(section) + "_"
			if strings.HasPrefix(name, prefix) {
				p.add(fmt.Sprintf("%s: no setting has this variable: %s", name, suggest(name, known, prefix)))
			}
		}
	}
	return values
}

func flagValues(flags map[string]string, p *problems) []given {
	var values []given
	for _, key := range slices.Sorted(maps.Keys(flags)) {
		s, ok := settingOf(key)
		if !ok || s.Flag == "" {
			p.add(fmt.Sprintf("%s: no flag sets this key", key))
			continue
		}
		values = append(values, given{s, s.splitItems(flags[key]), Origin{Layer: LayerFlag, Name: s.Flag}})
	}
	return values
}
