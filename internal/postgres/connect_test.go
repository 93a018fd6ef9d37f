package postgres

import (
	"context"
	"errors"
	"net"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"

	"papertrade/internal/refresh"
)

// refusing starts a server that answers everybody with an error, and returns its address.
func refusing(t *testing.T, answer pgproto3.ErrorResponse) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	answer.Severity, answer.SeverityUnlocalized = "FATAL", "FATAL"
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			server := pgproto3.NewBackend(conn, conn)
			if _, err := server.ReceiveStartupMessage(); err == nil {
				server.Send(&answer)
				_ = server.Flush()
			}
			conn.Close()
		}
	}()
	return listener.Addr().String()
}

// An error of connecting is one sentence that begins with its cause, and its kind is that of the cause.
func TestErrorsOfConnecting(t *testing.T) {
	good := cluster.Clone(t, ownTables)
	config, err := pgx.ParseConfig(good)
	if err != nil {
		t.Fatal(err)
	}
	server := strings.Split(strings.Split(good, "@")[1], "/")[0]
	run(t, good, `create role stranger login; create role nologin; revoke connect on database `+config.Database+` from public`)
	defer run(t, good, `drop role stranger, nologin`)
	socket := t.TempDir()
	nowhere := "postgres://owner@" + server + "/nope?sslmode=disable"
	for _, tt := range []struct {
		name, url string
		kind      refresh.StoreError
		want      string
	}{
		{"no database", nowhere, ErrNoDatabase, `there is no database "nope" on the server`},
		{"no role", "postgres://nobody@" + server + "/postgres?sslmode=disable", ErrNoRole,
			`there is no role "nobody" on the server that may log in`},
		{"no login", "postgres://nologin@" + server + "/postgres?sslmode=disable", ErrNoRole,
			`there is no role "nologin" on the server that may log in`},
		{"no privilege", strings.Replace(good, "owner@", "stranger@", 1), refresh.ErrNoPermission,
			`the role "stranger" may not connect to the database "DATABASE": have its owner run ` + "`grant connect on database \"DATABASE\" to \"stranger\"`"},
		{"no password", "postgres://ada@" + refusing(t, pgproto3.ErrorResponse{Code: "28P01", Message: "no"}) + "/db?sslmode=disable", ErrPassword,
			`the server asks the user "ada" for a password, and none is given`},
		{"wrong password", "postgres://ada:secret@" + refusing(t, pgproto3.ErrorResponse{Code: "28P01", Message: "no"}) + "/db?sslmode=disable", ErrPassword,
			`the server refuses the user "ada" with this password`},
		{"no entry", "postgres://ada@" + refusing(t, pgproto3.ErrorResponse{Code: "28000", Message: "no pg_hba.conf entry for host",
			Routine: "ClientAuthentication"}) + "/db?sslmode=disable", refresh.ErrNoPermission,
			`the server's pg_hba.conf admits no such connection: no pg_hba.conf entry for host`},
		{"no user of a pooler", "postgres://ada@" + refusing(t, pgproto3.ErrorResponse{Code: "08P01", Message: "no such user: ada"}) + "/db?sslmode=disable",
			ErrNoRole, `there is no role "ada" on the server that may log in`},
		{"no database of a pooler", "postgres://ada@" + refusing(t, pgproto3.ErrorResponse{Code: "08P01", Message: "no such database: db"}) +
			"/db?sslmode=disable", ErrNoDatabase, `there is no database "db" on the server`},
		{"wrong password for a pooler", "postgres://ada:secret@" + refusing(t, pgproto3.ErrorResponse{Code: "08P01", Message: "SASL authentication failed"}) +
			"/db?sslmode=disable", ErrPassword, `the server refuses the user "ada" with this password`},
		{"a parameter for a pooler", "postgres://ada@" + refusing(t, pgproto3.ErrorResponse{Code: "08P01", Message: "unsupported startup parameter: jit"}) +
			"/db?sslmode=disable", ErrParameter, string(ErrParameter) + `: unsupported startup parameter: jit`},
		{"too many", "postgres://ada@" + refusing(t, pgproto3.ErrorResponse{Code: "53300", Message: "sorry, too many clients already"}) + "/db?sslmode=disable",
			refresh.ErrUnreachable, `the database cannot be reached: the server has no connection left: sorry, too many clients already`},
		{"full", "postgres://ada@" + refusing(t, pgproto3.ErrorResponse{Code: "53100", Message: "could not extend file"}) + "/db?sslmode=disable",
			refresh.ErrNoSpace, `the disk of the database is full: could not extend file`},
		{"starting", "postgres://ada@" + refusing(t, pgproto3.ErrorResponse{Code: "57P03", Message: "the database system is starting up"}) + "/db?sslmode=disable",
			refresh.ErrUnreachable, `the database cannot be reached: the database system is starting up`},
		{"refused", "postgres://ada@127.0.0.1:1/db", refresh.ErrUnreachable, `the database cannot be reached: no server listens at 127.0.0.1:1`},
		{"no socket", "postgres://ada@/db?host=" + socket, refresh.ErrUnreachable,
			`the database cannot be reached: no server has its socket at ` + filepath.Join(socket, ".s.PGSQL.5432")},
		{"no TLS", strings.Replace(good, "sslmode=disable", "sslmode=require", 1), refresh.ErrUnreachable,
			`the database cannot be reached: no connection over TLS as sslmode asks for: server refused TLS connection`},
		{"no TLS, which the URL does not insist on", strings.Replace(nowhere, "sslmode=disable", "sslmode=prefer", 1), ErrNoDatabase,
			`there is no database "nope" on the server`},
		{"a primary in place of a standby", good + "&target_session_attrs=standby", refresh.ErrUnreachable,
			`the database cannot be reached: a server is not of the kind that target_session_attrs asks for: server is not in hot standby mode`},
		{"several hosts", "postgres://ada@127.0.0.1:1,127.0.0.1:2/db?sslmode=disable", refresh.ErrUnreachable,
			`the database cannot be reached: no server listens at 127.0.0.1:1, and no server listens at 127.0.0.1:2; tried 127.0.0.1:1, 127.0.0.1:2`},
		{"several hosts, of which one answers", "postgres://owner@127.0.0.1:1," + server + "/nope?sslmode=disable", ErrNoDatabase,
			`there is no database "nope" on the server, and no server listens at 127.0.0.1:1; tried 127.0.0.1:1, ` + server},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Open(t.Context(), tt.url)
			if err == nil {
				t.Fatal("no error")
			}
			diff(t, err.Error(), "open the database: "+strings.ReplaceAll(tt.want, "DATABASE", config.Database))
			if got := refresh.StoreError(""); !errors.As(err, &got) || got != tt.kind {
				t.Errorf("%q is the kind, want %q", got, tt.kind)
			}
		})
	}
}

// What no test can bring about is known by its type.
func TestCausesOfConnecting(t *testing.T) {
	config := &pgconn.Config{Host: "db.example", Port: 5432}
	dial := func(err error) error {
		return &net.OpError{Op: "dial", Net: "tcp", Addr: &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 5432}, Err: err}
	}
	for _, tt := range []struct {
		err  error
		want string
	}{
		{&net.DNSError{Name: "db.example", IsNotFound: true}, "no host is named db.example"},
		{dial(errors.New("no route to host")), "no connection to 192.0.2.1:5432: no route to host"},
		{dial(context.DeadlineExceeded), "no answer in time from 192.0.2.1:5432"},
		{context.DeadlineExceeded, "no answer in time from db.example:5432"},
	} {
		diff(t, causeOf(tt.err, config).text, tt.want)
	}
}
