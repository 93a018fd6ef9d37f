// Package fakevantage is an Alpha Vantage on loopback for tests, benchmarks and the demo: it answers,
// refuses and misbehaves as the real one does, at /query and at /.
//
// Prices are a function of the symbol and the session alone, so that any two servers return the same.
// Rate limits go by the real clock (or that of a testing/synctest bubble) and the order of arrival;
// the market's date goes by Options.Now.
package fakevantage

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"papertrade/pkg/exchange"
)

// Options of a Server. The zero Options make one that knows every well-formed symbol, takes any key
// other than "demo" and has no limits.
type Options struct {
	Limits       []Limit // of each key; all of them hold at once
	CountRefused bool    // calls refused by a limit enter its windows too
	Style        Style   // "" is StyleFree
	// Now is the time at the market; nil means time.Now.
	Now      func() time.Time
	Keys     []string // the keys that are valid; empty: all but "demo"
	Entitled bool     // keys have the premium functions and outputsize=full
	// SplitsPremium makes SPLITS a premium function.
	SplitsPremium bool
	EndOfDay      bool          // there is nothing of a session that is under way
	Latency       time.Duration // from the arrival of a call to its answer
	Unknown       []string      // symbols that the vendor does not know
	// RetryAfter is sent with Throttled and Unavailable, in whole seconds; if it is zero, only
	// Unavailable sends one, of a second.
	RetryAfter time.Duration
	Log        io.Writer // gets each Arrival as a line of JSON, before the call is answered
}

// Server is an http.Handler, and an http.RoundTripper that needs no network. It is safe for
// concurrent use.
type Server struct {
	options Options

	mu       sync.Mutex
	arrivals []Arrival
	entered  map[string][]time.Time // by key: the calls in its windows, ascending
	script   script
	listings map[string]listing
}

// New returns a Server. Servers are independent of each other.
func New(o Options) *Server {
	if o.Now == nil {
		o.Now = time.Now
	}
	s := &Server{options: o, entered: map[string][]time.Time{}, script: script{}, listings: map[string]listing{}}
	for _, symbol := range o.Unknown {
		s.relist(symbol, func(l *listing) { l.unknown = true })
	}
	return s
}

// Arrivals returns the calls so far, in the order in which they arrived.
func (s *Server) Arrivals() []Arrival {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.arrivals)
}

// Fault makes the next calls for symbol, or for AnySymbol, end in outcome; Always makes all of them.
// Faults of a symbol come one after the other, before those of AnySymbol. An outcome that ParseFault
// does not know, or another number below 1, panics.
func (s *Server) Fault(symbol string, outcome Outcome, calls int) {
	if _, err := ParseFault(string(outcome)); err != nil {
		panic("fakevantage: " + err.Error())
	}
	if calls < 1 && calls != Always {
		panic(fmt.Sprintf("fakevantage: a fault of %d calls", calls))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	symbol = strings.ToUpper(symbol)
	s.script[symbol] = append(s.script[symbol], scripted{outcome, calls})
}

// ClearFaults removes the faults of symbol that are still to come.
func (s *Server) ClearFaults(symbol string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.script, strings.ToUpper(symbol))
}

// Lag keeps the newest N sessions of symbol unpublished.
func (s *Server) Lag(symbol string, sessions int) {
	s.change(symbol, func(l *listing) { l.lag = sessions })
}

// EndOfDay makes symbol one that has not been traded yet in a session that is under way.
func (s *Server) EndOfDay(symbol string) {
	s.change(symbol, func(l *listing) { l.endOfDay = true })
}

// List makes first the oldest session that the vendor has of symbol.
func (s *Server) List(symbol string, first exchange.Date) {
	s.change(symbol, func(l *listing) { l.first = first })
}

// Delist makes last the newest session that the vendor ever has of symbol.
func (s *Server) Delist(symbol string, last exchange.Date) {
	s.change(symbol, func(l *listing) { l.last = last })
}

