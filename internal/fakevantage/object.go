package fakevantage

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// object is a JSON object whose fields keep their order. A value is a string, an object or a list of
// objects.
type object []field

type field struct {
	name  string
	value any
}

// MarshalJSON writes the fields in their order.
func (o object) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, f := range o {
		if i > 0 {
			b.WriteByte(',')
		}
		name, err := json.Marshal(f.name)
		if err != nil {
			return nil, fmt.Errorf("field %q: %w", f.name, err)
		}
		value, err := json.Marshal(f.value)
		if err != nil {
			return nil, fmt.Errorf("field %q: %w", f.name, err)
		}
		b.Write(name)
		b.WriteByte(':')
		b.Write(value)
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// indented returns the object as JSON, as the vendor sends it.
func (o object) indented() []byte {
	text, err := json.MarshalIndent(o, "", "    ")
	if err != nil {
		panic(fmt.Sprintf("fakevantage: write an answer: %v", err))
	}
	return text
}

var spoiledPrices = map[Outcome]string{
	NonePrice: "None", DashPrice: "-", EmptyPrice: "", ZeroPrice: "0.0000", NegativePrice: "-1.0000",
}

// spoil damages the data of o as fault says. The field named price holds its price.
func (o object) spoil(fault Outcome, price string) object {
	if fault == MissingPrice {
		return slices.DeleteFunc(o, func(f field) bool { return f.name == price })
	}
	value, ok := spoiledPrices[fault]
	for i, f := range o {
		switch {
		case f.name == price && ok:
			o[i].value = value
		case f.name != price && fault == PriceOnly && !identifies(f.name):
			o[i].value = "None"
		}
	}
	return o
}

func identifies(field string) bool {
	return strings.HasSuffix(field, "symbol") || strings.HasSuffix(field, "day") || field == "timestamp"
}
