package providers_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"papertrade/internal/providers"
	"papertrade/internal/quota"
	"papertrade/pkg/marketdata"
)

const key = "k3y-0f-a-test"

// answers holds, by vendor, an answer about AZN.LON whose close is 250.
var answers = map[string]string{
	"alphavantage": `{"Global Quote": {"01. symbol": "AZN.LON", "02. open": "250", "03. high": "250", "04. low": "250",
		"05. price": "250", "06. volume": "10", "07. latest trading day": "2026-11-20", "08. previous close": "250"}}`,
}

func TestAll(t *testing.T) {
	var (
		name     = regexp.MustCompile(`^[a-z][a-z0-9]*$`)  // of a section of TOML, and in capitals of a variable
		source   = regexp.MustCompile(`^[a-z][a-z0-9_]*$`) // as the database has it
		variable = regexp.MustCompile(`^[A-Z][A-Z0-9_]*KEY$`)
	)
	taken := map[string]bool{}
	take := func(what, value string) {
		if taken[what+value] {
			t.Errorf("the %s %q is there twice", what, value)
		}
		taken[what+value] = true
	}
	if len(providers.All()) == 0 {
		t.Fatal("there is no vendor")
	}
	for _, v := range providers.All() {
		take("name", v.Name)
		take("title", v.Title)
		take("source", v.Source)
		if !name.MatchString(v.Name) {
			t.Errorf("the name %q cannot be a section and part of a variable", v.Name)
		}
		if v.Title == "" || v.Title != strings.TrimSpace(v.Title) {
			t.Errorf("%s: the title is %q", v.Name, v.Title)
		}
		if !source.MatchString(v.Source) {
			t.Errorf("%s: the source is %q", v.Name, v.Source)
		}
		for _, k := range v.KeyVariables {
			take("variable", k)
			if !variable.MatchString(k) || strings.HasPrefix(k, "PAPERTRADE_") {
				t.Errorf("%s: the variable %q", v.Name, k)
			}
		}
		if u, err := url.Parse(v.DefaultBaseURL); err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil ||
			strings.ContainsAny(v.DefaultBaseURL, "?#") {
			t.Errorf("%s: the base URL is %q", v.Name, v.DefaultBaseURL)
		}
		if len(limitsOf(t, v)) == 0 {
			t.Errorf("%s: there are no rate limits", v.Name)
		}
	}
}

// limitsOf parses the vendor's default limits, each of which is there once.
func limitsOf(t *testing.T, v providers.Vendor) (limits []quota.Limit) {
	t.Helper()
	seen := map[string]bool{}
	for text := range strings.SplitSeq(v.DefaultRateLimits, ",") {
		limit, err := quota.ParseLimit(text)
		if err != nil || seen[text] {
			t.Errorf("%s: the rate limit %q: %v", v.Name, text, err)
		}
		seen[text] = true
		limits = append(limits, limit)
	}
	return limits
}

