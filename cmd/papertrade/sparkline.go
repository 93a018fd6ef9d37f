package main

import (
	"math"
	"strconv"
	"strings"
)

// Marks of a sparkline, from the lowest to the highest.
var (
	blocks = []rune("▁▂▃▄▅▆▇█")
	ascii  = []rune(".:-=+*#@")
)

// sparklineMarks returns the marks that the locale can show. If there is none, as in most containers, terminals
// can show all of them.
func sparklineMarks(env environ) []rune {
	for _, name := range []string{"LC_ALL", "LC_CTYPE", "LANG"} {
		locale := strings.ToUpper(env.getenv(name))
		switch {
		case locale == "":
		case strings.Contains(locale, "UTF-8"), strings.Contains(locale, "UTF8"):
			return blocks
		default:
			return ascii
		}
	}
	return blocks
}

// sparkline draws prices as one mark each, from the lowest to the highest of them; "" if there are
// fewer than two.
func sparkline(prices []string, marks []rune) string {
	lowest, highest := math.Inf(1), math.Inf(-1)
	var values []float64
	for _, price := range prices {
		value, err := strconv.ParseFloat(price, 64)
		if err != nil {
			continue
		}
		lowest, highest = min(lowest, value), max(highest, value)
		values = append(values, value)
	}
	if len(values) < 2 {
		return ""
	}
	var line strings.Builder
	for _, value := range values {
		level := len(marks) / 2 // of prices that are all the same
		if highest > lowest {
			level = int(math.Round((value - lowest) / (highest - lowest) * float64(len(marks)-1)))
		}
		line.WriteRune(marks[level])
	}
	return line.String()
}
