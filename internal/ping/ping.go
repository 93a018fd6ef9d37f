// Package ping reports the start and the outcome of runs to a monitor, in the protocol of healthchecks.io.
package ping

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/failsafe-go/failsafe-go"
	"github.com/failsafe-go/failsafe-go/retrypolicy"
)

const (
	timeout        = 10 * time.Second // of a ping: all attempts, and the pauses between them
	maxAttempts    = 3
	attemptTimeout = 3 * time.Second
	firstPause     = 250 * time.Millisecond
	maxResponse    = 1 << 10 // bytes that are read of a response
)

// errUnavailable is a failure that another attempt may not meet.
var errUnavailable = errors.New("unavailable")

// Monitor is where one run reports to.
type Monitor struct {
	url    *url.URL
	client *http.Client
}

// New returns the Monitor of the run with this ID, a UUID. The address is the one that a success is sent to;
// /start and /fail are appended to its path, and its query is kept.
func New(address, runID string, client *http.Client) (*Monitor, error) {
	u, err := url.Parse(address)
	if err != nil {
		return nil, errors.New("the address of the monitor is no URL") // err contains it in clear text
	}
	u.RawQuery = strings.TrimPrefix(u.RawQuery+"&rid="+url.QueryEscape(runID), "&")
	return &Monitor{u, client}, nil
}

// Start reports that the run starts. Errors of a Monitor name only its host: whoever knows the rest can ping.
func (m *Monitor) Start(ctx context.Context) error {
	return m.ping(ctx, m.url.JoinPath("start"), "")
}

// End reports how the run ended: 0 is a success. The body has the exit status of a failure, and the last lines of the log.
func (m *Monitor) End(ctx context.Context, exitStatus int, log string) error {
	if exitStatus == 0 {
		return m.ping(ctx, m.url, lastLines(log, MaxLog))
	}
	headline := fmt.Sprintf("exit status %d\n", exitStatus)
	return m.ping(ctx, m.url.JoinPath("fail"), headline+lastLines(log, MaxLog-len(headline)))
}

// ping sends the request until the monitor answers with a success, at most maxAttempts times.
func (m *Monitor) ping(ctx context.Context, u *url.URL, body string) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	retry := retrypolicy.NewBuilder[any]().
		HandleErrors(errUnavailable).
		WithMaxAttempts(maxAttempts).
		WithBackoff(firstPause, 2*firstPause).
		ReturnLastFailure().
		Build()
	err := failsafe.With(retry).WithContext(ctx).Run(func() error { return m.attempt(ctx, u, body) })
	if err != nil {
		return fmt.Errorf("ping %s: %w", m.url.Host, err)
	}
	return nil
}

func (m *Monitor) attempt(ctx context.Context, u *url.URL, body string) error {
	ctx, cancel := context.WithTimeoutCause(ctx, attemptTimeout, fmt.Errorf("no answer in %s", attemptTimeout))
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, u.String(), strings.NewReader(strings.ToValidUTF8(body, "?")))
	if err != nil {
		return errors.New("the address of the monitor is no URL") // err contains it in clear text
	}
	request.Header.Set("Content-Type", "text/plain; charset=utf-8")
	request.Header.Set("User-Agent", "papertrade")
	response, err := m.client.Do(request)
	var inURL *url.Error
	if errors.As(err, &inURL) {
		err = inURL.Err
	}
	if err != nil {
		return fmt.Errorf("%w: %w", errUnavailable, err)
	}
	defer response.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(response.Body, maxResponse)) // so that the connection can be reused
	switch code := response.StatusCode; {
	case code < http.StatusMultipleChoices:
		return nil
	case code >= http.StatusInternalServerError, code == http.StatusTooManyRequests, code == http.StatusRequestTimeout:
		return fmt.Errorf("%w: %s", errUnavailable, response.Status)
	default:
		return errors.New(response.Status)
	}
}
