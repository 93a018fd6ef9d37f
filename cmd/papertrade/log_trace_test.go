package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"papertrade/internal/config"
	"papertrade/pkg/alphavantage"
	"papertrade/pkg/marketdata"
)

// admitting is a limiter that admits every call.
type admitting struct{}

func (admitting) Wait(context.Context, int) (func(bool), error) { return func(bool) {}, nil }

// loggedAnswer returns what is logged of an answer at a level, as JSON or for people.
func loggedAnswer(t *testing.T, key, level, format, body string) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(body))
	}))
	defer server.Close()
	c, err := config.Load(config.Inputs{Environ: []string{
		"HOME=" + t.TempDir(), "ALPHAVANTAGE_API_KEY=" + key, "PAPERTRADE_LOG_LEVEL=" + level, "PAPERTRADE_LOG_FORMAT=" + format,
	}})
	if err != nil {
		t.Fatal(err)
	}
	var stderr bytes.Buffer
	log := newLogger(environ{stderr: &stderr}, c, false)
	client, err := alphavantage.New(alphavantage.Options{
		Key: key, BaseURL: server.URL, HTTP: server.Client(), Limiter: admitting{}, OnAnswer: log.onAnswer(),
	})
	if err != nil {
		t.Fatal(err)
	}
	_, _ = client.Ask(t.Context(), marketdata.Question{
		Capability: client.Capabilities()[0], Tickers: []marketdata.Ticker{marketdata.MustParseTicker("AAPL")},
	})
	return stderr.String()
}

// Whatever form a vendor repeats the key in, and wherever an answer is cut, no level shows it.
func TestNoLevelShowsTheKey(t *testing.T) {
	const key = `S3CR&T/k+y"9`
	quoted, err := json.Marshal(key)
	if err != nil {
		t.Fatal(err)
	}
	inJSON := string(quoted[1 : len(quoted)-1])
	forms := []string{key, url.QueryEscape(key), url.PathEscape(key), inJSON, strings.ReplaceAll(key, `"`, `\"`)}
	notice := func(text string) string {
		return fmt.Sprintf(`{"Information": "We have detected your API key as %s (25 requests per day)"}`, text)
	}
	for _, level := range []string{"debug", "trace"} {
		for _, format := range []string{"json", "console"} {
			for _, form := range forms[1:] {
				bodies := map[string]string{
					"a notice": notice(form),
					"a page":   "<html>" + form + "</html>",
					"cut":      strings.Repeat("x", maxLoggedBody-len(form)/2) + form,
				}
				for name, body := range bodies {
					got := loggedAnswer(t, key, level, format, body)
					if !strings.Contains(got, "GLOBAL_QUOTE") || strings.Contains(got, "xxx") != (level == "trace" && name == "cut") {
						t.Errorf("%s of %s at %s: %.200s", name, form, level, got)
					}
					for _, secret := range append(forms, "S3CR", "k+y", "k%2By") {
						if strings.Contains(got, secret) {
							t.Errorf("%s as %s at %s shows %s: %.2000s", name, format, level, secret, got)
						}
					}
				}
			}
		}
	}
}

func TestAnswersOfALevel(t *testing.T) {
	const body = `{"Global Quote": {"01. symbol": "AAPL", "05. price": "271.4900", "07. latest trading day": "2026-11-20"}}`
	for level, want := range map[string][]string{
		"info":  nil,
		"debug": {`"kind":"quote","http_status":200,"content_type":"application/json","bytes":105,"bars":1,`},
		"trace": {`"kind":"quote"`, `"body":"{\"Global Quote\": {\"01. symbol\": \"AAPL\",`},
	} {
		got := loggedAnswer(t, "anykey", level, "json", body)
		for _, text := range want {
			if !strings.Contains(got, text) {
				t.Errorf("%s: %q lacks %q", level, got, text)
			}
		}
		if want == nil && got != "" || level == "debug" && strings.Contains(got, "271.49") {
			t.Errorf("%s: %q is more than is asked for", level, got)
		}
	}
	for answer, want := range map[string]string{
		`{"Global Quote": {}}`: "unknown_ticker", `<html>`: "unavailable", `{"Note": "5 calls per minute"}`: "throttled",
		`{"Global Quote": {"01. symbol": "AAPL", "05. price": "None", "07. latest trading day": "2026-11-20"}}`: "invalid_data",
	} {
		if got := loggedAnswer(t, "anykey", "debug", "json", answer); !strings.Contains(got, `"kind":"`+want+`"`) {
			t.Errorf("%s: %q is not of kind %s", answer, got, want)
		}
	}
	long := strings.Repeat("é", maxLoggedBody)
	if got := loggedAnswer(t, "anykey", "trace", "json", long); len(got) > maxLoggedBody+2000 || strings.Contains(got, "\ufffd") {
		t.Errorf("an answer of %d bytes makes %d bytes of log", len(long), len(got))
	}
}