// Lose leaves one more session of symbol out of all answers.
func (s *Server) Lose(symbol string, session exchange.Date) {
	s.change(symbol, func(l *listing) { l.missing = append(slices.Clone(l.missing), session) })
}

// Spoil makes close, like "None", the close of a session of symbol in all answers but as a previous one.
func (s *Server) Spoil(symbol string, session exchange.Date, close string) {
	s.change(symbol, func(l *listing) {
		spoiled := map[exchange.Date]string{session: close}
		for day, text := range l.spoiled {
			if day != session {
				spoiled[day] = text
			}
		}
		l.spoiled = spoiled
	})
}

// FixPrice makes symbol trade at price, like "0.0042", in every session. It panics if price is not a
// price with at maxSessions four decimals.
func (s *Server) FixPrice(symbol, price string) {
	s.change(symbol, func(l *listing) { l.walk.fixed = mustParsePrice(price) })
}

// Split adds a split of the shares of symbol. SPLITS has it from its session on.
func (s *Server) Split(symbol string, split Split) {
	s.change(symbol, func(l *listing) { l.splits = append(slices.Clone(l.splits), split) })
}

// Bar returns the bar that TIME_SERIES_DAILY has, at Options.Now, of a completed session of symbol; false
// if it has none.
func (s *Server) Bar(symbol string, session exchange.Date) (Bar, bool) {
	now := s.options.Now()
	s.mu.Lock()
	h, ok := s.listing(strings.ToUpper(symbol)).at(now, fullSessions)
	s.mu.Unlock()
	if !ok {
		return Bar{}, false
	}
	i, found := slices.BinarySearchFunc(h.sessions, session, exchange.Date.Compare)
	if !found || len(h.running) > 0 && h.running[0].Date == session {
		return Bar{}, false
	}
	return h.bar(i).format(), true
}

func (s *Server) change(symbol string, change func(*listing)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.relist(symbol, change)
}

func (s *Server) relist(symbol string, change func(*listing)) {
	symbol = strings.ToUpper(symbol)
	l := s.listing(symbol)
	change(&l)
	s.listings[symbol] = l
}

func (s *Server) listing(symbol string) listing {
	l, ok := s.listings[symbol]
	if !ok {
		l = newListing(symbol)
	}
	l.endOfDay = l.endOfDay || s.options.EndOfDay
	return l
}

// call is what a request asks for, and how it will be answered.
type call struct {
	function  string
	symbols   []string
	key       string
	full, csv bool
	outcome   Outcome
	exceeded  Limit              // by a call that is throttled or over the day's quota
	faults    map[string]Outcome // of the symbols' data
	histories map[string]history // of the symbols that are known
}

// receive decides on a request in the order of arrival, and logs it.
func (s *Server) receive(query url.Values) (call, error) {
	c := call{
		function: query.Get("function"),
		key:      query.Get("apikey"),
		full:     query.Get("outputsize") == "full",
		csv:      query.Get("datatype") == "csv",
		faults:   map[string]Outcome{}, histories: map[string]history{},
	}
	if symbol := strings.ToUpper(query.Get("symbol")); symbol != "" {
		c.symbols = []string{symbol}
		if c.function == bulkQuotes {
			c.symbols = strings.Split(symbol, ",")
			c.symbols = c.symbols[:min(len(c.symbols), bulkSymbols)]
		}
	}
	market := s.options.Now()

	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	s.decide(&c, now, market)
	a := Arrival{
		Time: now, Function: c.function, Symbols: c.symbols, OutputSize: query.Get("outputsize"),
		Key: Fingerprint(c.key), Outcome: c.outcome,
	}
	s.arrivals = append(s.arrivals, a)
	if s.options.Log == nil {
		return c, nil
	}
	line, err := json.Marshal(a)
	if err == nil {
		_, err = s.options.Log.Write(append(line, '\n'))
	}
	return c, err
}

