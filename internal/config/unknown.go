package config

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// othersVariables begin like ours and are read by cobra.
var othersVariables = []string{"PAPERTRADE_ACTIVE_HELP", "PAPERTRADE_COMPLETION_DESCRIPTIONS"}

// checkVariables reports the variables that begin like ours and set nothing: those that resemble one of a setting as a
// problem, the others as a warning.
func (s *schema) checkVariables(env environ, p *problems) (warnings []Notice) {
	known := slices.Clone(othersVariables)
	for _, setting := range s.settings {
		known = append(known, setting.Variables[0])
	}
	for _, name := range slices.Sorted(maps.Keys(env)) {
		if env[name] == "" || !strings.HasPrefix(name, variablePrefix) || slices.Contains(known, name) {
			continue
		}
		if hint := s.hintFor(name); hint != "" {
			p.add(fmt.Sprintf("%s: no setting has this variable: %s", name, hint))
			continue
		}
		warnings = append(warnings, Notice{"variable ignored: no setting has it", "variable", name})
	}
	return warnings
}

// hintFor returns which variable was probably meant by one that no setting has; "" if it resembles none.
func (s *schema) hintFor(name string) string {
	for _, section := range slices.Backward(s.sections()) { // a table of a section comes after it
		if strings.HasPrefix(name, variableOf(section)+"_") {
			return s.hintIn(section, name)
		}
	}
	variables := s.variablesOf(func(*Setting) bool { return true })
	if near := nearest(name, variables, variablePrefix); near != "" {
		return didYouMean(near)
	}
	parts := strings.Split(strings.TrimPrefix(name, variablePrefix), "_")
	for n := range parts {
		if hint := s.hintForKey(name, strings.Join(parts[n:], "_")); hint != "" {
			return hint
		}
	}
	for n := range parts {
		if hint := s.hintForSection(strings.Join(parts[:n], "_"), strings.Join(parts[n:], "_")); hint != "" {
			return hint
		}
	}
	return ""
}

// hintIn returns what was probably meant by a variable of a section.
func (s *schema) hintIn(section, name string) string {
	if table, isTable := s.settingOf(section); isTable {
		return "its entries go into " + table.Variables[0]
	}
	return suggest(name, s.variablesOf(func(*Setting) bool { return true }), variableOf(section)+"_")
}

// hintForKey returns what was probably meant by a variable that ends in something like a key.
func (s *schema) hintForKey(name, key string) string {
	var keys []string
	for i := range s.settings {
		keys = append(keys, s.settings[i].lastPart())
	}
	key = nearestPart(key, keys)
	if key == "" {
		return ""
	}
	variables := s.variablesOf(func(setting *Setting) bool { return setting.lastPart() == key })
	return didYouMean(cmp.Or(nearest(name, variables, variablePrefix), variables[0]))
}

// hintForSection returns what was probably meant by a variable of something like a section.
func (s *schema) hintForSection(section, key string) string {
	var names []string
	for _, known := range s.sections() {
		names = append(names, strings.TrimPrefix(variableOf(known), variablePrefix))
	}
	i := slices.Index(names, nearestPart(section, names))
	if i < 0 {
		return ""
	}
	return s.hintIn(s.sections()[i], variablePrefix+names[i]+"_"+key)
}

// variablesOf returns the variables of some settings.
func (s *schema) variablesOf(wanted func(*Setting) bool) (names []string) {
	for i := range s.settings {
		if wanted(&s.settings[i]) {
			names = append(names, s.settings[i].Variables[0])
		}
	}
	return names
}

// lastPart returns the key without its section, as the variable has it.
func (s *Setting) lastPart() string {
	return strings.ToUpper(s.Key[strings.LastIndex(s.Key, ".")+1:])
}
