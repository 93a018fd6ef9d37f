// Package alphavantage is a client of Alpha Vantage, a vendor of market data, as a
// marketdata.Provider. Everything it needs is passed in; it reads no environment variables.
//
// Source: https://www.alphavantage.co/documentation/, and answers observed from the service.
package alphavantage

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"sync/atomic"
	"time"

	"papertrade/pkg/marketdata"
	"papertrade/pkg/safetext"
)

// Source is the name under which prices of Alpha Vantage are stored.
const Source = "alpha_vantage"

// DefaultBaseURL is the address of the public service.
const DefaultBaseURL = "https://www.alphavantage.co/query"

// The maximum size of an answer, in bytes: a compact series has 25 kB, a full one of 25 years 2.5 MB.
const (
	maxBody     = 1 << 20
	maxFullBody = 8 << 20
)

// Limiter delays calls to keep them within the limits of the key.
type Limiter interface {
	// Wait returns when one call of this cost may be made, or an error if none may. The Client calls
	// sent with true when the call has been sent, or with false if it never reached the vendor. Only the
	// first call of sent counts. Errors reach the caller of the Client wrapped.
	Wait(ctx context.Context, cost int) (sent func(reached bool), err error)
}

// Options configure a Client.
type Options struct {
	Key     string // the API key; without one every call is refused before it is made
	BaseURL string // "" means DefaultBaseURL
	HTTP    *http.Client
	Limiter Limiter // waited for once before each call
	Timeout time.Duration
	// Entitlement is added to each call of a key whose plan has it: "delayed" or "realtime"; "" for none.
	Entitlement string
	// OnAnswer is called with what came of each call that was sent, unless it is nil; by several goroutines if calls are under
	// way at once.
	OnAnswer func(marketdata.RawAnswer)
	// Currencies overrides marketdata.DefaultCurrencies: Alpha Vantage never gives the currency of a quote.
	Currencies marketdata.Currencies
}

// Client is a client of Alpha Vantage. It is safe for concurrent use.
type Client struct {
	key string
	// redactor hides the key.
	redactor *safetext.Redactor
	base     url.URL
	http     http.Client
	limiter  Limiter
	timeout  time.Duration
	// entitlement is added to each call unless it is "".
	entitlement string
	onAnswer    func(marketdata.RawAnswer) // nil if nobody wants to know
	// currencies includes the defaults.
	currencies marketdata.Currencies
}

// New returns a Client. The error says which option is wrong, and never contains the key.
func New(o Options) (*Client, error) {
	base, err := url.Parse(o.BaseURL)
	if o.BaseURL == "" {
		base, err = url.Parse(DefaultBaseURL)
	}
	if err != nil || base.Host == "" {
		return nil, fmt.Errorf("alphavantage: the base URL is not an absolute URL")
	}
	if base.Path == "" || base.Path == "/" {
		base.Path = "/query"
	}
	c := &Client{
		key: o.Key, redactor: safetext.NewRedactor(o.Key), base: *base,
		limiter: o.Limiter, timeout: o.Timeout, entitlement: o.Entitlement, onAnswer: o.OnAnswer,
		currencies: marketdata.DefaultCurrencies(),
	}
	maps.Copy(c.currencies, o.Currencies)
	if o.HTTP != nil {
		c.http = *o.HTTP
	}
	// Another host must not see the key, and a second request would be a call that is not counted.
	c.http.CheckRedirect = func(*http.Request, []*http.Request) error { return errRedirect }
	return c, nil
}

var errRedirect = errors.New("redirected elsewhere, where the API key must not go")

// Name returns Source.
func (c *Client) Name() string { return Source }

// Covers reports true: Alpha Vantage may have any ticker.
func (c *Client) Covers(marketdata.Ticker) bool { return true }

// compactSessions is the number of sessions that TIME_SERIES_DAILY returns without outputsize=full.
const compactSessions = 100

// The functions of Alpha Vantage, which also name the capabilities. Those of series return prices as traded;
// the last of them, a premium feature, reports splits.
const (
	globalQuote         = "GLOBAL_QUOTE"
	timeSeriesDaily     = "TIME_SERIES_DAILY"
	timeSeriesDailyFull = "TIME_SERIES_DAILY_ADJUSTED"
)

// splitTable names the capability of the function SPLITS, which it is not certain that every key has.
const splitTable = "splits"

var capabilities = []marketdata.Capability{
	{Kind: marketdata.Quotes, Name: globalQuote, MaxTickers: 1},
	{Kind: marketdata.History, Name: timeSeriesDaily, MaxTickers: 1, Reach: marketdata.NewestSessions(compactSessions)},
	{Kind: marketdata.History, Name: timeSeriesDailyFull, MaxTickers: 1, Premium: true},
	{Kind: marketdata.Splits, Name: splitTable, MaxTickers: 1},
}

