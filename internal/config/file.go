package config

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/pelletier/go-toml/v2"
	"github.com/pelletier/go-toml/v2/unstable"
)

// readFile reads the settings file: the one that is named, which must exist, or the usual one, which
// may be absent. The path is "" where there was nothing to read.
func readFile(named string, env environ, p *problems) (path string, values []given) {
	path = named
	if named == "" {
		dir, err := env.baseDir("XDG_CONFIG_HOME", ".config")
		switch {
		case errors.Is(err, errNoHome):
			return "", nil // without a home there is no usual place
		case err != nil:
			p.add(fmt.Sprintf("the place of the settings file is not known: %v", err))
			return "", nil
		}
		path = dir + "/papertrade/config.toml"
	}
	data, err := os.ReadFile(path)
	switch {
	case err == nil:
		return path, fileValues(path, data, p)
	case named != "" && errors.Is(err, fs.ErrNotExist):
		p.add(fmt.Sprintf("--config: read the settings file: %v; to make it, run papertrade config init --config %s", err, shellQuote(named)))
	case named != "":
		p.add(fmt.Sprintf("--config: read the settings file: %v", err))
	case !errors.Is(err, fs.ErrNotExist):
		p.add(fmt.Sprintf("read the settings file: %v", err))
	}
	return "", nil
}

// fileValues is what a TOML document gives, in its own order. The path is for messages only.
func fileValues(path string, data []byte, p *problems) []given {
	var doc map[string]any
	if err := toml.Unmarshal(data, &doc); err != nil {
		var decodeError *toml.DecodeError
		if errors.As(err, &decodeError) {
			row, column := decodeError.Position()
			path = fmt.Sprintf("%s:%d:%d", path, row, column)
		}
		p.add(fmt.Sprintf("%s: this is not TOML: %s", path, strings.TrimPrefix(err.Error(), "toml: ")))
		return nil
	}
	var values []given
	inUnknownTable := false
	for _, e := range entriesOf(data) {
		origin := Origin{Layer: LayerFile, Name: path, Line: e.line}
		s, known := settingAt(e.path)
		isSection := len(e.path) == 1 && slices.Contains(sections(), e.path[0])
		if e.header {
			inUnknownTable = known || !isSection || e.array
		} else if inUnknownTable {
			continue
		}
		switch {
		case known:
			g, problem := s.givenAt(e, lookUp(doc, e.path), origin)
			if problem != "" {
				p.add(problem)
				continue
			}
			values = append(values, g)
		case isSection && e.table && !e.array:
		case isSection:
			p.add(fmt.Sprintf("%s: %s is a table: write [%s] and its keys below it", origin, e.name(), e.name()))
		case e.header:
			p.add(fmt.Sprintf("%s: unknown table [%s]: %s", origin, e.name(), suggest(e.name(), sections(), "")))
		default:
			p.add(fmt.Sprintf("%s: unknown key %s: %s", origin, e.name(), suggestKey(e.path)))
		}
	}
	return values
}

// suggestKey prefers a key of the same name in another table.
func suggestKey(path []string) string {
	var keys []string
	for _, s := range settings {
		if s.Key == s.section()+"."+path[len(path)-1] {
			return fmt.Sprintf("did you mean %s?", s.Key)
		}
		keys = append(keys, s.Key)
	}
	prefix := path[0] + "."
	if len(path) == 1 || !slices.Contains(sections(), path[0]) {
		prefix = ""
	}
	return suggest(entry{path: path}.name(), keys, prefix)
}

// entry is a place of the document that names something: a header, a key, an empty inline table.
type entry struct {
	path   []string
	line   int
	header bool // [path] or [[path]]
	table  bool // a header or an inline table
	array  bool // [[path]]
}

var bareKey = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)

// name is the path as TOML writes it: a part that is not plain is quoted.
func (e entry) name() string {
	parts := make([]string, len(e.path))
	for i, part := range e.path {
		if parts[i] = part; !bareKey.MatchString(part) {
			parts[i] = strconv.Quote(clip(part))
		}
	}
	return strings.Join(parts, ".")
}

