// Command fakevantage serves an Alpha Vantage on loopback; see the package of that name.
package main

import "papertrade/internal/fakevantage"

func main() { fakevantage.Main() }
