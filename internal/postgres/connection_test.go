package postgres

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/shopspring/decimal"

	"papertrade/internal/refresh"
	"papertrade/pkg/exchange"
	"papertrade/pkg/marketdata"
)

// traffic counts what the store sends: a batch is one round trip, and so is each other query.
type traffic struct{ queries, batches int }

func (n *traffic) TraceQueryStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceQueryStartData) context.Context {
	n.queries++
	return ctx
}

func (n *traffic) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

func (n *traffic) TraceBatchStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceBatchStartData) context.Context {
	n.batches++
	return ctx
}

func (n *traffic) TraceBatchQuery(context.Context, *pgx.Conn, pgx.TraceBatchQueryData) {}

func (n *traffic) TraceBatchEnd(context.Context, *pgx.Conn, pgx.TraceBatchEndData) {}

func TestRoundTrips(t *testing.T) {
	config, err := poolConfig(cluster.Clone(t, ownTables))
	if err != nil {
		t.Fatal(err)
	}
	var sent traffic
	config.ConnConfig.Tracer = &sent
	store, err := open(t.Context(), config, defaultLimits)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	lockRefresh(t, store)

	for _, n := range []int{1, 1000} {
		var tickers []marketdata.Ticker
		var batch refresh.Batch
		for i := range n {
			tickers = append(tickers, marketdata.MustParseTicker(fmt.Sprintf("T%d", i)))
			batch.Prices = append(batch.Prices, refresh.Price{
				Bar:       marketdata.Bar{Ticker: tickers[i], Close: decimal.New(125, -2), Currency: "USD"},
				Timestamp: time.Date(2026, 11, 20, 21, 0, 0, 0, time.UTC),
				Source:    "alpha_vantage", Interval: refresh.IntervalDaily, FetchedAt: time.Now(),
			})
		}
		batch.Run = refresh.RunRecord{ID: "00000000-0000-0000-0000-000000000001", Status: "RUNNING"}

		sent = traffic{}
		if _, err := store.CommitBatch(t.Context(), batch); err != nil {
			t.Fatal(err)
		}
		diff(t, [2]int{sent.queries, sent.batches}, [2]int{2, 1}) // begin, the batch, commit

		sent = traffic{}
		states, err := store.States(t.Context(), tickers)
		if err != nil {
			t.Fatal(err)
		}
		diff(t, [2]int{sent.queries, sent.batches}, [2]int{2, 1}) // begin, the batch, commit
		diff(t, len(states), n)
		diff(t, states[tickers[n-1]].LastSession, exchange.Date{Year: 2026, Month: 11, Day: 20})
	}
}

func TestErrorsHideThePassword(t *testing.T) {
	const secret = "s3cr3t/part2"
	good, err := url.Parse(cluster.Clone(t, ownTables))
	if err != nil {
		t.Fatal(err)
	}
	refused, unreachable, nowhere := *good, *good, *good
	refused.User = url.UserPassword("nobody_of_that_name", secret)
	unreachable.User, unreachable.Host = url.UserPassword("papertrade", secret), "127.0.0.1:1"
	nowhere.User, nowhere.Path = url.UserPassword(good.User.Username(), secret), "/no_database_of_that_name"
	tests := []struct{ name, url, want string }{
		{"not escaped", "postgres://papertrade:" + secret + "@localhost/papertrade", "the database URL cannot be read"},
		{"bad escape", "postgres://papertrade:%zz" + secret + "@localhost/papertrade", "the database URL cannot be read"},
		{"bad parameter", good.String() + "&sslmode=bogus&password=" + secret, "the database URL cannot be read"},
		{"bad value", good.String() + "&connect_timeout=" + secret, "cannot be read: its parameter connect_timeout cannot be used"},
		{"missing file", good.String() + "&sslrootcert=/nowhere/ca.pem&sslmode=verify-full&sslpassword=" + secret,
			"cannot be read: its parameter sslrootcert: open /nowhere/ca.pem: no such file or directory"},
		{"two missing files", good.String() + "&sslcert=/nowhere/cert&sslkey=/nowhere/key&sslmode=require",
			"cannot be read: its parameter sslkey: open /nowhere/key: no such file or directory"},
		{"two bad values", good.String() + "&connect_timeout=soon&channel_binding=x", "its parameter connect_timeout cannot be used"},
		{"no such service", good.String() + "&servicefile=/dev/null&service=" + secret, "cannot be read: its parameter service cannot be used"},
		{"refused", refused.String(), `there is no role "nobody_of_that_name"`},
		{"unreachable", unreachable.String(), "the database cannot be reached"},
		{"unknown database", nowhere.String(), `there is no database "no_database_of_that_name"`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, openErr := Open(t.Context(), test.url)
			_, migrateErr := Migrate(t.Context(), test.url)
			for _, err := range []error{openErr, migrateErr} {
				if err == nil || !strings.Contains(err.Error(), test.want) {
					t.Errorf("error %v, want one with %q", err, test.want)
				} else if strings.Contains(err.Error(), "s3cr3t") || strings.Contains(err.Error(), "part2") {
					t.Errorf("the error shows the password: %v", err)
				}
			}
		})
	}
}

func TestOpenIsInterruptible(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Open(ctx, cluster.Clone(t, ownTables)); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want context.Canceled", err)
	}
}

// Of several servers one that can be written to is chosen, unless the URL says otherwise.
func TestSeveralHosts(t *testing.T) {
	for address, want := range map[string]bool{
		"postgres://h/db":                                   false,
		"postgres://h/db?sslmode=prefer":                    false, // which are two ways to the same server
		"postgres://h,i/db":                                 true,
		"postgres://h:1,h:2/db?sslmode=disable":             true,
		"postgres:///db?host=/run/a,/run/b":                 true,
		"postgres://h,i/db?target_session_attrs=any":        false,
		"postgres://h,i/db?target_session_attrs=read-write": true,
	} {
		config, err := poolConfig(address)
		if err != nil {
			t.Fatal(err)
		}
		if got := config.ConnConfig.ValidateConnect != nil; got != want {
			t.Errorf("%s: the server is looked at: %t, want %t", address, got, want)
		}
	}
}

// No connection is made but by its use, whatever the URL says.
func TestConnectionsAreMadeByUse(t *testing.T) {
	config, err := poolConfig("postgres://h/db?pool_min_conns=2&pool_min_idle_conns=2")
	if err != nil {
		t.Fatal(err)
	}
	diff(t, [2]int32{config.MinConns, config.MinIdleConns}, [2]int32{})
}
