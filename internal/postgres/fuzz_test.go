package postgres

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
)

// What /proc says of a process can be read, whatever its name is.
func FuzzParseStat(f *testing.F) {
	own, err := os.ReadFile("/proc/self/stat")
	if err == nil {
		f.Add(string(own))
	}
	for _, s := range []string{"", ")", "1", "1 (a b) c) S" + strings.Repeat(" 7", 40), "1 () Z" + strings.Repeat(" 7", 19), "x (a) S" + strings.Repeat(" 7", 40)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		stat, err := parseStat(text)
		if err != nil {
			return
		}
		name := ") (" + text + ")"
		fields := text[strings.LastIndexByte(text, ')')+1:]
		again, err := parseStat("7 (" + name + fields)
		stat.pid = 7
		if err != nil || again != stat || stat.start == "" {
			t.Fatalf("under another name it is %+v, %v, want %+v", again, err, stat)
		}
	})
}

// Whoever is written down as the holder of a lease, no process but the one that is meant is alive.
func FuzzHolder(f *testing.F) {
	own, err := json.Marshal(thisProcess())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(string(own))
	for _, s := range []string{`{}`, `null`, `{"host": "a", "pid": -1, "boot": "b"}`, `{"pid": 1e3}`, `{"pid": 99999999999}`, strings.Replace(string(own), `"start":"`, `"start":"1`, 1)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var holder process
		if json.Unmarshal([]byte(text), &holder) != nil {
			return
		}
		self := thisProcess()
		if got := fateOf(holder); holder.PID == self.PID && (got == alive) != (holder.Boot == self.Boot && holder.PIDNamespace == self.PIDNamespace && holder.Start == self.Start) {
			t.Fatalf("%s is %d", text, got)
		}
	})
}
