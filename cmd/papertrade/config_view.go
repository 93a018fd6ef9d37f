package main

import (
	"papertrade/internal/config"
	"papertrade/pkg/safetext"
)

func settingsView(c *config.Config) result {
	type setting struct {
		Key    string `json:"key"`
		Value  string `json:"value"`
		Origin string `json:"origin"`
	}
	var list []setting
	var plain []string
	t := table{columns: []string{"key", "value", "origin"}}
	for _, v := range c.Effective() {
		list = append(list, setting{v.Key, v.Value, v.Origin.String()})
		t.rows = append(t.rows, []string{v.Key, v.Value, v.Origin.String()})
		plain = append(plain, v.Key+"="+v.Value)
	}
	return result{json: list, csv: t, plain: plain, text: []section{{table: t}}}
}

func writtenSettingsView(path string) result {
	return result{
		json:  map[string]string{"file": path},
		csv:   table{columns: []string{"file"}, rows: [][]string{{path}}},
		plain: []string{path},
		text:  []section{{summary: path + " is written: remove the # in front of what you change, then run 'papertrade config check'."}},
	}
}

// checkResult is what is known of one thing that must be right for a run.
type checkResult struct {
	name string
	good string // what is right
	err  error  // what is wrong, and what to do
}

func checksView(c *config.Config, checks []checkResult) result {
	type line struct {
		Check  string `json:"check"`
		OK     bool   `json:"ok"`
		Detail string `json:"detail"`
	}
	var list []line
	var plain []string
	t := table{columns: []string{"check", "status", "detail"}}
	for _, check := range checks {
		status, detail := "ok", check.good
		if check.err != nil {
			// Drivers write errors of several lines.
			status, detail = "wrong", c.Redact(safetext.Line(check.err.Error()))
		}
		list = append(list, line{check.name, check.err == nil, detail})
		t.rows = append(t.rows, []string{check.name, status, detail})
		plain = append(plain, check.name+"\t"+status+"\t"+detail)
	}
	return result{json: list, csv: t, plain: plain, text: []section{{table: t}}}
}
