package quota

import (
	"os"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

var bootID = sync.OnceValue(func() string {
	id, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(id))
})

// MachineClock reads the clocks of the machine.
func MachineClock() Reading {
	// If something comes between the readings, they are not of one moment.
	const maxReadings, moment = 5, time.Millisecond
	var r Reading
	for range maxReadings {
		before, beforeErr := sinceBoot()
		wall := time.Now().Round(0)
		after, afterErr := sinceBoot()
		if beforeErr != nil || afterErr != nil {
			return Reading{Wall: wall}
		}
		r = Reading{Wall: wall, Boot: bootID(), Up: after}
		if after-before < moment {
			break
		}
	}
	return r
}

// sinceBoot returns how long ago the machine has booted, also while it was asleep.
func sinceBoot() (time.Duration, error) {
	var up unix.Timespec
	err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &up)
	return time.Duration(up.Nano()), err
}
