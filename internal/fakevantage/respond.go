package fakevantage

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"strconv"
	"strings"
	"sync"
	"testing/iotest"
	"time"
)

// hugeBody is longer than a client should read.
const hugeBody = 2 << 20

// defaultDailyLimit is the limit that refusals name for a key without a daily limit.
const defaultDailyLimit = 25

// respond sends the answer to a call, or fails to as its outcome says.
func (s *Server) respond(w http.ResponseWriter, r *http.Request, c call) {
	header := w.Header()
	switch c.outcome {
	case ServerError:
		http.Error(w, "Internal Server Error", http.StatusInternalServerError)
		return
	case Unavailable:
		header.Set("Retry-After", seconds(max(time.Second, s.options.RetryAfter)))
		http.Error(w, "Service Unavailable", http.StatusServiceUnavailable)
		return
	case Redirect:
		http.Redirect(w, r, elsewhere(r), http.StatusFound)
		return
	case Forbidden:
		w.WriteHeader(http.StatusForbidden)
		io.WriteString(w, "<!DOCTYPE html><html><body><h1>Blocked by the firewall</h1></body></html>\n")
		return
	case Hang:
		<-r.Context().Done()
		return
	case Drip:
		drip(w, r)
		return
	case Bomb:
		header.Set("Content-Type", "application/json")
		header.Set("Content-Encoding", "gzip")
		w.Write(bomb())
		return
	case Garbage:
		w.Write([]byte("\x89PNG\r\n\x1a\n\x00\xff\xfe{\"Global Quote\": \x00}"))
		return
	case HTMLBody:
		header.Set("Content-Type", "text/html; charset=utf-8")
		io.WriteString(w, "<!DOCTYPE html><html><body><h1>Sorry, something went wrong</h1></body></html>\n")
		return
	case Throttled:
		if s.options.RetryAfter > 0 {
			header.Set("Retry-After", seconds(s.options.RetryAfter))
		}
	}
	contentType, body := s.body(c)
	header.Set("Content-Type", contentType)
	switch c.outcome {
	case CutConnection:
		header.Set("Content-Length", strconv.Itoa(len(body)))
		w.Write(body[:len(body)/2])
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	case TruncatedJSON:
		body = body[:len(body)/2]
	case HugeBody:
		body = append(bytes.Repeat([]byte(" "), hugeBody), body...)
	}
	w.Write(body)
}

// drip sends blanks before an answer that never comes.
func drip(w http.ResponseWriter, r *http.Request) {
	each := time.NewTicker(20 * time.Millisecond)
	defer each.Stop()
	for {
		select {
		case <-r.Context().Done():
			return
		case <-each.C:
			io.WriteString(w, " ")
			w.(http.Flusher).Flush()
		}
	}
}

// bomb returns blanks that are packed a thousandfold.
var bomb = sync.OnceValue(func() []byte {
	const size = 64 << 20
	var packed bytes.Buffer
	writer := gzip.NewWriter(&packed)
	_, _ = writer.Write(bytes.Repeat([]byte(" "), size)) // to memory
	_ = writer.Close()
	return packed.Bytes()
})

func seconds(d time.Duration) string { return strconv.Itoa(int(d.Seconds())) }

// elsewhere returns the URL of a request under another name of its host, if there is one: a client that
// follows it calls the server again, with its key.
func elsewhere(r *http.Request) string {
	host, port, err := net.SplitHostPort(r.Host)
	switch {
	case err == nil && host == "127.0.0.1":
		host = net.JoinHostPort("localhost", port)
	case err == nil && host == "localhost":
		host = net.JoinHostPort("127.0.0.1", port)
	default:
		host = "elsewhere.invalid"
	}
	return "http://" + host + r.URL.RequestURI()
}

// body returns the body of the answer to a call.
func (s *Server) body(c call) (contentType string, body []byte) {
	answer := s.answer(c)
	if c.csv && len(answer) == 2 && strings.HasPrefix(c.function, seriesDaily) {
		return "application/x-download", []byte(seriesCSV(answer[1].value.(object), c.function == seriesAdjusted))
	}
	return "application/json", answer.indented()
}

