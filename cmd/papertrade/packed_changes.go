package main

import (
	"iter"

	"papertrade/internal/refresh"
	"papertrade/pkg/marketdata"
)

// packedChanges are what the lines of a file ask for. A slice of changes would take a multiple of the memory, which for a long
// file is what counts.
type packedChanges struct {
	symbols    []byte  // of all, one after the other
	ends       []int   // of each in symbols
	priorities []uint8 // 0 if its line has none
	lines      []int
}

func (p *packedChanges) add(line int, change refresh.WatchlistChange) {
	p.symbols = append(p.symbols, change.Ticker.String()...)
	p.ends = append(p.ends, len(p.symbols))
	var priority uint8
	if change.Priority != nil {
		priority = uint8(*change.Priority)
	}
	p.priorities = append(p.priorities, priority)
	p.lines = append(p.lines, line)
}

func (p *packedChanges) len() int { return len(p.ends) }

func (p *packedChanges) symbol(i int) []byte {
	start := 0
	if i > 0 {
		start = p.ends[i-1]
	}
	return p.symbols[start:p.ends[i]]
}

// all returns the changes in the order of their lines.
func (p *packedChanges) all() iter.Seq[refresh.WatchlistChange] {
	return func(yield func(refresh.WatchlistChange) bool) {
		for i := range p.ends {
			change := refresh.WatchlistChange{Ticker: marketdata.MustParseTicker(string(p.symbol(i)))}
			if p.priorities[i] > 0 {
				change.Priority = new(int(p.priorities[i]))
			}
			if !yield(change) {
				return
			}
		}
	}
}