// Capabilities returns the quote, the newest 100 sessions, the whole history, and the table of splits, each of one
// ticker per call.
func (c *Client) Capabilities() []marketdata.Capability { return slices.Clone(capabilities) }

// isNumber matches a key that could be taken for a price, and is too long to be in one by chance.
var isNumber = regexp.MustCompile(`^[0-9.]{8,}$`)

// Ask makes one call. The answer to a History has all sessions that the function returns.
func (c *Client) Ask(ctx context.Context, question marketdata.Question) (marketdata.Answer, error) {
	if len(question.Tickers) != 1 {
		return marketdata.Answer{}, fmt.Errorf("alphavantage: a call takes 1 ticker, not %d", len(question.Tickers))
	}
	call, found := c.call(question.Capability.Name, question.Tickers[0])
	if !found {
		return marketdata.Answer{}, fmt.Errorf("alphavantage: there is no capability %q", question.Capability.Name)
	}
	raw := marketdata.RawAnswer{Question: question}
	wasMade, err := c.query(ctx, call, &raw)
	if isNumber.MatchString(c.key) {
		raw.Body = []byte(c.redactor.Redact(string(raw.Body))) // a price that is the key must not be stored
	}
	if err == nil {
		raw.Answer, err = call.parse(raw.Body)
	}
	err = c.redacted(err)
	for i := range raw.Answer.Invalid {
		raw.Answer.Invalid[i].Err = c.redacted(raw.Answer.Invalid[i].Err)
	}
	// An error that concerns only the ticker is not an error of the call.
	if errors.Is(err, marketdata.ErrUnknownTicker) || errors.Is(err, marketdata.ErrInvalidData) {
		raw.Answer, err = marketdata.Answer{Missing: map[marketdata.Ticker]error{question.Tickers[0]: err}}, nil
	}
	if raw.Err = err; wasMade && c.onAnswer != nil {
		c.onAnswer(raw)
	}
	return raw.Answer, err
}

// call is what the vendor is asked once.
type call struct {
	values  url.Values
	maxBody int // bytes
	parse   func(body []byte) (marketdata.Answer, error)
}

// call returns the call of a capability; false if there is no such capability.
func (c *Client) call(capability string, ticker marketdata.Ticker) (call, bool) {
	values := url.Values{"function": {capability}, "symbol": {ticker.String()}}
	currency := c.currencies.Of(ticker)
	series := func(maxSessions int) func([]byte) (marketdata.Answer, error) {
		return func(body []byte) (marketdata.Answer, error) { return parseSeries(ticker, currency, body, maxSessions) }
	}
	switch capability {
	case globalQuote:
		return call{values, maxBody, func(body []byte) (marketdata.Answer, error) {
			bar, err := parseQuote(ticker, currency, body)
			return marketdata.Answer{Bars: []marketdata.Bar{bar}}, err
		}}, true
	case timeSeriesDaily:
		values.Set("outputsize", "compact")
		return call{values, maxBody, series(compactSessions)}, true
	case timeSeriesDailyFull:
		values.Set("outputsize", "full")
		return call{values, maxFullBody, series(0)}, true
	case splitTable:
		values.Set("function", "SPLITS")
		return call{values, maxBody, func(body []byte) (marketdata.Answer, error) { return parseSplits(ticker, body) }}, true
	default:
		return call{}, false
	}
}

// query makes one call and writes its answer into raw, whatever it is. The error is nil if that is neither a refusal nor too
// long. wasMade says that the limiter has admitted the call.
func (c *Client) query(ctx context.Context, call call, raw *marketdata.RawAnswer) (wasMade bool, err error) {
	if c.key == "" {
		return false, fmt.Errorf("%w: no API key", marketdata.ErrCredentials)
	}
	sent, err := c.limiter.Wait(ctx, 1)
	if err != nil {
		return false, err
	}
	// Unless an error below shows otherwise, assume that the call reached the vendor.
	defer sent(true)
	return true, c.send(ctx, call, sent, raw)
}

