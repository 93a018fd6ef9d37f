package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"papertrade/internal/config"
)

func TestREADMENamesEverySettingAndCommand(t *testing.T) {
	content, err := os.ReadFile(filepath.Join("..", "..", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	readme := string(content)
	for _, s := range config.Settings() {
		if !strings.Contains(readme, "`"+s.Key+"`") {
			t.Errorf("the README does not name the setting %s", s.Key)
		}
		if s.Flag != "" && s.Flag != "source" && !strings.Contains(readme, "`--"+s.Flag+"`") {
			t.Errorf("the README does not name the flag --%s", s.Flag)
		}
	}
	for _, cmd := range newRoot(&app{}).Commands() {
		if !strings.Contains(readme, "papertrade "+cmd.Name()) && !strings.Contains(readme, "`"+cmd.Name()+"`") {
			t.Errorf("the README does not name the command %s", cmd.Name())
		}
	}
}