// What is promised of Alpha Vantage to those who set nothing.
func TestAlphaVantage(t *testing.T) {
	got, ok := providers.Lookup("alphavantage")
	if !ok || got.New == nil {
		t.Fatalf("Lookup = %v, New %p", ok, got.New)
	}
	got.New = nil
	want := providers.Vendor{
		Name: "alphavantage", Title: "Alpha Vantage", Source: "alpha_vantage",
		KeyVariables:   []string{"ALPHAVANTAGE_API_KEY", "ALPHA_VANTAGE_API_KEY"},
		DefaultBaseURL: "https://www.alphavantage.co/query", DefaultRateLimits: "5/1m,500/day",
		Entitlements: []string{"delayed", "realtime"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Lookup (-want +got):\n%s", diff)
	}
	if first := providers.All()[0].Name; first != "alphavantage" {
		t.Errorf("the default vendor is %s", first)
	}
}

func TestLookup(t *testing.T) {
	for _, v := range providers.All() {
		if got, ok := providers.Lookup(v.Name); !ok || got.Name != v.Name {
			t.Errorf("Lookup(%s) = %q, %v", v.Name, got.Name, ok)
		}
	}
	if got, ok := providers.Lookup("Alpha Vantage"); ok {
		t.Errorf("Lookup of what is not a name = %q", got.Name)
	}
}

// ask asks a provider one question about AZN.LON.
func ask(p marketdata.Provider) (marketdata.Bar, error) {
	ticker, err := marketdata.ParseTicker("AZN.LON")
	if err != nil {
		return marketdata.Bar{}, err
	}
	var cheapest marketdata.Capability
	for _, c := range p.Capabilities() {
		if c.Kind != marketdata.MarketDay {
			cheapest = c
			break
		}
	}
	answer, err := p.Ask(context.Background(), marketdata.Question{Capability: cheapest, Tickers: []marketdata.Ticker{ticker}})
	if err != nil {
		return marketdata.Bar{}, err
	}
	if len(answer.Bars) != 1 {
		return marketdata.Bar{}, fmt.Errorf("the answer has %d bars", len(answer.Bars))
	}
	return answer.Bars[0], nil
}

// Every client works with all that it is given.
func TestNew(t *testing.T) {
	for _, v := range providers.All() {
		t.Run(v.Name, func(t *testing.T) {
			pounds, err := marketdata.ParseCurrency("GBP")
			if err != nil {
				t.Fatal(err)
			}
			limiter := newLimiter(t, v)
			var asked []*http.Request
			provider, err := v.New(providers.Options{
				Key: key, BaseURL: "https://vendor.example/base", Limiter: limiter, Timeout: time.Minute,
				Currencies: marketdata.Currencies{".LON": pounds},
				HTTP: &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
					asked = append(asked, r)
					return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(strings.NewReader(answers[v.Name]))}, nil
				})},
			})
			if err != nil {
				t.Fatal(err)
			}
			if provider.Name() != v.Source {
				t.Errorf("the client's source is %q, the vendor's %q", provider.Name(), v.Source)
			}
			bar, err := ask(provider)
			if err != nil {
				t.Fatal(err)
			}
			if got := bar.Close.String() + " " + bar.Currency; got != "250 GBP" {
				t.Errorf("the close is %s, want 250 GBP", got)
			}
			if len(asked) != 1 || limiter.Used().Calls != 1 {
				t.Fatalf("%d requests were sent and %d calls counted, want 1 of each", len(asked), limiter.Used().Calls)
			}
			if u := asked[0].URL; u.Host != "vendor.example" || !strings.HasPrefix(u.Path, "/base") {
				t.Errorf("asked %s", u)
			}
			var sent strings.Builder
			if err := asked[0].Write(&sent); err != nil || !strings.Contains(sent.String(), key) {
				t.Errorf("the request lacks the key: %v", err)
			}
		})
	}
}

func TestNewRefusesABaseURLWithoutTheKey(t *testing.T) {
	for _, v := range providers.All() {
		provider, err := v.New(providers.Options{Key: key, BaseURL: "nowhere"})
		if provider != nil || err == nil || strings.Contains(err.Error(), key) {
			t.Errorf("%s: New = %v, %v", v.Name, provider, err)
		}
	}
}

// A client can be made without a key, to plan, and asks nothing then.
func TestNewWithoutAKey(t *testing.T) {
	for _, v := range providers.All() {
		limiter := newLimiter(t, v)
		provider, err := v.New(providers.Options{BaseURL: v.DefaultBaseURL, Limiter: limiter})
		if err != nil {
			t.Errorf("%s: %v", v.Name, err)
			continue
		}
		if _, err := ask(provider); !errors.Is(err, marketdata.ErrCredentials) || limiter.Used().Calls != 0 {
			t.Errorf("%s: %v after %d calls", v.Name, err, limiter.Used().Calls)
		}
	}
}

