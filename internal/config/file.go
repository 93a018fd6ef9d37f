package config

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/pelletier/go-toml/v2"
	"github.com/pelletier/go-toml/v2/unstable"
)

// settingsFile is what the settings file gives.
type settingsFile struct {
	path   string // "" if there was nothing to read
	values []given
	shared bool // it holds a secret that others can read, and that is accepted
}

// readFile reads the settings file: the one that is named, which must exist, or the usual one, which
// may be absent.
func (s *schema) readFile(named string, env environ, p *problems) settingsFile {
	path := named
	if named == "" {
		dir, err := env.baseDir("XDG_CONFIG_HOME", ".config")
		switch {
		case errors.Is(err, errNoHome):
			return settingsFile{} // without a home there is no usual place
		case err != nil:
			p.add(fmt.Sprintf("cannot tell where the settings file is: %v", err))
			return settingsFile{}
		}
		path = dir + "/papertrade/config.toml"
	}
	file, err := s.openFile(path, p)
	switch {
	case err == nil:
		return file
	case named != "" && errors.Is(err, fs.ErrNotExist):
		p.add(fmt.Sprintf("--config: read the settings file: %v; to make it, run papertrade config init --config %s", err, shellQuote(named)))
	case named != "":
		p.add(fmt.Sprintf("--config: read the settings file: %v", err))
	case !errors.Is(err, fs.ErrNotExist):
		p.add(fmt.Sprintf("read the settings file: %v", err))
	}
	return settingsFile{}
}

// maxFileSize bounds what is read of a settings file, in bytes.
const maxFileSize = 64 << 20

// openFile reads the settings file at a path. The error is that it cannot be read.
func (s *schema) openFile(path string, p *problems) (file settingsFile, err error) {
	f, err := os.Open(path) // a pipe too: --config <(…) is how secrets come from a vault
	if err != nil {
		return settingsFile{}, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxFileSize+1))
	if err != nil {
		return settingsFile{}, err
	}
	if len(data) > maxFileSize {
		return settingsFile{}, fmt.Errorf("%s is longer than %d MB, as no settings are", path, maxFileSize>>20)
	}
	file = settingsFile{path: path, values: s.fileValues(path, data, p)}
	if secret, found := s.findSecret(file.values); found {
		if file.shared, err = checkPrivacy(f); err != nil {
			p.add(fmt.Sprintf("%s: %s is secret, but %v", secret.origin, secret.key(), err))
		}
	}
	return file, nil
}

// fileValues returns what a TOML document gives, in its own order. The path is for messages only.
func (s *schema) fileValues(path string, data []byte, p *problems) []given {
	entries, rest := s.entriesOf(data)
	var doc map[string]any
	if err := toml.Unmarshal(rest, &doc); err != nil {
		p.add(syntaxProblem(path, err))
		return nil
	}
	var values []given
	skipsKeys := false // those of a table that is a problem itself
	for _, e := range entries {
		if e.header {
			skipsKeys = !s.isSection(e.path) || e.array
		} else if skipsKeys {
			continue
		}
		origin := Origin{Layer: LayerFile, Name: path, Line: e.line}
		g, problem := s.givenAt(e, doc, origin)
		switch {
		case problem != "":
			p.add(fmt.Sprintf("%s: %s", origin, problem))
		case g.setting != nil:
			values = append(values, g)
		}
	}
	return values
}

func syntaxProblem(path string, err error) string {
	var decodeError *toml.DecodeError
	if errors.As(err, &decodeError) {
		row, column := decodeError.Position()
		path = fmt.Sprintf("%s:%d:%d", path, row, column)
	}
	return fmt.Sprintf("%s: this is not TOML: %s", path, strings.TrimPrefix(err.Error(), "toml: "))
}

