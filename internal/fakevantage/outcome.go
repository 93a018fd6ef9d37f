package fakevantage

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Outcome is how a call ended.
type Outcome string

// Outcomes that are never scripted.
const (
	Answered Outcome = "answered"
	Sample   Outcome = "sample"   // bulk quotes of a key without the entitlement: artificial data
	BadCall  Outcome = "bad_call" // no such function, or no symbol
)

// Outcomes that can be scripted with Server.Fault, and also occur without. The first four, if scripted,
// enter no window.
const (
	Throttled   Outcome = "throttled"   // asked too fast
	QuotaSpent  Outcome = "quota"       // the day's calls are spent
	Credentials Outcome = "credentials" // the key is missing or wrong
	Premium     Outcome = "premium"     // the key is not entitled to the call
	Unknown     Outcome = "unknown"     // the vendor does not know the symbol
)

// Outcomes of Server.Fault alone: answers with bad data. In a series the newest bar is bad.
const (
	NonePrice     Outcome = "none_price"     // the price is "None"
	DashPrice     Outcome = "dash_price"     // the price is "-"
	EmptyPrice    Outcome = "empty_price"    // the price is ""
	ZeroPrice     Outcome = "zero_price"     // the price is "0.0000"
	NegativePrice Outcome = "negative_price" // the price is "-1.0000"
	MissingPrice  Outcome = "missing_price"  // the price's field is absent
	PriceOnly     Outcome = "price_only"     // good, but everything other than the price is "None"
)

// Outcomes of Server.Fault alone: no answer that can be read.
const (
	ServerError   Outcome = "http_500"
	Unavailable   Outcome = "http_503"  // with a Retry-After
	CutConnection Outcome = "cut"       // closed in the middle of the body
	TruncatedJSON Outcome = "truncated" // the first half of the body, as if it were all
	HTMLBody      Outcome = "html"
	Forbidden     Outcome = "http_403"       // with a page, as a firewall answers
	EmptyObject   Outcome = "empty_object"   // {}
	NoFunction    Outcome = "no_function"    // "This API function (…) does not exist."
	HugeBody      Outcome = "huge"           // valid, and longer than 2 MiB
	HostileNotice Outcome = "hostile_notice" // with what steers terminals, and the key written in several ways
	HostilePrice  Outcome = "hostile_price"  // a quote whose price is such a text
	Redirect      Outcome = "redirect"       // to the same server by another host name, with the key
	Hang          Outcome = "hang"           // until the client leaves
	Drip          Outcome = "drip"           // a byte now and then, until the client leaves
	Bomb          Outcome = "bomb"           // a few kilobytes that unpack to 64 MiB
	Garbage       Outcome = "garbage"        // bytes that are no text
	OtherSymbol   Outcome = "other_symbol"   // a good answer, about another symbol
)

type reach int

const (
	refusal reach = iota + 1 // of the whole call, before it enters a window
	failure                  // of the whole call
	data                     // of one symbol's data
)

var scriptable = map[Outcome]reach{
	Throttled: refusal, QuotaSpent: refusal, Credentials: refusal, Premium: refusal,
	ServerError: failure, Unavailable: failure, CutConnection: failure, TruncatedJSON: failure,
	Forbidden: failure, EmptyObject: failure, NoFunction: failure, HTMLBody: failure, HugeBody: failure,
	HostileNotice: failure, HostilePrice: failure, Redirect: failure, Hang: failure, Drip: failure,
	Bomb: failure, Garbage: failure, OtherSymbol: failure,
	Unknown: data, NonePrice: data, DashPrice: data, EmptyPrice: data, ZeroPrice: data,
	NegativePrice: data, MissingPrice: data, PriceOnly: data,
}

// ParseFault reads the name of an Outcome that Server.Fault takes.
func ParseFault(s string) (Outcome, error) {
	if _, ok := scriptable[Outcome(s)]; !ok {
		return "", fmt.Errorf("%q is not a fault: choose one of %s", s, strings.Join(faultNames(), ", "))
	}
	return Outcome(s), nil
}

func faultNames() []string {
	names := make([]string, 0, len(scriptable))
	for _, o := range slices.Sorted(maps.Keys(scriptable)) {
		names = append(names, string(o))
	}
	return names
}

// Arguments of Server.Fault.
const (
	AnySymbol = "*" // every symbol without a fault of its own
	Always    = -1  // without end
)

// script has the faults to come, by symbol.
type script map[string][]scripted

type scripted struct {
	outcome   Outcome
	remaining int
}

// next returns the next scripted outcome of a symbol, and the owner of its entry; "" if there is none.
func (s script) next(symbol string) (Outcome, string) {
	for _, owner := range []string{symbol, AnySymbol} {
		if faults := s[owner]; len(faults) > 0 {
			return faults[0].outcome, owner
		}
	}
	return "", ""
}

// spend takes one call off the first entry of owner.
func (s script) spend(owner string) {
	faults := s[owner]
	if faults[0].remaining == Always {
		return
	}
	if faults[0].remaining--; faults[0].remaining == 0 {
		s[owner] = faults[1:]
	}
}
