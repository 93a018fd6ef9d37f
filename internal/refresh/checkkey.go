package refresh

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"papertrade/internal/quota"
	"papertrade/pkg/marketdata"
)

// wellKnown is a ticker that every vendor has.
var wellKnown = marketdata.MustParseTicker("IBM")

// CheckKey makes one call, for the newest price of a well-known ticker, to see that a vendor answers its key. It counts like any
// other, and what a refusal shows of the key's limits is learned. The error is why there is no price.
func CheckKey(ctx context.Context, v Vendor) (marketdata.Bar, error) {
	bar, err := askWellKnown(ctx, v)
	return bar, errors.Join(err, v.Limiter.Close(ctx))
}

func askWellKnown(ctx context.Context, v Vendor) (marketdata.Bar, error) {
	capabilities := v.Provider.Capabilities()
	i := slices.IndexFunc(capabilities, func(c marketdata.Capability) bool { return c.Kind == marketdata.Quotes })
	if i < 0 {
		return marketdata.Bar{}, fmt.Errorf("%s has no quotes to check a key by", v.Provider.Name())
	}
	asker := newAsker(v, ctx, func(CallThrottled) {}, func(Vendor, []quota.Learned) {})
	answer, err := asker.askOnce(ctx, marketdata.Question{Capability: capabilities[i], Tickers: []marketdata.Ticker{wellKnown}}, wellKnown)
	if err != nil {
		return marketdata.Bar{}, err
	}
	if len(answer.Bars) == 0 {
		return marketdata.Bar{}, fmt.Errorf("ask for %s: %w", wellKnown, cmp.Or(answer.Missing[wellKnown], marketdata.ErrInvalidData))
	}
	return answer.Bars[0], nil
}
