package quota

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"slices"
	"time"

	"github.com/google/uuid"
)

// Reading is what the clocks of a machine show at a moment.
type Reading struct {
	Wall time.Time // the time of day, which is set now and then
	// Boot says since which boot of which machine Up is, so that processes know that they go by the same clock. If it is "",
	// nobody knows, and the time of day is all there is.
	Boot string
	Up   time.Duration
}

const (
	// maxJump is how far a clock that is set now and then may have been wrong without it showing: an hour, as one that is set to
	// the time of a zone, and clockTolerance.
	maxJump = time.Hour + clockTolerance
	// clockNoise is how much two readings may differ in when the machine has booted though nobody has set the clock.
	clockNoise = 5 * time.Millisecond
)

// steadyClock shows the time of day as its machine had it when the clock was made: nothing changes it from then on.
type steadyClock struct {
	read   func() Reading // nil stands for the time of day alone
	began  Reading
	booted int64  // when the machine has booted by this clock, in milliseconds
	boot   []byte // of a hash of which boot that was
}

func newSteadyClock(read func() Reading) steadyClock {
	if read == nil {
		return steadyClock{}
	}
	began := read()
	if began.Boot == "" {
		return steadyClock{}
	}
	hash := sha256.Sum256([]byte(began.Boot))
	return steadyClock{read, began, began.Wall.Add(-began.Up).UnixMilli(), hash[:hashLength]}
}

func (c steadyClock) now() time.Time {
	if c.read == nil {
		return time.Now()
	}
	return c.at(c.read())
}

func (c steadyClock) at(r Reading) time.Time { return c.began.Wall.Add(r.Up - c.began.Up) }

// ahead returns how far the time of day is ahead of the clock.
func (c steadyClock) ahead() time.Duration {
	if c.read == nil {
		return 0
	}
	r := c.read()
	return r.Wall.Sub(c.at(r))
}

// A call's ID says by which clock the call's times are: it is a UUID of version 8, whose first 48 bits are the millisecond at which
// that clock has the machine boot, and whose bits from the 73rd on are 24 of a hash of which boot it was. The others are random.
const (
	customVersion = 8
	hashAt        = 9
	hashLength    = 3
)

func (c steadyClock) newID() string {
	id := uuid.New()
	if c.read == nil {
		return id.String()
	}
	booted := binary.BigEndian.AppendUint64(nil, uint64(c.booted))
	copy(id[:6], booted[2:])
	id[6] = customVersion<<4 | id[6]&0xf
	copy(id[hashAt:], c.boot)
	return id.String()
}

// behind returns how far the clock by which a call's times are is behind this one: 0 as well if it is another machine's, or it is
// not known whose.
func (c steadyClock) behind(callID string) time.Duration {
	if c.read == nil {
		return 0
	}
	id, err := uuid.Parse(callID)
	if err != nil || id.Version() != customVersion || !bytes.Equal(id[hashAt:hashAt+hashLength], c.boot) {
		return 0
	}
	booted := binary.BigEndian.Uint64(append([]byte{0, 0}, id[:6]...))
	behind := time.Duration(c.booted-int64(booted)) * time.Millisecond
	if behind.Abs() <= clockNoise {
		return 0
	}
	return behind
}

// sighting is when a call of the future, with such an Until, was first seen.
type sighting struct{ until, at time.Time }

// believe returns what is known of the key as Account.Believed has it, by the limiter's own clock. Calls whose times are by a clock
// that was set since are where they belong; others of the future were made when they were first seen, or are made soon after.
func (l *Limiter) believe(a Account, now time.Time) Account {
	calls := make([]Call, len(a.Calls))
	l.isShifted = false
	for i, c := range a.Calls {
		behind := l.clock.behind(c.ID)
		c.From, c.Until = c.From.Add(behind), c.Until.Add(behind)
		calls[i] = c
		l.isShifted = l.isShifted || behind != 0
		l.doubtDay(-behind)
	}
	a.Calls = calls
	a = a.Believed(l.o.Limits, now)
	for i, c := range a.Calls {
		a.Calls[i] = l.sighted(c, now)
	}
	if !a.HeldUntil.IsZero() {
		a.HeldUntil = a.HeldUntil.Add(l.dayDoubt())
	}
	return a
}

// doubtDay takes note of another clock of this machine's by how far it is ahead of the limiter's: nobody knows which of them is
// right about when the vendor's day ends. One that is further off has shown to be wrong.
func (l *Limiter) doubtDay(ahead time.Duration) {
	isKnown := func(other time.Duration) bool { return (other - ahead).Abs() <= dayMargin }
	if ahead.Abs() <= maxJump && !slices.ContainsFunc(l.days, isKnown) {
		l.days = append(l.days, ahead)
	}
}

// dayDoubt returns how much later than by the limiter's clock a day may end, or by how much it may have ended earlier.
func (l *Limiter) dayDoubt() (doubt time.Duration) {
	for _, ahead := range l.days {
		doubt = max(doubt, ahead.Abs())
	}
	return doubt
}

// sighted returns a call, which if another clock has it in the future was made when it was first seen there, or is made soon after.
func (l *Limiter) sighted(c Call, now time.Time) Call {
	seen, found := l.sightings[c.ID]
	if !found || !seen.until.Equal(c.Until) {
		if !c.From.After(now.Add(2 * maxAhead)) {
			return c
		}
		seen = sighting{c.Until, now}
		l.sightings[c.ID] = seen
	}
	made := Call{ID: c.ID, Cost: c.Cost, From: seen.at, Until: seen.at}
	if !c.settled() {
		made.Until = seen.at.Add(maxAhead + c.Until.Sub(c.From))
	}
	return made
}

// Now returns the time by the clock that the limiter goes by: nothing that happens to the machine's time of day changes it.
func (l *Limiter) Now() time.Time { return l.clock.now() }

// schedule returns a Schedule that keeps to what holds for the key after these calls.
func (l *Limiter) schedule(calls []Call) *Schedule {
	s := NewSchedule(l.limits(), calls)
	s.days = l.days
	return s
}
