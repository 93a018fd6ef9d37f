package ping_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"papertrade/internal/ping"
)

const runID = "6f1c7a52-4a0e-4f4e-8d0b-2f1f5a3c9e10"

// request is a request that the monitor received.
type request struct{ Method, URI, Body string }

// serve starts a monitor that answers with these statuses, and repeats the last of them.
func serve(t *testing.T, statuses ...int) (address string, got func() []request) {
	t.Helper()
	var requests []request
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		requests = append(requests, request{r.Method, r.RequestURI, string(body)})
		w.WriteHeader(statuses[min(len(requests), len(statuses))-1])
	}))
	t.Cleanup(server.Close)
	return server.URL, func() []request {
		server.Close() // which waits for requests in flight
		return requests
	}
}

func monitor(t *testing.T, address string, client *http.Client) *ping.Monitor {
	t.Helper()
	m, err := ping.New(address, runID, client)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func noError(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestPings(t *testing.T) {
	for name, tt := range map[string]struct{ path, start, end, fail string }{
		"plain":    {"/uuid", "/uuid/start?rid=" + runID, "/uuid?rid=" + runID, "/uuid/fail?rid=" + runID},
		"slash":    {"/uuid/", "/uuid/start?rid=" + runID, "/uuid/?rid=" + runID, "/uuid/fail?rid=" + runID},
		"query":    {"/key/slug?create=1", "/key/slug/start?create=1&rid=" + runID, "/key/slug?create=1&rid=" + runID, "/key/slug/fail?create=1&rid=" + runID},
		"escaped":  {"/a%2Fb/?x=%20;y", "/a%2Fb/start?x=%20;y&rid=" + runID, "/a%2Fb/?x=%20;y&rid=" + runID, "/a%2Fb/fail?x=%20;y&rid=" + runID},
		"no path":  {"", "/start?rid=" + runID, "/?rid=" + runID, "/fail?rid=" + runID},
		"fragment": {"/uuid#there", "/uuid/start?rid=" + runID, "/uuid?rid=" + runID, "/uuid/fail?rid=" + runID},
	} {
		t.Run(name, func(t *testing.T) {
			address, got := serve(t, http.StatusOK)
			m := monitor(t, address+tt.path, http.DefaultClient)
			noError(t, m.Start(t.Context()))
			noError(t, m.End(t.Context(), 0, "all is well\n"))
			noError(t, m.End(t.Context(), 3, "NVDA failed\n"))
			want := []request{
				{"POST", tt.start, ""}, {"POST", tt.end, "all is well\n"}, {"POST", tt.fail, "exit status 3\nNVDA failed\n"},
			}
			if diff := cmp.Diff(want, got()); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestLogIsCapped(t *testing.T) {
	address, got := serve(t, http.StatusOK)
	m := monitor(t, address, http.DefaultClient)
	log := "the first line \xff\n" + strings.Repeat("a line\n", 20_000) + "the last \xffline\n"
	noError(t, m.End(t.Context(), 0, log))
	noError(t, m.End(t.Context(), 1, log))
	for _, r := range got() {
		if n := len(r.Body); n > ping.MaxLog || n < ping.MaxLog-len("a line\n") || !strings.HasSuffix(r.Body, "a line\nthe last ?line\n") {
			t.Errorf("%d bytes that end with %q", n, r.Body[n-20:])
		}
	}
}

// There are at most three attempts, and an error that is not the server's is not retried.
func TestRetries(t *testing.T) {
	tests := []struct {
		statuses []int
		attempts int
		problem  string
	}{
		{[]int{500, 200}, 2, ""},
		{[]int{503, 429, 204}, 3, ""},
		{[]int{502}, 3, "unavailable: 502 Bad Gateway"},
		{[]int{404}, 1, "404 Not Found"},
	}
	for _, tt := range tests {
		address, got := serve(t, tt.statuses...)
		err := monitor(t, address+"/s3cret", http.DefaultClient).End(t.Context(), 1, "log")
		if tt.problem == "" {
			noError(t, err)
		} else if want := "ping " + strings.TrimPrefix(address, "http://") + ": " + tt.problem; err == nil || err.Error() != want {
			t.Errorf("error %v, want %q", err, want)
		}
		requests := got()
		if len(requests) != tt.attempts {
			t.Errorf("%v: %d attempts, want %d", tt.statuses, len(requests), tt.attempts)
		}
		for _, r := range requests {
			if r.Body != "exit status 1\nlog" {
				t.Errorf("body %q", r.Body)
			}
		}
	}
}

// Nothing listens at the address, and the error does not reveal it.
func TestErrorsNameOnlyTheHost(t *testing.T) {
	address, stop := serve(t, http.StatusOK)
	stop()
	err := monitor(t, address+"/s3cret?token=s3cret", http.DefaultClient).Start(t.Context())
	if err == nil || strings.Contains(err.Error(), "s3cret") || !strings.Contains(err.Error(), "connection refused") {
		t.Errorf("error %v", err)
	}
	if _, err := ping.New("http://bob:s3cret@[::1", runID, http.DefaultClient); err == nil || strings.Contains(err.Error(), "s3cret") {
		t.Errorf("error %v", err)
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// A monitor that never answers costs 10 s, in three attempts, and less if the caller has less time.
func TestMonitorThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		attempts := 0
		m := monitor(t, "https://hc.example/uuid", &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
			attempts++
			<-r.Context().Done()
			return nil, context.Cause(r.Context())
		})})
		start := time.Now()
		err := m.Start(t.Context())
		if took := time.Since(start); attempts != 3 || took < 9*time.Second || took > 10*time.Second {
			t.Errorf("%d attempts took %v, want 3 in 10 s", attempts, took)
		}
		if want := "ping hc.example: unavailable: no answer in 3s"; err == nil || err.Error() != want {
			t.Errorf("error %v, want %q", err, want)
		}

		ctx, cancel := context.WithTimeout(t.Context(), 400*time.Millisecond)
		defer cancel()
		start = time.Now()
		err = m.End(ctx, 143, "")
		if took := time.Since(start); !errors.Is(err, context.DeadlineExceeded) || took != 400*time.Millisecond {
			t.Errorf("it took %v (%v), want 400 ms", took, err)
		}
	})
}
