package postgres

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"papertrade/internal/refresh"
)

// The causes of a connection that does not come about, which no second attempt would find gone.
const (
	ErrNoDatabase refresh.StoreError = "there is no such database"
	ErrNoRole     refresh.StoreError = "there is no such role"
	ErrPassword   refresh.StoreError = "the password is wrong"
)

// connectError is why no connection has come about, in words that begin with the true cause.
type connectError struct {
	kind    refresh.StoreError
	message string
	err     error
}

func (e *connectError) Error() string { return e.message }

func (e *connectError) Unwrap() []error { return []error{e.kind, e.err} }

// cause is one of the causes of an error.
type cause struct {
	kind refresh.StoreError
	// rank is low for what comes late in the making of a connection: a server that answers knows more than one that does not.
	rank int
	text string
}

// translateConnect returns an error of the driver about a connection by its cause. Each address that a URL names has one: the first is
// that of the server that came farthest. Several addresses are all said.
func translateConnect(err *pgconn.ConnectError) error {
	failed := attempts(err.Unwrap())
	if plain := slices.DeleteFunc(slices.Clone(failed), isOfTLS); len(plain) > 0 && allowsPlain(err.Config) {
		failed = plain // a server without TLS is none that the URL excludes
	}
	var causes []cause
	for _, attempt := range failed {
		if c := causeOf(attempt, err.Config); !slices.Contains(causes, c) {
			causes = append(causes, c)
		}
	}
	slices.SortStableFunc(causes, func(a, b cause) int { return cmp.Compare(a.rank, b.rank) })
	texts := make([]string, len(causes))
	for i, c := range causes {
		texts[i] = c.text
	}
	message := strings.Join(texts, ", and ")
	if causes[0].kind == refresh.ErrUnreachable {
		message = refresh.ErrUnreachable.Error() + ": " + message
	}
	if tried := addresses(err.Config); len(tried) > 1 {
		message += "; tried " + strings.Join(tried, ", ")
	}
	return &connectError{causes[0].kind, message, err}
}

// allowsPlain reports whether a connection without TLS will do, as it does by default.
func allowsPlain(config *pgconn.Config) bool {
	return config.TLSConfig == nil ||
		slices.ContainsFunc(config.Fallbacks, func(f *pgconn.FallbackConfig) bool { return f.TLSConfig == nil })
}

// attempts returns the errors that have been joined to one.
func attempts(err error) []error {
	var joined interface{ Unwrap() []error }
	if !errors.As(err, &joined) || len(joined.Unwrap()) == 0 {
		return []error{err}
	}
	var all []error
	for _, one := range joined.Unwrap() {
		all = append(all, attempts(one)...)
	}
	return all
}

// addresses returns where a connection was looked for, each once: over TLS and without is one.
func addresses(config *pgconn.Config) []string {
	all := []string{address(config.Host, config.Port)}
	for _, other := range config.Fallbacks {
		if a := address(other.Host, other.Port); !slices.Contains(all, a) {
			all = append(all, a)
		}
	}
	return all
}

func address(host string, port uint16) string {
	if filepath.IsAbs(host) {
		return fmt.Sprintf("%s/.s.PGSQL.%d", host, port)
	}
	return net.JoinHostPort(host, fmt.Sprint(port))
}

// The ranks of causes.
const (
	answered = iota
	unfit
	dialed
)

func causeOf(err error, config *pgconn.Config) cause {
	var answer *pgconn.PgError
	var unknown *net.DNSError
	var dial *net.OpError
	switch {
	case errors.As(err, &answer):
		kind, text := causeOfAnswer(answer, config)
		return cause{kind, answered, text}
	case isOfOtherKind(err):
		return cause{refresh.ErrUnreachable, unfit, "a server is not of the kind that target_session_attrs asks for: " + innermost(err).Error()}
	case isOfTLS(err):
		return cause{refresh.ErrUnreachable, unfit, "no connection over TLS as sslmode asks for: " + innermost(err).Error()}
	case errors.As(err, &unknown) && unknown.IsNotFound:
		return cause{refresh.ErrUnreachable, dialed, "no host is named " + unknown.Name}
	case errors.As(err, &dial) && dial.Addr != nil:
		return cause{refresh.ErrUnreachable, dialed, causeOfDial(dial)}
	case errors.Is(err, context.DeadlineExceeded):
		return cause{refresh.ErrUnreachable, dialed, "no answer in time from " + strings.Join(addresses(config), ", ")}
	default:
		return cause{refresh.ErrUnreachable, unfit, err.Error()}
	}
}