// givenAt returns what an entry of the document gives to a setting, or the problem with it; neither for
// the header of a section.
func (s *schema) givenAt(e entry, doc map[string]any, origin Origin) (g given, problem string) {
	if setting, known := s.settingAt(e.path); known {
		if e.text != nil {
			return setting.givenAt(e, *e.text, origin)
		}
		return setting.givenAt(e, lookUp(doc, e.path), origin)
	}
	switch {
	case s.isSection(e.path) && e.table && !e.array:
		return given{}, ""
	case s.isSection(e.path):
		return given{}, fmt.Sprintf("%s is a table: write [%s] and its keys below it", e.name(), e.name())
	case e.header:
		return given{}, fmt.Sprintf("unknown table [%s]: %s", clip(e.name()), suggest(e.name(), s.sections(), ""))
	default:
		return given{}, fmt.Sprintf("unknown key %s: %s", clip(e.name()), s.suggestKey(e))
	}
}

// suggestKey prefers a key of the same name in another table.
func (s *schema) suggestKey(e entry) string {
	var sameName []string
	for _, setting := range s.settings {
		if setting.Key == setting.section()+"."+e.path[len(e.path)-1] {
			sameName = append(sameName, setting.Key)
		}
	}
	if len(sameName) > 0 {
		return didYouMean(cmp.Or(Nearest(e.name(), sameName), sameName[0]))
	}
	prefix := ""
	if len(e.path) > 1 && s.isSection(e.path[:1]) {
		prefix = e.path[0] + "."
	}
	return suggest(e.name(), s.keys(), prefix)
}

// entry is a place of the document that names something: a header, a key, an empty inline table.
type entry struct {
	path   []string
	line   int
	header bool    // [path] or [[path]]
	table  bool    // a header or an inline table
	array  bool    // [[path]]
	text   *string // the value, if it is a text and an entry of a setting that is a table
}

var bareKey = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)

// name returns the path as TOML writes it: a part that is not plain is quoted.
func (e entry) name() string {
	parts := make([]string, len(e.path))
	for i, part := range e.path {
		if parts[i] = part; !bareKey.MatchString(part) {
			parts[i] = strconv.Quote(clip(part))
		}
	}
	return strings.Join(parts, ".")
}

// entriesOf finds the lines of a document's keys, which toml.Unmarshal does not report. What it reports in time that
// grows with the square of their number, the entries of a table, are blank in rest.
func (s *schema) entriesOf(data []byte) (entries []entry, rest []byte) {
	lines := lineCounter{data: data, line: 1}
	rest = slices.Clone(data)
	var p unstable.Parser
	p.Reset(data)
	var table []string
	for p.NextExpression() {
		switch node := p.Expression(); node.Kind {
		case unstable.Table, unstable.ArrayTable:
			var line int
			table, line = lines.keyOf(nil, node)
			entries = append(entries, entry{table, line, true, true, node.Kind == unstable.ArrayTable, nil})
		case unstable.KeyValue:
			found := s.entriesAt(&lines, table, node)
			entries = append(entries, found...)
			if len(found) == 1 && found[0].text != nil {
				blank(rest[offsetOf(node) : node.Value().Raw.Offset+node.Value().Raw.Length])
			}
		}
	}
	return entries, rest
}

// blank overwrites what is not the end of a line, so that what follows keeps its place.
func blank(text []byte) {
	for i, c := range text {
		if c != '\n' && c != '\r' {
			text[i] = ' '
		}
	}
}

// entriesAt returns the entry of a key, or the entries of those in its inline table.
func (s *schema) entriesAt(lines *lineCounter, parent []string, node *unstable.Node) []entry {
	path, line := lines.keyOf(parent, node)
	value := node.Value()
	isTable := value.Kind == unstable.InlineTable
	// An inline table that stands where a setting does is that setting's value.
	if setting, known := s.settingAt(path); known || !isTable || value.Child() == nil {
		found := entry{path: path, line: line, table: isTable}
		if known && setting.kind == kindTable && value.Kind == unstable.String {
			found.text = new(string(value.Data))
		}
		return []entry{found}
	}
	var entries []entry
	for children := value.Children(); children.Next(); {
		if child := children.Node(); child.Kind == unstable.KeyValue {
			entries = append(entries, s.entriesAt(lines, path, child)...)
		}
	}
	return entries
}

