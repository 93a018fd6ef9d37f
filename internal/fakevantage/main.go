package fakevantage

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"papertrade/pkg/exchange"
)

// Main is the command fakevantage, which the program in cmd/fakevantage and test scripts run: it
// serves, prints its URL, and ends on SIGINT or SIGTERM, or with --until-eof at the end of stdin. It
// exits with 0, with 1 if it could not serve, or with 2 for wrong usage.
func Main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

type settings struct {
	options          Options
	faults           []fault
	listings         []func(*Server)
	addr             string
	urlFile, logFile string
	untilEOF         bool
}

type fault struct {
	symbol  string
	outcome Outcome
	calls   int
}

func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	set, err := parse(args, stderr)
	if errors.Is(err, flag.ErrHelp) {
		return 0
	}
	if err != nil {
		return 2
	}
	if err := serve(ctx, set, stdin, stdout); err != nil {
		fmt.Fprintln(stderr, "fakevantage:", err)
		return 1
	}
	return 0
}

// parse reads the flags, and writes to stderr what is wrong with them.
func parse(args []string, stderr io.Writer) (settings, error) {
	set := settings{}
	f := flag.NewFlagSet("fakevantage", flag.ContinueOnError)
	f.SetOutput(stderr)
	f.StringVar(&set.addr, "addr", "127.0.0.1:0", "the `address` to listen on")
	f.StringVar(&set.urlFile, "url-file", "", "a `file` to write the URL to once the server listens")
	f.StringVar(&set.logFile, "log", "", "a `file` to append each arrival to, as a line of JSON")
	f.BoolVar(&set.untilEOF, "until-eof", false, "end when stdin does")
	f.BoolVar(&set.options.Entitled, "entitled", false, "keys have the premium functions")
	f.BoolVar(&set.options.EndOfDay, "end-of-day", false, "there is nothing of a session that is under way")
	f.DurationVar(&set.options.Latency, "latency", 0, "how long an answer takes")
	f.Func("limit", "`N/DURATION` or N/day, for each key; repeatable", func(s string) error {
		l, err := ParseLimit(s)
		set.options.Limits = append(set.options.Limits, l)
		return err
	})
	f.Func("style", "the `wording` of refusals for asking too fast: free, note or paid (default free)", func(s string) error {
		set.options.Style = Style(s)
		if s != string(StyleFree) && s != string(StyleNote) && s != string(StylePaid) {
			return errors.New("choose free, note or paid")
		}
		return nil
	})
	f.Func("at", "the `time` at the market in RFC 3339 (default: that of the clock)", func(s string) error {
		at, err := time.Parse(time.RFC3339, s)
		set.options.Now = func() time.Time { return at }
		return err
	})
	f.Func("keys", "the valid `keys`, comma-separated (default: all but demo)", func(s string) error {
		set.options.Keys = strings.Split(s, ",")
		return nil
	})
	f.Func("unknown", "the `symbols` that are not known, comma-separated", func(s string) error {
		set.options.Unknown = strings.Split(s, ",")
		return nil
	})
	f.Func("list", "`SYMBOL=DATE`: the oldest session that there is of SYMBOL; repeatable", func(s string) error {
		symbol, session, err := parseListing(s)
		set.listings = append(set.listings, func(server *Server) { server.List(symbol, session) })
		return err
	})
	f.Func("delist", "`SYMBOL=DATE`: the last session that there is of SYMBOL; repeatable", func(s string) error {
		symbol, session, err := parseListing(s)
		set.listings = append(set.listings, func(server *Server) { server.Delist(symbol, session) })
		return err
	})
	f.Func("lose", "`SYMBOL=DATE`: a session that there is no bar of; repeatable", func(s string) error {
		symbol, session, err := parseListing(s)
		set.listings = append(set.listings, func(server *Server) { server.Lose(symbol, session) })
		return err
	})
	f.Func("spoil", "`SYMBOL=DATE:CLOSE`: a session whose close is CLOSE, like None; repeatable", func(s string) error {
		listing, text, _ := strings.Cut(s, ":")
		symbol, session, err := parseListing(listing)
		set.listings = append(set.listings, func(server *Server) { server.Spoil(symbol, session, text) })
		return err
	})
	f.Func("split", "`SYMBOL=DATE:NEW:OLD[:rewrites]`: a split, after which series are rewritten or stay as traded; repeatable", func(s string) error {
		symbol, split, err := parseSplit(s)
		set.listings = append(set.listings, func(server *Server) { server.Split(symbol, split) })
		return err
	})
	f.Func("fault", "`SYMBOL=KIND[:CALLS]`: how calls for SYMBOL, or for *, end, or the first CALLS of them; repeatable. Kinds: "+strings.Join(faultNames(), ", "), func(s string) error {
		parsed, err := parseFault(s)
		set.faults = append(set.faults, parsed)
		return err
	})
	if err := f.Parse(args); err != nil {
		return settings{}, err
	}
	if f.NArg() > 0 {
		err := fmt.Errorf("unexpected argument %q: fakevantage takes only flags", f.Arg(0))
		fmt.Fprintln(stderr, err)
		return settings{}, err
	}
	return set, nil
}