// send makes a call that the limiter has admitted.
func (c *Client) send(ctx context.Context, call call, sent func(reached bool), raw *marketdata.RawAnswer) error {
	if c.timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, c.timeout)
		defer cancel()
	}
	var connection connection
	request, err := http.NewRequestWithContext(connection.watch(ctx, sent), http.MethodGet, c.target(call.values), nil)
	if err != nil {
		return errors.New("alphavantage: the request cannot be built")
	}
	// On a reused connection net/http may repeat a request, which would not be counted.
	request.Close = true
	response, err := c.http.Do(request)
	if err != nil {
		sent(!connection.failed())
		return c.unavailable(err)
	}
	defer response.Body.Close()
	raw.Status, raw.ContentType = response.StatusCode, response.Header.Get("Content-Type")
	raw.Body, err = io.ReadAll(io.LimitReader(response.Body, int64(call.maxBody)+1))
	if err != nil {
		return c.unavailable(err)
	}
	if len(raw.Body) > call.maxBody {
		return fmt.Errorf("%w: the answer is longer than %d bytes", marketdata.ErrUnavailable, call.maxBody)
	}
	raw.Body = trimBOM(raw.Body)
	return c.refusal(response, raw.Body)
}

// target returns the URL of a call. The query of the base URL is kept.
func (c *Client) target(values url.Values) string {
	merged := c.base.Query()
	maps.Copy(merged, values)
	merged.Set("apikey", c.key)
	if c.entitlement != "" {
		merged.Set("entitlement", c.entitlement)
	}
	target := c.base
	target.RawQuery = merged.Encode()
	return target.String()
}

// refusal returns the error for a response that is not an answer; nil if it is one.
func (c *Client) refusal(response *http.Response, body []byte) error {
	switch status := response.StatusCode; {
	case status == http.StatusOK:
		return c.parseRefusal(body, retryAfter(response))
	case status == http.StatusTooManyRequests:
		return &marketdata.ThrottledError{Message: "HTTP 429", RetryAfter: retryAfter(response)}
	case status == http.StatusUnauthorized || status == http.StatusForbidden:
		return c.parseForbidden(status, body, retryAfter(response))
	case status >= http.StatusInternalServerError && response.Header.Get("Retry-After") != "":
		return &marketdata.UnavailableError{Message: fmt.Sprintf("HTTP %d", status), RetryAfter: retryAfter(response)}
	default:
		return fmt.Errorf("%w: HTTP %d", marketdata.ErrUnavailable, status)
	}
}

// connection follows how far a request has got. A request is written only once its connection stands, with the proxy
// and the TLS handshake behind it.
type connection struct{ wanted, established atomic.Bool }

// watch returns a context whose request is followed. It calls sent with true when the request has been written.
func (c *connection) watch(ctx context.Context, sent func(bool)) context.Context {
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GetConn:      func(string) { c.wanted.Store(true) },
		GotConn:      func(httptrace.GotConnInfo) { c.established.Store(true) },
		WroteRequest: func(httptrace.WroteRequestInfo) { sent(true) },
	})
}

// failed reports whether it is certain that there was no connection, so that nothing was sent.
func (c *connection) failed() bool { return c.wanted.Load() && !c.established.Load() }

// unavailable returns the error for a failed connection, without the URL, which contains the key.
func (c *Client) unavailable(err error) error {
	var inURL *url.Error
	if errors.As(err, &inURL) {
		err = inURL.Err
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("%w: no answer in time", marketdata.ErrUnavailable)
	}
	if errors.Is(err, context.Canceled) {
		return err
	}
	return fmt.Errorf("%w: %s", marketdata.ErrUnavailable, c.redactor.Redact(safetext.Line(err.Error())))
}

// redactedError is an error of another text.
type redactedError struct {
	text string
	err  error
}

func (e *redactedError) Error() string { return e.text }

func (e *redactedError) Unwrap() error { return e.err }

// redacted returns an error whose text is safe and does not have the key in it, which can come back wherever the vendor
// writes something: also in the place of a price.
func (c *Client) redacted(err error) error {
	if err == nil {
		return nil
	}
	if text := c.redactor.Redact(safetext.Lines(err.Error())); text != err.Error() {
		return &redactedError{text, err}
	}
	return err
}

// maxRetryAfter is the longest time that a vendor is believed to want to be left alone: its longest window is a day.
const maxRetryAfter = 24 * time.Hour

// retryAfter reads the header in either of its forms, at most maxRetryAfter; 0 if it is missing or invalid.
func retryAfter(response *http.Response) time.Duration {
	header := response.Header.Get("Retry-After")
	seconds, err := strconv.ParseInt(header, 10, 64) // the largest number there is, if the header's is larger
	if err == nil || errors.Is(err, strconv.ErrRange) {
		return time.Duration(min(max(0, seconds), int64(maxRetryAfter/time.Second))) * time.Second
	}
	if at, err := http.ParseTime(header); err == nil {
		return min(max(0, time.Until(at)), maxRetryAfter)
	}
	return 0
}
