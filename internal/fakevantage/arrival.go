package fakevantage

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"
)

// Arrival is a call as the server received it.
type Arrival struct {
	Time       time.Time `json:"time"` // by the real clock
	Function   string    `json:"function"`
	Symbols    []string  `json:"symbols"`
	OutputSize string    `json:"outputsize,omitempty"` // as asked for
	Key        string    `json:"key"`                  // its Fingerprint; "" if there was none
	Outcome    Outcome   `json:"outcome"`
}

// Fingerprint returns an identifier of an API key that does not reveal it.
func Fingerprint(key string) string {
	if key == "" {
		return ""
	}
	sum := sha256.Sum256([]byte(key))
	return hex.EncodeToString(sum[:4])
}

// ReadArrivals reads what a Server wrote to Options.Log.
func ReadArrivals(r io.Reader) ([]Arrival, error) {
	var arrivals []Arrival
	for d := json.NewDecoder(r); ; {
		var a Arrival
		err := d.Decode(&a)
		if errors.Is(err, io.EOF) {
			return arrivals, nil
		}
		if err != nil {
			return nil, fmt.Errorf("read arrival %d: %w", len(arrivals)+1, err)
		}
		arrivals = append(arrivals, a)
	}
}

// MaxInWindow returns the largest number of arrivals, in whatever order, that lie in one window of the
// length d, wherever it starts. Two arrivals exactly d apart do not share a window.
func MaxInWindow(arrivals []Arrival, d time.Duration) int {
	sorted := slices.SortedFunc(slices.Values(arrivals), func(a, b Arrival) int { return a.Time.Compare(b.Time) })
	maxCount, first := 0, 0
	for i, a := range sorted {
		for first < i && a.Time.Sub(sorted[first].Time) >= d {
			first++
		}
		maxCount = max(maxCount, i-first+1)
	}
	return maxCount
}
