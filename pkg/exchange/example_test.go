package exchange_test

import (
	"fmt"
	"time"

	"papertrade/pkg/exchange"
)

func ExampleExchange_LastCompleted() {
	saturday := time.Date(2024, time.July, 6, 0, 0, 0, 0, time.UTC)
	s := exchange.XNYS.LastCompleted(saturday)
	fmt.Println(s.Date, "closed at", s.Close.Format(time.RFC3339))
	// Output: 2024-07-05 closed at 2024-07-05T20:00:00Z
}

func ExampleExchange_Session() {
	s, ok := exchange.XNYS.Session(exchange.Date{Year: 2024, Month: time.November, Day: 29})
	fmt.Println(s.Open.Format(time.TimeOnly), s.Close.Format(time.TimeOnly), ok)
	_, ok = exchange.XNYS.Session(exchange.Date{Year: 2024, Month: time.November, Day: 28})
	fmt.Println("Thanksgiving:", ok)
	// Output:
	// 14:30:00 18:00:00 true
	// Thanksgiving: false
}

func ExampleExchange_Sessions() {
	from := exchange.Date{Year: 2024, Month: time.July, Day: 3}
	fmt.Println(exchange.XNYS.Sessions(from, from.AddDays(5)))
	// Output: [2024-07-03 2024-07-05 2024-07-08]
}

func ExampleExchange_IsOpen() {
	at := time.Date(2024, time.May, 6, 9, 0, 0, 0, time.UTC)
	fmt.Println("Frankfurt:", exchange.XETR.IsOpen(at), "London:", exchange.XLON.IsOpen(at))
	// Output: Frankfurt: true London: false
}

func ExampleForSymbol() {
	for _, symbol := range []string{"BRK.B", "TSCO.LON", "VOD.XX"} {
		e, known := exchange.ForSymbol(symbol)
		fmt.Printf("%s %q %t\n", symbol, e.MIC(), known)
	}
	// Output:
	// BRK.B "XNYS" true
	// TSCO.LON "XLON" true
	// VOD.XX "" false
}
