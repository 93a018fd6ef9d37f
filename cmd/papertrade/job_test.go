package main

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"papertrade/internal/config"
	"papertrade/internal/providers"
	"papertrade/internal/quota"
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
	})
	job, err := newJob(c, nil, "k3y")
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
	got = providers.Options{Key: got.Key, BaseURL: got.BaseURL, Timeout: got.Timeout}
	if diff := cmp.Diff(providers.Options{Key: "k3y", BaseURL: "https://acme.example", Timeout: 7 * time.Second}, got); diff != "" {
		t.Errorf("New has (-want +got):\n%s", diff)
	}
}
