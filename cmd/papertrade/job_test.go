package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"papertrade/internal/config"
	"papertrade/internal/providers"
	"papertrade/internal/quota"
	"papertrade/internal/refresh"
	"papertrade/pkg/marketdata"
)

// The job asks the vendor that refresh.provider names, by that vendor's settings.
func TestNewJobTakesTheChosenVendor(t *testing.T) {
	c, err := config.Load(config.Inputs{Environ: []string{"HOME=" + t.TempDir()}})
	if err != nil {
		t.Fatal(err)
	}
	limit, err := quota.ParseLimit("8/1m")
	if err != nil {
		t.Fatal(err)
	}
	type client struct{ marketdata.Provider }
	made := &client{}
	var got providers.Options
	c.Refresh.Provider = "acme"
	c.Vendors = append(c.Vendors, &config.Vendor{
		Vendor: providers.Vendor{Name: "acme", Source: "acme_data", New: func(o providers.Options) (marketdata.Provider, error) {
			got = o
			return made, nil
		}},
		BaseURL: "https://acme.example", RateLimits: []quota.Limit{limit}, Timeout: 7 * time.Second, Attempts: 9,
		Entitlement: "delayed",
	})
	job, err := newJob(c, nil, "k3y", nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(job.Vendors) != 1 {
		t.Fatalf("the job has %d vendors", len(job.Vendors))
	}
	vendor := job.Vendors[0]
	if vendor.Provider != marketdata.Provider(made) || vendor.Attempts != 9 {
		t.Errorf("the job has the provider %T and %d attempts", vendor.Provider, vendor.Attempts)
	}
	if limits := vendor.Limiter.Limits(); len(limits) != 1 || limits[0].String() != "8/1m" {
		t.Errorf("the limits are %v", limits)
	}
	if got.Limiter != vendor.Limiter || got.HTTP == nil || got.Currencies == nil {
		t.Errorf("New has %+v", got)
	}
	got = providers.Options{Key: got.Key, BaseURL: got.BaseURL, Timeout: got.Timeout, Entitlement: got.Entitlement}
	want := providers.Options{Key: "k3y", BaseURL: "https://acme.example", Timeout: 7 * time.Second, Entitlement: "delayed"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("New has (-want +got):\n%s", diff)
	}
}

func TestConclude(t *testing.T) {
	c := loadConfig(t)
	view := func(r refresh.Report) result { return result{plain: []string{string(r.Status)}} }
	stop := errors.New("stopped")
	credentials := fmt.Errorf("fetch IBM: %w", marketdata.ErrCredentials)
	partial := refresh.Report{Status: refresh.Partial, Counts: refresh.Counts{Failed: 1}}
	plan := refresh.Report{Status: refresh.Deferred, DryRun: true}
	tests := []struct {
		name    string
		report  refresh.Report
		stop    error
		quiet   bool
		format  outputFormat
		printed string
		want    string
	}{
		{"no report", refresh.Report{}, stop, false, formatPlain, "", "stopped"},
		{"a report", partial, nil, false, formatPlain, "partial\n", "partly refreshed: 1 of 1 tickers failed"},
		{"quiet", partial, nil, true, "", "", "partly refreshed: 1 of 1 tickers failed"},
		{"quiet, with a format", partial, nil, true, formatPlain, "partial\n", "partly refreshed: 1 of 1 tickers failed"},
		{"a plan is no failure", plan, nil, false, formatPlain, "deferred\n", ""},
		{"a plan that stopped", plan, stop, true, formatPlain, "deferred\n", "stopped"},
		{"the setting to blame", refresh.Report{Status: refresh.Failed}, credentials, true, "", "",
			credentials.Error() + "; correct " + c.KeySetting(c.Provider())},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var out bytes.Buffer
			inv := &invocation{config: c, printer: printer{w: &out, format: tt.format, quiet: tt.quiet}}
			err := conclude(inv, tt.report, tt.stop, view)
			if err == nil && tt.want != "" || err != nil && err.Error() != tt.want {
				t.Errorf("%v, want %q", err, tt.want)
			}
			if out.String() != tt.printed {
				t.Errorf("%q is printed, want %q", out.String(), tt.printed)
			}
		})
	}
	inv := &invocation{config: c, printer: printer{w: brokenWriter{}}}
	err := conclude(inv, partial, stop, func(refresh.Report) result { return result{text: []section{{summary: "done"}}} })
	if err == nil || err.Error() != "stopped\nwrite the result: input/output error" {
		t.Errorf("%v of a report that cannot be written", err)
	}
}

func TestEvaluate(t *testing.T) {
	stop := errors.New("the day's quota is spent")
	report := func(status refresh.Status, refreshed, failed int) refresh.Report {
		return refresh.Report{Status: status, Reason: "the wait is too long", Counts: refresh.Counts{Refreshed: refreshed, Failed: failed}}
	}
	holdsBack := report(refresh.Deferred, 0, 0)
	holdsBack.HoldsBack = true
	tests := []struct {
		name   string
		report refresh.Report
		stop   error
		is     error
		text   string // "" for no error
	}{
		{"succeeded", report(refresh.Succeeded, 5, 0), nil, nil, ""},
		{"not due", report(refresh.NotDue, 0, 0), nil, nil, ""},
		{"partial", report(refresh.Partial, 3, 2), nil, errPartial, "partly refreshed: 2 of 5 tickers failed"},
		{"failed", report(refresh.Failed, 0, 1), nil, errNothing, "nothing could be refreshed: 1 ticker failed"},
		{"failed and stopped", report(refresh.Failed, 0, 1), stop, stop, "the day's quota is spent"},
		{"deferred in part", report(refresh.Deferred, 1, 0), stop, nil, ""},
		{"deferred for the next run", holdsBack, nil, nil, ""},
		{"deferred for the next run and stopped", holdsBack, stop, errQuota, "quota spent before anything could be refreshed: the day's quota is spent"},
		{"deferred and stopped", report(refresh.Deferred, 0, 0), stop, errQuota, "quota spent before anything could be refreshed: the day's quota is spent"},
		{"deferred", report(refresh.Deferred, 0, 0), nil, errQuota, "quota spent before anything could be refreshed: the wait is too long"},
		{"locked", report(refresh.Locked, 0, 0), refresh.ErrLocked, refresh.ErrLocked, refresh.ErrLocked.Error()},
		{"interrupted", report(refresh.Interrupted, 2, 0), context.Canceled, context.Canceled, "context canceled"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := evaluate(tt.report, tt.stop)
			if err == nil && tt.text != "" || err != nil && err.Error() != tt.text || !errors.Is(err, tt.is) {
				t.Errorf("%v, want %q", err, tt.text)
			}
		})
	}
}

func TestWithSetting(t *testing.T) {
	c := loadConfig(t)
	for err, want := range map[error]string{
		marketdata.ErrCredentials: "; correct " + c.KeySetting(c.Provider()),
		marketdata.ErrNotEntitled: "; the key of " + c.KeySetting(c.Provider()) + " has another plan",
		refresh.ErrEndOfDay:       "; if it includes prices of the day, set alphavantage.entitlement to delayed or realtime",
		refresh.ErrLocked:         "",
	} {
		got := withSetting(c, fmt.Errorf("fetch IBM: %w", err))
		if want = "fetch IBM: " + err.Error() + want; got.Error() != want || !errors.Is(got, err) {
			t.Errorf("%q, want %q", got, want)
		}
	}
	if err := withSetting(c, nil); err != nil {
		t.Errorf("%v without an error", err)
	}
}