// lineCounter knows the lines of a document's keys, which it is asked for in their order.
type lineCounter struct {
	data   []byte
	offset int
	line   int // of the offset
}

func (c *lineCounter) lineAt(offset int) int {
	c.line += bytes.Count(c.data[c.offset:offset], []byte("\n"))
	c.offset = offset
	return c.line
}

func (c *lineCounter) keyOf(parent []string, node *unstable.Node) (path []string, line int) {
	path = slices.Clone(parent)
	for parts := node.Key(); parts.Next(); {
		path = append(path, string(parts.Node().Data))
	}
	return path, c.lineAt(offsetOf(node))
}

// offsetOf returns where the key of an expression begins.
func offsetOf(node *unstable.Node) int {
	parts := node.Key()
	parts.Next()
	return int(parts.Node().Raw.Offset)
}

// lookUp returns the value of a key that is in the decoded document.
func lookUp(doc map[string]any, path []string) any {
	var value any = doc
	for _, part := range path {
		table, _ := value.(map[string]any)
		value = table[part]
	}
	return value
}

// givenAt returns what an entry of the document gives to the setting, or the problem with it.
func (s *Setting) givenAt(e entry, value any, origin Origin) (g given, problem string) {
	name, wrong := s.entryAt(e.path)
	if wrong != "" {
		return given{}, fmt.Sprintf("unknown key %s: %s", clip(e.name()), wrong)
	}
	g = given{setting: s, entry: name, origin: origin}
	if g.items, wrong = s.itemsOf(value); wrong != "" {
		return given{}, fmt.Sprintf("%s: %s", g.key(), wrong)
	}
	return g, ""
}

// itemsOf returns the items of a TOML value, or what is wrong with its type.
func (s *Setting) itemsOf(value any) (items []string, wrong string) {
	if list, isList := value.([]any); isList && s.kind == kindList {
		return s.textsOf(list)
	}
	if text, ok := s.kind.textOf(value); ok {
		return []string{text}, ""
	}
	return nil, fmt.Sprintf("%s is not %s%s", s.describe(value), s.Allowed, s.kind.hint(value))
}

// textsOf returns the items of a TOML list, all of which must be texts.
func (s *Setting) textsOf(list []any) (items []string, wrong string) {
	items = make([]string, 0, len(list))
	for _, item := range list {
		text, ok := item.(string)
		if !ok {
			return nil, fmt.Sprintf("%s in the list is not allowed: write each item in quotes", s.describe(item))
		}
		items = append(items, text)
	}
	return items, ""
}

// textOf returns a TOML value as a variable would have it, unless it is of another kind.
func (k kind) textOf(value any) (text string, ok bool) {
	switch v := value.(type) {
	case string:
		return v, k == kindText || k == kindTable
	case int64:
		return strconv.FormatInt(v, 10), k == kindInteger || k == kindNumber
	case float64:
		return strconv.FormatFloat(v, 'g', -1, 64), k == kindNumber
	case bool:
		return strconv.FormatBool(v), k == kindBoolean
	}
	return "", false
}

// hint returns how to write a value of this kind, if the value may be one that is written wrongly.
func (k kind) hint(value any) string {
	_, isText := value.(string)
	switch {
	case k == kindText, k == kindTable:
		return ": write it in quotes"
	case k == kindList:
		return ": write it in brackets"
	case isText:
		return ": write it without quotes"
	}
	return ""
}

// describe returns a name for a TOML value whose type is wrong.
func (s *Setting) describe(value any) string {
	switch v := value.(type) {
	case string:
		if s.conceals(v) {
			return "the text"
		}
		return fmt.Sprintf("the text %q", clip(v))
	case int64, float64:
		if s.isSecret() {
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