func parseFault(s string) (fault, error) {
	symbol, kind, _ := strings.Cut(s, "=")
	kind, calls, limited := strings.Cut(kind, ":")
	parsed := fault{symbol: symbol, calls: Always}
	var err error
	if parsed.outcome, err = ParseFault(kind); err != nil {
		return fault{}, err
	}
	if !limited {
		return parsed, nil
	}
	if parsed.calls, err = strconv.Atoi(calls); err != nil || parsed.calls < 1 {
		return fault{}, fmt.Errorf("%q is not a number of calls: write 1 or more", calls)
	}
	return parsed, nil
}

func parseListing(s string) (symbol string, session exchange.Date, err error) {
	symbol, date, _ := strings.Cut(s, "=")
	session, err = exchange.ParseDate(date)
	return symbol, session, err
}

func parseSplit(s string) (symbol string, split Split, err error) {
	parts := strings.Split(s, ":")
	if len(parts) == 4 && parts[3] == "rewrites" {
		split.Rewrites = true
	} else if len(parts) != 3 {
		return "", Split{}, fmt.Errorf("%q is not SYMBOL=DATE:NEW:OLD[:rewrites]", s)
	}
	symbol, split.Session, err = parseListing(parts[0])
	for i, shares := range []*int64{&split.New, &split.Old} {
		n, numberErr := strconv.ParseInt(parts[i+1], 10, 32)
		if numberErr != nil || n < 1 {
			return "", Split{}, fmt.Errorf("%q is not a number of shares: write 1 or more", parts[i+1])
		}
		*shares = n
	}
	return symbol, split, err
}

func serve(ctx context.Context, set settings, stdin io.Reader, stdout io.Writer) error {
	if set.logFile != "" {
		log, err := os.OpenFile(set.logFile, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
		if err != nil {
			return fmt.Errorf("open the log: %w", err)
		}
		defer log.Close()
		set.options.Log = log
	}
	if set.untilEOF {
		ended, cancel := context.WithCancel(ctx)
		ctx = ended
		go func() {
			defer cancel()
			_, _ = io.Copy(io.Discard, stdin)
		}()
	}
	server := New(set.options)
	for _, change := range set.listings {
		change(server)
	}
	for _, f := range set.faults {
		server.Fault(f.symbol, f.outcome, f.calls)
	}
	return server.Serve(ctx, set.addr, func(url string) error {
		if set.urlFile != "" {
			if err := writeAtomically(set.urlFile, url+"\n"); err != nil {
				return fmt.Errorf("write the URL: %w", err)
			}
		}
		_, err := fmt.Fprintln(stdout, url)
		return err
	})
}

// writeAtomically writes the file so that no reader sees only a part of text.
func writeAtomically(path, text string) error {
	part, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	defer os.Remove(part.Name())
	_, err = part.WriteString(text)
	if err := errors.Join(err, part.Close()); err != nil {
		return err
	}
	return os.Rename(part.Name(), path)
}
