//go:build !race

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// clockJumps has the clock of the machine be an hour ahead, an hour behind or right, and jump in the midst of runs, each of which
// begins as soon as the one before has ended.
func (w *chaos) clockJumps() {
	program, err := jumpingProgram()
	if err != nil {
		w.Fatal(err)
	}
	offset := func() int { return (w.random.IntN(3) - 1) * int(time.Hour.Seconds()) }
	plain := w.env
	for range 8 {
		w.nextNight()
		for range 4 {
			w.env = append(plain, fmt.Sprintf("%s=%d", clockBefore, offset()), fmt.Sprintf("%s=%d", clockAfter, offset()),
				fmt.Sprintf("%s=%d", clockJump, w.upTo(300*time.Millisecond)))
			p := w.start(program, "refresh", "--force", "-o", "json", w.at())
			if status, report := w.endRefresh(p); status != 0 {
				w.Errorf("the run %s with %d\n%s", report.Status, status, &p.stderr)
			}
		}
		w.env = plain
		w.check()
	}
}

// Variables of a program whose clock jumps: by how many seconds it is wrong before and after so many nanoseconds.
const (
	clockBefore = "TEST_CLOCK_BEFORE"
	clockAfter  = "TEST_CLOCK_AFTER"
	clockJump   = "TEST_CLOCK_JUMP"
)

// jumpingProgram builds papertrade with another time.Now, which takes minutes.
var jumpingProgram = sync.OnceValues(func() (path string, err error) {
	const (
		original = "\tsec, nsec, mono := runtimeNow()\n"
		jumping  = original + "\tsec += wrongBy(mono - startNano)\n"
		imports  = "import (\n"
	)
	root, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		return "", fmt.Errorf("find Go: %w", err)
	}
	source := filepath.Join(strings.TrimSpace(string(root)), "src", "time", "time.go")
	text, err := os.ReadFile(source)
	if err != nil {
		return "", err
	}
	if strings.Count(string(text), original) == 0 {
		return "", fmt.Errorf("%s has no %q", source, original)
	}
	changed := strings.Replace(strings.ReplaceAll(string(text), original, jumping), imports, imports+"\t\"strconv\"\n\t\"sync\"\n\t\"syscall\"\n", 1) + `
var wrong = sync.OnceValue(func() (all [3]int64) {
	for i, name := range []string{"` + clockBefore + `", "` + clockAfter + `", "` + clockJump + `"} {
		text, _ := syscall.Getenv(name)
		all[i], _ = strconv.ParseInt(text, 10, 64)
	}
	return all
})

func wrongBy(sinceStart int64) int64 {
	if all := wrong(); sinceStart < all[2] {
		return all[0]
	}
	return wrong()[1]
}
`
	if clockDir, err = os.MkdirTemp("", "papertrade-clock-"); err != nil {
		return "", err
	}
	replacement, list := filepath.Join(clockDir, "time.go"), filepath.Join(clockDir, "overlay.json")
	overlay, err := json.Marshal(map[string]map[string]string{"Replace": {source: replacement}})
	if err := errors.Join(err, os.WriteFile(replacement, []byte(changed), 0o600), os.WriteFile(list, overlay, 0o600)); err != nil {
		return "", err
	}
	path = filepath.Join(clockDir, "papertrade")
	if output, err := exec.Command("go", "build", "-overlay", list, "-o", path, ".").CombinedOutput(); err != nil {
		return "", fmt.Errorf("build a papertrade whose clock jumps: %w\n%s", err, output)
	}
	return path, nil
})
