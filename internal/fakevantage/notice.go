package fakevantage

import (
	"fmt"
	"time"
)

// Style is how the vendor words a refusal for asking too fast.
type Style string

// The wordings of Throttled.
const (
	StyleFree Style = "free" // an Information about 1 request per second, since December 2025; the default
	StyleNote Style = "note" // a Note about 5 calls per minute and 500 calls per day, before 2024
	// StylePaid is an Information that begins with "Burst pattern detected" for windows under a
	// minute, and with "Minute-level rate limit exceed" for longer ones.
	StylePaid Style = "paid"
)

const (
	premiumPlans = "any of the premium plans at https://www.alphavantage.co/premium/"

	noteThrottled = "Thank you for using Alpha Vantage! Our standard API call frequency is 5 calls per minute and 500 calls per day. " +
		"Please visit https://www.alphavantage.co/premium/ if you would like to target a higher API call frequency."
	freeThrottled = "Thank you for using Alpha Vantage! Please consider spreading out your free API requests more sparingly (1 request per second). " +
		"You may subscribe to " + premiumPlans + " to lift the free key rate limit (%d requests per day), " +
		"raise the per-second burst limit, and instantly unlock all premium endpoints"
	burstThrottled = "Burst pattern detected. Please consider spreading out your API requests more evenly across a 1-minute window " +
		"and query no more than %d requests per second. " + moreVolume
	minuteThrottled = "Minute-level rate limit exceed. Please stay under the number of API requests per minute " +
		"for your premium subscription plan. " + moreVolume
	moreVolume = "Please contact support@alphavantage.co if you are targeting a higher API request volume."

	quotaSpent = "We have detected your API key as %s and our standard API rate limit is %d requests per day. " +
		"Please subscribe to " + premiumPlans + " to instantly remove all daily rate limits."
	keyInvalid = "the parameter apikey is invalid or missing. Please claim your free API key on " +
		"(https://www.alphavantage.co/support/#api-key). It should take less than 20 seconds."
	demoKey = "The **demo** API key is for demo purposes only. Please claim your free API key at " +
		"(https://www.alphavantage.co/support/#api-key) to explore our full API offerings. It takes fewer than 20 seconds."
	premiumEndpoint = "Thank you for using Alpha Vantage! This is a premium endpoint. " +
		"You may subscribe to " + premiumPlans + " to instantly unlock all premium endpoints"
	premiumOutput = "Thank you for using Alpha Vantage! The outputsize=full parameter value is a premium feature for the %s endpoint. " +
		"You may subscribe to " + premiumPlans + " to instantly unlock all premium features"
	invalidCall = "Invalid API call. Please retry or visit the documentation (https://www.alphavantage.co/documentation/) for %s."
	noFunction  = "This API function (%s) does not exist."
	sampleData  = "This is a premium endpoint: the quotes below are artificially generated sample data that only illustrate " +
		"the format of the answer. Please subscribe to " + premiumPlans + " to receive realtime quotes."
)

func information(text string) object  { return object{{"Information", text}} }
func errorMessage(text string) object { return object{{"Error Message", text}} }

// throttled returns the refusal of a call that exceeds l, of a key with so many calls a day.
func (s Style) throttled(l Limit, perDay int) object {
	switch {
	case s == StyleNote:
		return object{{"Note", noteThrottled}}
	case s == StylePaid && l.Window >= time.Minute:
		return information(minuteThrottled)
	case s == StylePaid:
		perSecond := float64(l.Calls) / max(1, l.Window.Seconds())
		return information(fmt.Sprintf(burstThrottled, max(1, int(perSecond))))
	default:
		return information(fmt.Sprintf(freeThrottled, perDay))
	}
}

func keyRefused(key string) object {
	if key == "demo" {
		return information(demoKey)
	}
	return errorMessage(keyInvalid)
}