// isOfTLS reports whether a server has no TLS, or not as the URL asks for.
func isOfTLS(err error) bool {
	return errors.As(err, new(*tls.CertificateVerificationError)) || strings.Contains(err.Error(), "TLS")
}

// isOfOtherKind reports whether a server has been reached that the URL does not ask for, such as a standby in place of the primary.
func isOfOtherKind(err error) bool {
	return errors.Is(err, pgconn.ErrReadOnlyConnection) || errors.Is(err, pgconn.ErrReadWriteConnection) ||
		errors.Is(err, pgconn.ErrPrimaryConnection) || errors.Is(err, pgconn.ErrStandbyConnection)
}

// innermost returns what an error wraps at last.
func innermost(err error) error {
	for inner := errors.Unwrap(err); inner != nil; inner = errors.Unwrap(err) {
		err = inner
	}
	return err
}

func causeOfDial(err *net.OpError) string {
	isSocket := err.Addr.Network() == "unix"
	switch {
	case isSocket && errors.Is(err, fs.ErrNotExist):
		return fmt.Sprintf("no server has its socket at %s", err.Addr)
	case isSocket && errors.Is(err, fs.ErrPermission):
		return fmt.Sprintf("permission for the socket %s is denied", err.Addr)
	case errors.Is(err, syscall.ECONNREFUSED):
		return fmt.Sprintf("no server listens at %s", err.Addr)
	case err.Timeout():
		return fmt.Sprintf("no answer in time from %s", err.Addr)
	default:
		return fmt.Sprintf("no connection to %s: %v", err.Addr, innermost(err))
	}
}

// causeOfAnswer returns what the answer of a server means that admits nobody.
func causeOfAnswer(answer *pgconn.PgError, config *pgconn.Config) (kind refresh.StoreError, text string) {
	const (
		noDatabase    = "3D000"
		wrongPassword = "28P01"
		noEntry       = "28000"
		noPrivilege   = "42501"
		tooMany       = "53300"
	)
	const roleCheck = "InitializeSessionUserId" // the server's routine, since whom pg_hba.conf refuses has the same code
	switch refusal := ofPooler(answer); {
	case refusal == ErrNoDatabase, answer.Code == noDatabase:
		return ErrNoDatabase, fmt.Sprintf("there is no database %q on the server", config.Database)
	case (refusal == ErrPassword || answer.Code == wrongPassword) && config.Password == "":
		return ErrPassword, fmt.Sprintf("the server asks the user %q for a password, and none is given", config.User)
	case refusal == ErrPassword, answer.Code == wrongPassword:
		return ErrPassword, fmt.Sprintf("the server refuses the user %q with this password", config.User)
	case refusal == ErrNoRole, answer.Code == noEntry && answer.Routine == roleCheck:
		return ErrNoRole, fmt.Sprintf("there is no role %q on the server that may log in", config.User)
	case answer.Code == noEntry:
		return refresh.ErrNoPermission, "the server's pg_hba.conf admits no such connection: " + answer.Message
	case refusal != "":
		return refusal, refusal.Error() + ": " + answer.Message
	case answer.Code == noPrivilege:
		grant := fmt.Sprintf("grant connect on database %s to %s",
			pgx.Identifier{config.Database}.Sanitize(), pgx.Identifier{config.User}.Sanitize())
		return refresh.ErrNoPermission, fmt.Sprintf("the role %q may not connect to the database %q: have its owner run `%s`",
			config.User, config.Database, grant)
	case answer.Code == tooMany:
		return refresh.ErrUnreachable, "the server has no connection left: " + answer.Message
	case ofCode[answer.Code] == refresh.ErrNoSpace:
		return refresh.ErrNoSpace, refresh.ErrNoSpace.Error() + ": " + answer.Message
	default:
		return refresh.ErrUnreachable, answer.Message
	}
}