// entriesOf finds the lines of a valid document's keys, which toml.Unmarshal does not tell.
func entriesOf(data []byte) []entry {
	var p unstable.Parser
	p.Reset(data)
	var entries []entry
	var table []string
	var collect func(parent []string, node *unstable.Node)
	collect = func(parent []string, node *unstable.Node) {
		path, line := keyOf(data, parent, node)
		value := node.Value()
		if value.Kind != unstable.InlineTable {
			entries = append(entries, entry{path: path, line: line})
			return
		}
		// An inline table that stands where a setting does is that setting's value.
		if _, known := settingAt(path); known || value.Child() == nil {
			entries = append(entries, entry{path: path, line: line, table: true})
			return
		}
		for children := value.Children(); children.Next(); {
			if child := children.Node(); child.Kind == unstable.KeyValue {
				collect(path, child)
			}
		}
	}
	for p.NextExpression() {
		switch node := p.Expression(); node.Kind {
		case unstable.Table, unstable.ArrayTable:
			var line int
			table, line = keyOf(data, nil, node)
			entries = append(entries, entry{table, line, true, true, node.Kind == unstable.ArrayTable})
		case unstable.KeyValue:
			collect(table, node)
		}
	}
	return entries
}

func keyOf(data []byte, parent []string, node *unstable.Node) (path []string, line int) {
	path = slices.Clone(parent)
	for parts := node.Key(); parts.Next(); {
		part := parts.Node()
		if line == 0 {
			line = 1 + bytes.Count(data[:part.Raw.Offset], []byte("\n"))
		}
		path = append(path, string(part.Data))
	}
	return path, line
}

// lookUp finds the value of a key that a decoded document has.
func lookUp(doc map[string]any, path []string) any {
	var value any = doc
	for _, part := range path {
		table, _ := value.(map[string]any)
		value = table[part]
	}
	return value
}

// givenAt is what an entry of the document gives to the setting, or the problem that there is with it.
func (s *Setting) givenAt(e entry, value any, origin Origin) (g given, problem string) {
	name, wrong := s.entryAt(e.path)
	if wrong != "" {
		return given{}, fmt.Sprintf("%s: unknown key %s: %s", origin, e.name(), wrong)
	}
	g = given{setting: s, entry: name, origin: origin}
	if g.items, wrong = s.itemsOf(value); wrong != "" {
		return given{}, fmt.Sprintf("%s: %s: %s", origin, g.key(), wrong)
	}
	return g, ""
}

// itemsOf is the items of a TOML value, or what is wrong with its type.
func (s *Setting) itemsOf(value any) (items []string, wrong string) {
	switch v := value.(type) {
	case string:
		if s.kind == kindText || s.kind == kindTable {
			return []string{v}, ""
		}
	case int64:
		if s.kind == kindInteger || s.kind == kindNumber {
			return []string{strconv.FormatInt(v, 10)}, ""
		}
	case float64:
		if s.kind == kindNumber {
			return []string{strconv.FormatFloat(v, 'g', -1, 64)}, ""
		}
	case bool:
		if s.kind == kindBoolean {
			return []string{strconv.FormatBool(v)}, ""
		}
	case []any:
		if s.kind != kindList {
			break
		}
		items := make([]string, 0, len(v))
		for _, item := range v {
			str, ok := item.(string)
			if !ok {
				return nil, fmt.Sprintf("%s in the list is not allowed: write each item in quotes", s.describe(item))
			}
			items = append(items, str)
		}
		return items, ""
	}
	hint := ""
	_, isText := value.(string)
	switch {
	case s.kind == kindText, s.kind == kindTable:
		hint = ": write it in quotes"
	case s.kind == kindList:
		hint = ": write it in brackets"
	case isText:
		hint = ": write it without quotes"
	}
	return nil, fmt.Sprintf("%s is not %s%s", s.describe(value), s.Allowed, hint)
}

// describe names a TOML value whose type is wrong.
func (s *Setting) describe(value any) string {
	switch v := value.(type) {
	case string:
		if s.conceals(v) {
			return "the text"
		}
		return fmt.Sprintf("the text %q", clip(v))
	case int64, float64:
		if s.Secret || s.conceal {
			return "the number"
		}
		return fmt.Sprintf("the number %v", v)
	case bool:
		return strconv.FormatBool(v)
	case []any:
		return "a list"
	case map[string]any:
		return "a table"
	default:
		return "a date or time"
	}
}
