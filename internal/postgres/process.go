package postgres

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
)

// process identifies a process among all that use a database. Without a Boot it is known by name only: its system has no
// /proc.
type process struct {
	Host         string `json:"host"`
	PID          int    `json:"pid"`
	Boot         string `json:"boot,omitempty"` // of the kernel, by chance another each time
	PIDNamespace string `json:"pid_namespace,omitempty"`
	Start        string `json:"start,omitempty"` // in ticks since the boot
	Store        string `json:"store,omitempty"` // which of the process's has a lease
}

// thisProcess returns the process that asks.
func thisProcess() process {
	host, _ := os.Hostname() // which is for people
	p := process{Host: host, PID: os.Getpid()}
	self, selfErr := readProcess("self")
	boot, bootErr := os.ReadFile("/proc/sys/kernel/random/boot_id")
	namespace, namespaceErr := os.Readlink("/proc/self/ns/pid")
	if errors.Join(selfErr, bootErr, namespaceErr) != nil || self.pid != p.PID { // /proc is of another namespace
		return p
	}
	p.Boot, p.PIDNamespace, p.Start = strings.TrimSpace(string(boot)), namespace, self.start
	return p
}

// fate is what is known of whether a process still is.
type fate int

const (
	unknown fate = iota
	alive
	gone
)

// fateOf returns what this process can know of another: something if both have the same kernel and the same namespace. That
// the namespace of a process that is gone is made anew as that of other processes does no harm.
func fateOf(other process) fate {
	self := thisProcess()
	if other.Boot == "" || other.Boot != self.Boot || other.PIDNamespace != self.PIDNamespace || other.PID <= 0 {
		return unknown
	}
	found, err := os.FindProcess(other.PID)
	if err == nil {
		err = found.Signal(syscall.Signal(0)) // a mere question
		_ = found.Release()
	}
	if errors.Is(err, os.ErrProcessDone) {
		return gone
	}
	stat, err := readProcess(strconv.Itoa(other.PID))
	switch {
	case err != nil: // /proc can hide what is another user's
		return unknown
	case stat.start != other.Start, stat.hasEnded:
		return gone
	default:
		return alive
	}
}

// processStat is what /proc says of a process.
type processStat struct {
	pid      int
	hasEnded bool // and its parent has not looked yet
	start    string
}

func readProcess(name string) (processStat, error) {
	text, err := os.ReadFile("/proc/" + name + "/stat")
	if err != nil {
		return processStat{}, err
	}
	stat, err := parseStat(string(text))
	if err != nil {
		err = fmt.Errorf("read /proc/%s/stat: %w", name, err)
	}
	return stat, err
}

// parseStat reads a /proc/…/stat, whose fields are counted from behind the name: that can have any character.
func parseStat(text string) (processStat, error) {
	const state, start = 0, 19
	end := strings.LastIndexByte(text, ')')
	fields := strings.Fields(text[end+1:])
	id, _, _ := strings.Cut(text, " ")
	pid, err := strconv.Atoi(id)
	if err != nil || end < 0 || len(fields) <= start {
		return processStat{}, errors.New("it is not the state of a process")
	}
	return processStat{pid: pid, hasEnded: strings.Contains("ZXx", fields[state]), start: fields[start]}, nil
}
