package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"papertrade/internal/config"
)

// internal returns facts, of which cmd makes the sentences: no text there has the name of a flag or of a setting.
func TestInternalKnowsNoFlagAndNoSetting(t *testing.T) {
	names := []string{`--[a-z]`}
	for _, setting := range config.Settings() {
		names = append(names, `\b`+regexp.QuoteMeta(setting.Key)+`\b`)
		if _, name, _ := strings.Cut(setting.Key, "."); strings.Contains(name, "_") {
			names = append(names, `\b`+regexp.QuoteMeta(name)+`\b`) // without its section
		}
	}
	forbidden := regexp.MustCompile(strings.Join(names, "|"))
	// They are about settings, or are of tests.
	exempt := []string{"config", "providers", "fakevantage", "pgtest", "storetest"}
	texts := 0
	err := filepath.WalkDir("../../internal", func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && slices.Contains(exempt, entry.Name()):
			return filepath.SkipDir
		case entry.IsDir(), !strings.HasSuffix(path, ".go"), strings.HasSuffix(path, "_test.go"):
			return nil
		}
		files := token.NewFileSet()
		file, err := parser.ParseFile(files, path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		ast.Inspect(file, func(node ast.Node) bool {
			if text, ok := node.(*ast.BasicLit); ok && text.Kind == token.STRING {
				texts++
				if name := forbidden.FindString(text.Value); name != "" {
					t.Errorf("%s has %s: %s", files.Position(text.Pos()), name, text.Value)
				}
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if texts < 500 {
		t.Errorf("only %d texts were looked at", texts)
	}
}
