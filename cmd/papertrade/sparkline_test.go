package main

import "testing"

func TestSparkline(t *testing.T) {
	utf8, c := []string{"LANG=C", "LC_ALL=de_DE.utf8"}, []string{"LANG=en_US.UTF-8", "LC_CTYPE=C", "LC_ALL="}
	tests := []struct {
		name   string
		env    []string
		prices []string
		want   string
	}{
		{"rising", utf8, []string{"1", "2", "3", "4", "5", "6", "7", "8"}, "▁▂▃▄▅▆▇█"},
		{"of four decimals", utf8, []string{"0.0041", "0.0042", "0.0041"}, "▁█▁"},
		{"flat", utf8, []string{"192.53", "192.5300"}, "▅▅"},
		{"a single price is no line", utf8, []string{"192.53"}, ""},
		{"none", utf8, nil, ""},
		{"where the locale has no blocks", c, []string{"8", "7", "1", "4"}, "@#.="},
		{"where it says nothing", nil, []string{"1", "2"}, "▁█"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := sparkline(tt.prices, sparklineMarks(environ{env: tt.env})); got != tt.want {
				t.Errorf("%q, want %q", got, tt.want)
			}
		})
	}
}