func (s *Server) decide(c *call, now, market time.Time) {
	if !s.valid(c.key) {
		c.outcome = Credentials
		return
	}
	fault, owner := s.callFault(c.symbols)
	if scriptable[fault] == refusal {
		s.script.spend(owner)
		c.outcome = fault
		return
	}
	if refused := s.admit(c, now); refused != "" {
		c.outcome = refused
		return
	}
	if fault != "" {
		s.script.spend(owner)
		c.outcome = fault
	}
	s.lookUp(c, market)
	if c.outcome == "" {
		c.outcome = s.unscripted(c)
	}
}

func (s *Server) valid(key string) bool {
	if len(s.options.Keys) > 0 {
		return slices.Contains(s.options.Keys, key)
	}
	return key != "" && key != "demo"
}

// callFault returns the first fault of the symbols that concerns the whole call.
func (s *Server) callFault(symbols []string) (outcome Outcome, owner string) {
	if len(symbols) == 0 {
		symbols = []string{AnySymbol}
	}
	for _, symbol := range symbols {
		if outcome, owner = s.script.next(symbol); outcome != "" && scriptable[outcome] != data {
			return outcome, owner
		}
	}
	return "", ""
}

// admit counts a call in the windows of its key, or returns how it is refused.
func (s *Server) admit(c *call, now time.Time) Outcome {
	refused := Outcome("")
	for _, l := range s.options.Limits {
		if l.admits(s.entered[c.key], now) {
			continue
		}
		if c.exceeded, refused = l, Throttled; l.Window == 0 {
			refused = QuotaSpent
			break
		}
	}
	if refused == "" || s.options.CountRefused {
		s.entered[c.key] = append(s.entered[c.key], now)
	}
	return refused
}

// lookUp finds what the vendor has of the symbols, and the faults of their data.
func (s *Server) lookUp(c *call, market time.Time) {
	maxSessions := 1
	switch {
	case c.function != seriesDaily && c.function != seriesAdjusted:
	case c.full:
		maxSessions = fullSessions
	default:
		maxSessions = compactSessions
	}
	for _, symbol := range c.symbols {
		if fault, owner := s.script.next(symbol); c.outcome == "" && scriptable[fault] == data {
			s.script.spend(owner)
			c.faults[symbol] = fault
		}
		if h, ok := s.listing(symbol).at(market, maxSessions); ok && c.faults[symbol] != Unknown {
			c.histories[symbol] = h
		}
	}
}

// unscripted returns the outcome of a call for which no fault is scripted.
func (s *Server) unscripted(c *call) Outcome {
	switch {
	case !slices.Contains([]string{globalQuote, seriesDaily, seriesAdjusted, bulkQuotes, splitTable}, c.function), len(c.symbols) == 0:
		return BadCall
	case c.function == bulkQuotes && !s.options.Entitled:
		return Sample
	case c.function == splitTable && s.options.SplitsPremium && !s.options.Entitled:
		return Premium
	case c.function == seriesAdjusted && !s.options.Entitled, c.function == seriesDaily && c.full && !s.options.Entitled:
		return Premium
	case len(c.histories) == 0:
		return Unknown
	}
	if fault := c.faults[c.symbols[0]]; fault != "" && c.function != bulkQuotes {
		return fault
	}
	return Answered
}

// ServeHTTP answers a call.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet || r.URL.Path != "/query" && strings.TrimSuffix(r.URL.Path, "/") != "" {
		http.NotFound(w, r)
		return
	}
	c, err := s.receive(r.URL.Query())
	if err != nil {
		http.Error(w, fmt.Sprintf("fakevantage: write the log: %v", err), http.StatusInternalServerError)
		return
	}
	delay := time.NewTimer(s.options.Latency)
	defer delay.Stop()
	select {
	case <-delay.C:
	case <-r.Context().Done():
		return
	}
	s.respond(w, r, c)
}
