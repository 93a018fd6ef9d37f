package alphavantage_test

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"papertrade/internal/fakevantage"
	"papertrade/pkg/alphavantage"
	"papertrade/pkg/marketdata"
)

// listen accepts connections on loopback, and serves each of them until the test ends.
func listen(t *testing.T, serve func(net.Conn)) (address string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				serve(conn)
			}()
		}
	}()
	return listener.Addr().String()
}

// connectProxy is a proxy that answers CONNECT with a status, and opens a tunnel if that is 200.
func connectProxy(t *testing.T, status int) *url.URL {
	t.Helper()
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodConnect || status != http.StatusOK {
			http.Error(w, "refused by the proxy", status)
			return
		}
		tunnel(t.Context(), w, r.Host)
	}))
	t.Cleanup(proxy.Close)
	address, err := url.Parse(proxy.URL)
	if err != nil {
		t.Fatal(err)
	}
	return address
}

func tunnel(ctx context.Context, w http.ResponseWriter, host string) {
	vendor, err := (&net.Dialer{}).DialContext(ctx, "tcp", host)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	defer vendor.Close()
	client, _, err := w.(http.Hijacker).Hijack()
	if err != nil {
		return
	}
	defer client.Close()
	_, _ = io.WriteString(client, "HTTP/1.1 200 Connection established\r\n\r\n")
	go func() { _, _ = io.Copy(vendor, client) }()
	_, _ = io.Copy(client, vendor)
}

// Only a request that may have left for the vendor counts as a call: none does before the proxy has opened the
// connection and the TLS handshake is done.
func TestCallsThatCount(t *testing.T) {
	vendor := fakevantage.New(fakevantage.Options{Now: midnight})
	secure := httptest.NewTLSServer(vendor)
	t.Cleanup(secure.Close)
	cutting := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }))
	t.Cleanup(cutting.Close)
	plain := httptest.NewServer(vendor)
	t.Cleanup(plain.Close)
	silent := listen(t, func(conn net.Conn) { _, _ = io.Copy(io.Discard, conn) })
	closing := listen(t, func(conn net.Conn) { _, _ = conn.Read(make([]byte, 1)) })
	closed := listen(t, func(net.Conn) {})

	trusted := secure.Client().Transport.(*http.Transport).TLSClientConfig
	untrusted := &tls.Config{}
	via := func(address *url.URL) func(*http.Request) (*url.URL, error) { return http.ProxyURL(address) }
	proxyAt := func(scheme, address string) *url.URL { return &url.URL{Scheme: scheme, Host: address} }
	for _, tt := range []struct {
		name    string
		base    string
		config  *tls.Config
		proxy   func(*http.Request) (*url.URL, error)
		reached int
		want    error // nil if the call succeeds
	}{
		{"an answer", secure.URL, trusted, nil, 1, nil},
		{"an answer through a proxy", secure.URL, trusted, via(connectProxy(t, http.StatusOK)), 1, nil},
		{"cut after the request", cutting.URL, trusted, nil, 1, marketdata.ErrUnavailable},
		{"cut after the request, through a proxy", cutting.URL, trusted, via(connectProxy(t, http.StatusOK)), 1, marketdata.ErrUnavailable},
		{"no answer in time", "http://" + silent, nil, nil, 1, marketdata.ErrUnavailable},

		{"a certificate that nobody trusts", secure.URL, untrusted, nil, 0, marketdata.ErrUnavailable},
		{"a certificate of another host", strings.Replace(secure.URL, "127.0.0.1", "localhost", 1), trusted, nil, 0, marketdata.ErrUnavailable},
		{"a version of TLS that the server lacks", secure.URL, &tls.Config{MaxVersion: tls.VersionTLS10, MinVersion: tls.VersionTLS10}, nil, 0, marketdata.ErrUnavailable},
		{"a server without TLS", strings.Replace(plain.URL, "http", "https", 1), untrusted, nil, 0, marketdata.ErrUnavailable},
		{"a handshake that never ends", "https://" + silent, untrusted, nil, 0, marketdata.ErrUnavailable},
		{"a handshake that is cut", "https://" + closing, untrusted, nil, 0, marketdata.ErrUnavailable},
		{"a connection that is cut", "https://" + closed, untrusted, nil, 0, marketdata.ErrUnavailable},

		{"a certificate that nobody trusts, through a proxy", secure.URL, untrusted, via(connectProxy(t, http.StatusOK)), 0, marketdata.ErrUnavailable},
		{"a proxy that wants a password", secure.URL, trusted, via(connectProxy(t, http.StatusProxyAuthRequired)), 0, marketdata.ErrUnavailable},
		{"a proxy that forbids it", secure.URL, trusted, via(connectProxy(t, http.StatusForbidden)), 0, marketdata.ErrUnavailable},
		{"a proxy that does not get through", "https://" + unused(t), trusted, via(connectProxy(t, http.StatusOK)), 0, marketdata.ErrUnavailable},
		{"a proxy that is down", secure.URL, trusted, via(proxyAt("http", unused(t))), 0, marketdata.ErrUnavailable},
		{"a proxy that never answers", secure.URL, trusted, via(proxyAt("http", silent)), 0, marketdata.ErrUnavailable},
		{"a proxy that hangs up", secure.URL, trusted, via(proxyAt("http", closing)), 0, marketdata.ErrUnavailable},
		{"a proxy behind TLS that nobody trusts", secure.URL, untrusted, via(proxyAt("https", strings.TrimPrefix(cutting.URL, "https://"))), 0, marketdata.ErrUnavailable},
		{"a SOCKS proxy that hangs up", secure.URL, trusted, via(proxyAt("socks5", closing)), 0, marketdata.ErrUnavailable},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			limiter, timeout := &counting{}, 30*time.Second
			if strings.Contains(tt.base, silent) || strings.Contains(tt.name, "never answers") {
				timeout = time.Second
			}
			client, err := alphavantage.New(alphavantage.Options{
				Key: key, BaseURL: tt.base + "/query", Limiter: limiter, Timeout: timeout,
				HTTP: &http.Client{Transport: &http.Transport{TLSClientConfig: tt.config, Proxy: tt.proxy}},
			})
			if err != nil {
				t.Fatal(err)
			}
			_, err = quote(t, client, "IBM")
			if !errors.Is(err, tt.want) || limiter.reached != tt.reached {
				t.Errorf("%d calls counted, want %d: %v", limiter.reached, tt.reached, err)
			}
			if err != nil && (strings.Contains(err.Error(), "SECRET") || strings.Contains(err.Error(), "apikey")) {
				t.Errorf("the key is in %q", err)
			}
		})
	}
}

// unused returns an address of loopback where nobody listens.
func unused(t *testing.T) string {
	t.Helper()
	server := httptest.NewServer(http.NotFoundHandler())
	server.Close()
	return server.Listener.Addr().String()
}
