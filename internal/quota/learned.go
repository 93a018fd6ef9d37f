package quota

import (
	"context"
	"slices"
	"time"
)

const (
	// learnedFor is how long a learned limit holds after the last refusal that showed it.
	learnedFor = 7 * 24 * time.Hour
	// minCounted is the least number of calls that is learned by counting. No vendor sells a key with fewer: if so few were
	// made when the vendor refused, somebody else uses the key as well.
	minCounted = 5
	day        = 24 * time.Hour
)

// Learned is a limit that a vendor's refusal showed.
type Learned struct {
	Limit Limit     `json:"limit"`
	Named bool      `json:"named,omitempty"` // by the vendor; else the calls were counted
	At    time.Time `json:"at"`              // of the last refusal that showed it
}

// holds reports whether the limit is one, and not forgotten.
func (l Learned) holds(now time.Time) bool {
	return l.Limit.Calls > 0 && now.Before(l.At.Add(learnedFor))
}

// Refusal is a vendor's refusal of a call because of a key's limits.
type Refusal struct {
	Spent bool    // the quota of the day is spent; else the call came too fast
	Named []Limit // the limits that the vendor named
}

// length returns how long the window is; nobody knows when the vendor's day begins.
func (l Limit) length() time.Duration {
	if l.Window == 0 {
		return day
	}
	return l.Window
}

// implies reports whether who keeps to the limit keeps to another one, too.
func (l Limit) implies(other Limit) bool {
	return l.Calls <= other.Calls && l.length() >= other.length()
}

// Narrowed is a learned limit that allows less than those that are set.
type Narrowed struct {
	Learned
	Set Limit `json:"set,omitzero"` // of the same window; zero if none is
}

// Narrow returns the learned limits that hold at a time and that those that are set do not imply.
func Narrow(set []Limit, learned []Learned, now time.Time) (narrowed []Narrowed) {
	for _, l := range learned {
		if !l.holds(now) || slices.ContainsFunc(set, func(s Limit) bool { return s.implies(l.Limit) }) {
			continue
		}
		n := Narrowed{Learned: l}
		if i := slices.IndexFunc(set, l.Limit.isAlike); i >= 0 {
			n.Set = set[i]
		}
		narrowed = append(narrowed, n)
	}
	return narrowed
}

// isAlike reports whether another limit has a window of the same length.
func (l Limit) isAlike(other Limit) bool { return l.length() == other.length() }

// Effective returns the limits that hold at a time: those that are set, each of them or what a refusal showed if that is
// less, and then what else refusals showed. A day that is set as a rolling window stays one.
func Effective(set []Limit, learned []Learned, now time.Time) []Limit {
	limits := slices.Clone(set)
	for _, n := range Narrow(set, learned, now) {
		if n.Set == (Limit{}) {
			limits = append(limits, n.Limit)
			continue
		}
		for i := range limits {
			if limits[i].isAlike(n.Set) {
				limits[i].Calls = min(limits[i].Calls, n.Limit.Calls)
			}
		}
	}
	return limits
}

// Limits returns the limits that hold at a time for the key of the account: Effective with what is known of it.
func (a Account) Limits(set []Limit, now time.Time) []Limit { return Effective(set, a.Learned, now) }

// CautiousLimits returns the limits that hold for the key if those that are forgotten still do.
func (a Account) CautiousLimits(set []Limit) []Limit {
	limits := set
	for _, l := range a.Learned {
		limits = Effective(limits, []Learned{l}, l.At)
	}
	return limits
}

// learn returns what is known of a key's limits after a refusal at a time. Counted are limits of as many calls as were made in
// their windows before. What the vendor names goes before what was counted, and of either the newer before the older.
func learn(known []Learned, r Refusal, counted []Limit, now time.Time) []Learned {
	learned := slices.DeleteFunc(slices.Clone(known), func(l Learned) bool { return !l.holds(now) })
	find := func(limit Limit) int {
		return slices.IndexFunc(learned, func(l Learned) bool { return l.Limit.isAlike(limit) })
	}
	put := func(l Learned) {
		if i := find(l.Limit); i >= 0 {
			learned[i] = l
			return
		}
		learned = append(learned, l)
	}
	for _, limit := range r.Named {
		put(Learned{limit, true, now})
	}
	for _, limit := range counted {
		if i := find(limit); i < 0 || !learned[i].Named {
			put(Learned{limit, false, now})
		}
	}
	return learned
}

// count returns what the calls that were made before show of a call at a time that was refused, unless the vendor has named the
// limit that it refused it by.
func (r Refusal) count(set []Limit, before []Call, at time.Time) []Limit {
	calls := arrivalsOf(before)
	costOf := func(l Limit) int {
		cost, _ := l.used(calls, at)
		return cost
	}
	names := func(is func(Limit) bool) bool { return slices.ContainsFunc(r.Named, is) }
	isOfDay := func(l Limit) bool { return l.length() == day }
	var limit Limit
	switch i := slices.IndexFunc(set, isOfDay); {
	case r.Spent && names(isOfDay), r.Spent && i < 0: // without a limit of the day the ledger does not keep its calls
		return nil
	case r.Spent:
		limit = set[i]
	case names(func(l Limit) bool { return !isOfDay(l) }):
		return nil
	case costOf(Limit{Window: time.Second}) > 0: // it was a burst
		return []Limit{{Calls: 1, Window: minSpacing}}
	default:
		limit = Limit{Window: time.Minute}
	}
	if limit.Calls = costOf(limit); limit.Calls < minCounted {
		return nil
	}
	return []Limit{limit}
}

// Learn writes down what a refusal of the latest call shows of the key's limits, so that this process goes by it from now on,
// and others do once they next look into the ledger. It returns all that is known of them now.
func (l *Limiter) Learn(ctx context.Context, r Refusal) ([]Learned, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.Now().UTC().Truncate(time.Microsecond)
	err := l.update(ctx, now, func(a Account) Change {
		before, at := l.callsBefore(a)
		l.learned = learn(a.Learned, r, r.count(l.o.Limits, before, at), now)
		return Change{Learned: l.learned}
	})
	return slices.Clone(l.learned), err
}

// callsBefore returns the calls of the key that were made before the latest one, and when that was made.
func (l *Limiter) callsBefore(a Account) (before []Call, at time.Time) {
	now := l.Now()
	made := slices.DeleteFunc(slices.Clone(a.Calls), func(c Call) bool { return l.isOwn(c) || c.From.After(now) })
	made = slices.SortedFunc(slices.Values(append(made, l.sent...)), func(a, b Call) int { return a.From.Compare(b.From) })
	if len(made) == 0 {
		return nil, now
	}
	last := len(made) - 1
	return made[:last], made[last].From
}