func (s *Server) answer(c call) object {
	switch c.outcome {
	case Credentials:
		return keyRefused(c.key)
	case Throttled:
		return s.options.Style.throttled(c.exceeded, s.dailyLimit(c))
	case QuotaSpent:
		return information(fmt.Sprintf(quotaSpent, c.key, s.dailyLimit(c)))
	case Premium:
		if c.function == seriesDaily && c.full {
			return information(fmt.Sprintf(premiumOutput, c.function))
		}
		return information(premiumEndpoint)
	case BadCall:
		return errorMessage(fmt.Sprintf(invalidCall, c.function))
	case NoFunction:
		return errorMessage(fmt.Sprintf(noFunction, c.function))
	case HostileNotice:
		return errorMessage(fmt.Sprintf(invalidCall, hostile(c.key)))
	case EmptyObject:
		return object{}
	}
	if c.function == bulkQuotes {
		return bulk(c)
	}
	h, known := history{}, false
	if len(c.symbols) > 0 {
		h, known = c.histories[c.symbols[0]]
	}
	if c.outcome == OtherSymbol {
		h.symbol = "M"
	}
	switch {
	case c.outcome == HostilePrice && known:
		return object{{"Global Quote", object{
			{"01. symbol", h.symbol}, {"05. price", hostile(c.key)}, {"07. latest trading day", h.newest().String()},
		}}}
	case c.function == globalQuote && known:
		return quoteAnswer(h, c.faults[h.symbol])
	case c.function == globalQuote:
		return object{{"Global Quote", object{}}}
	case c.function == splitTable && known:
		return splitsAnswer(h)
	case known:
		return seriesAnswer(h, c.function == seriesAdjusted, c.full, c.faults[h.symbol])
	default:
		return errorMessage(fmt.Sprintf(invalidCall, c.function))
	}
}

// hostile returns a text with the key, whole and in pieces that are put together when what cannot be seen is left out,
// around characters that terminals obey, that turn the direction of a line, and that databases refuse.
func hostile(key string) string {
	half := len(key) / 2
	percent, entities := "", ""
	for _, b := range []byte(key) {
		percent += fmt.Sprintf("%%%02x", b)
		entities += fmt.Sprintf("&#x%X;", b)
	}
	return strings.Join([]string{
		"=key", key, strings.ToLower(key), percent, entities, key[:half] + "\x00" + key[half:], key[:half] + "\a" + key[half:],
		"\x1b[31mred\x1b]0;title\a", "\u009b2J", "\u202egnp.exe\u2066", "\r\n\tend\x7f",
	}, " ")
}

// dailyLimit returns the daily limit that the answer names.
func (s *Server) dailyLimit(c call) int {
	for _, l := range append([]Limit{c.exceeded}, s.options.Limits...) {
		if l.Calls > 0 && l.Window == 0 {
			return l.Calls
		}
	}
	return defaultDailyLimit
}

// bulk returns an answer with a row for each symbol that is known and listed in the United States.
func bulk(c call) object {
	rows := []object{}
	for _, symbol := range c.symbols {
		h, known := c.histories[symbol]
		if !known || !inUS(symbol) {
			continue
		}
		if c.outcome == Sample {
			h.walk = newWalk("sample of " + symbol)
		}
		rows = append(rows, bulkRow(h, c.faults[symbol]))
	}
	if c.outcome == Sample {
		return bulkAnswer(sampleData, rows)
	}
	return bulkAnswer("success", rows)
}

// RoundTrip answers a request without a network, as in a testing/synctest bubble.
func (s *Server) RoundTrip(r *http.Request) (*http.Response, error) {
	inbound := r.Clone(r.Context())
	if inbound.Host == "" {
		inbound.Host = r.URL.Host
	}
	if trace := httptrace.ContextClientTrace(r.Context()); trace != nil && trace.WroteRequest != nil {
		trace.WroteRequest(httptrace.WroteRequestInfo{})
	}
	recorder := httptest.NewRecorder()
	cut := s.serveOrAbort(recorder, inbound)
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	response := recorder.Result()
	response.Request = r
	if cut {
		response.Body = io.NopCloser(io.MultiReader(response.Body, iotest.ErrReader(io.ErrUnexpectedEOF)))
	}
	return response, nil
}

// serveOrAbort reports whether the handler cut the connection.
func (s *Server) serveOrAbort(w http.ResponseWriter, r *http.Request) (cut bool) {
	defer func() {
		p := recover()
		if err, ok := p.(error); ok && errors.Is(err, http.ErrAbortHandler) {
			cut = true
		} else if p != nil {
			panic(p)
		}
	}()
	s.ServeHTTP(w, r)
	return false
}
