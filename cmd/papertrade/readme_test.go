package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"papertrade/internal/config"
	"papertrade/internal/pgtest"
)

func TestREADMENamesEverySettingAndCommand(t *testing.T) {
	readme := readREADME(t)
	for _, s := range config.Settings() {
		if !strings.Contains(readme, "`"+s.Key+"`") {
			t.Errorf("the README does not name the setting %s", s.Key)
		}
		if s.Flag != "" && s.Flag != "source" && !strings.Contains(readme, "`--"+s.Flag+"`") {
			t.Errorf("the README does not name the flag --%s", s.Flag)
		}
	}
	for _, cmd := range newRoot(environ{}).Commands() {
		if !cmd.Hidden && !strings.Contains(readme, "papertrade "+cmd.Name()) && !strings.Contains(readme, "`"+cmd.Name()+"`") {
			t.Errorf("the README does not name the command %s", cmd.Name())
		}
	}
}

// Prometheus takes the README's alerts, and they fire when they should.
func TestREADMEAlerts(t *testing.T) {
	_, rules, _ := strings.Cut(readREADME(t), "```yaml\n")
	rules, _, found := strings.Cut(rules, "```")
	if !found {
		t.Fatal("the README has no rules")
	}
	dir := t.TempDir()
	cases, err := os.ReadFile(filepath.Join("..", "..", "testdata", "alerts.yml"))
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string][]byte{"rules.yml": []byte(rules), "alerts.yml": cases} {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	promtool, err := findPromtool()
	if err != nil {
		pgtest.LeaveOut(t, "checks of metrics and alerts", err)
	}
	for _, args := range [][]string{{"check", "rules", "rules.yml"}, {"test", "rules", "alerts.yml"}} {
		cmd := exec.Command(promtool, args...)
		cmd.Dir = dir
		output, err := cmd.CombinedOutput()
		t.Logf("%s", output)
		if err != nil {
			t.Errorf("promtool %v: %v", args, err)
		}
	}
}

func readREADME(t *testing.T) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join("..", "..", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}