// Each entitlement of a vendor is sent, and none unless it is asked for.
func TestEntitlement(t *testing.T) {
	for _, v := range providers.All() {
		for _, entitlement := range append([]string{""}, v.Entitlements...) {
			var sent string
			provider, err := v.New(providers.Options{
				Key: key, BaseURL: v.DefaultBaseURL, Limiter: newLimiter(t, v), Entitlement: entitlement,
				HTTP: &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
					sent = r.URL.Query().Get("entitlement")
					return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(strings.NewReader(answers[v.Name]))}, nil
				})},
			})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := ask(provider); err != nil || sent != entitlement {
				t.Errorf("%s: sent %q, want %q: %v", v.Name, sent, entitlement, err)
			}
		}
	}
}

// A handshake that fails uses nothing of the limits, however often it is tried: no request has left.
func TestAFailedHandshakeCostsNothing(t *testing.T) {
	for _, v := range providers.All() {
		server := httptest.NewUnstartedServer(http.NotFoundHandler())
		server.Config.ErrorLog = log.New(io.Discard, "", 0)
		server.StartTLS()
		t.Cleanup(server.Close)
		limiter := newLimiter(t, v)
		for _, tt := range []struct {
			client *http.Client
			used   int
		}{{&http.Client{}, 0}, {&http.Client{}, 0}, {server.Client(), 1}, {&http.Client{}, 1}} {
			provider, err := v.New(providers.Options{Key: key, BaseURL: server.URL, Limiter: limiter, HTTP: tt.client})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := ask(provider); !errors.Is(err, marketdata.ErrUnavailable) || limiter.Used().Calls != tt.used {
				t.Errorf("%s: %d calls counted, want %d: %v", v.Name, limiter.Used().Calls, tt.used, err)
			}
		}
	}
}

func TestTimeout(t *testing.T) {
	for _, v := range providers.All() {
		t.Run(v.Name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				provider, err := v.New(providers.Options{
					Key: key, BaseURL: v.DefaultBaseURL, Limiter: newLimiter(t, v), Timeout: 7 * time.Second,
					HTTP: &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
						<-r.Context().Done()
						return nil, r.Context().Err()
					})},
				})
				if err != nil {
					t.Fatal(err)
				}
				began := time.Now()
				_, err = ask(provider)
				if took := time.Since(began); !errors.Is(err, marketdata.ErrUnavailable) || took != 7*time.Second {
					t.Errorf("after %s: %v", took, err)
				}
			})
		})
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func newLimiter(t *testing.T, v providers.Vendor) *quota.Limiter {
	t.Helper()
	return quota.NewLimiter(quota.Options{Ledger: &ledger{}, Account: v.Name, Limits: limitsOf(t, v)})
}

// ledger forgets everything: one call is always allowed.
type ledger struct{ mu sync.Mutex }

func (*ledger) Account(context.Context, string) (quota.Account, error) { return quota.Account{}, nil }

func (l *ledger) UpdateAccount(_ context.Context, _ string, _ time.Time, decide func(quota.Account) quota.Change) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	decide(quota.Account{})
	return nil
}

// Whoever wants to know sees each answer as it came, with what was made of it.
func TestOnAnswer(t *testing.T) {
	for _, v := range providers.All() {
		for body, wantErr := range map[string]bool{answers[v.Name]: false, "<html>": true} {
			var got []marketdata.RawAnswer
			provider, err := v.New(providers.Options{
				Key: key, BaseURL: v.DefaultBaseURL, Limiter: newLimiter(t, v),
				OnAnswer: func(raw marketdata.RawAnswer) { got = append(got, raw) },
				HTTP: &http.Client{Transport: roundTripper(func(*http.Request) (*http.Response, error) {
					header := http.Header{"Content-Type": {"text/x"}}
					return &http.Response{StatusCode: http.StatusOK, Header: header, Body: io.NopCloser(strings.NewReader(body))}, nil
				})},
			})
			if err != nil {
				t.Fatal(err)
			}
			_, err = ask(provider)
			if len(got) != 1 || string(got[0].Body) != body || got[0].Status != http.StatusOK || got[0].ContentType != "text/x" ||
				(got[0].Err != nil) != wantErr || (err != nil) != wantErr || (len(got[0].Answer.Bars) == 0) != wantErr {
				t.Errorf("%s: %+v, %v; want the answer %q", v.Name, got, err, body)
			}
		}
	}
}
