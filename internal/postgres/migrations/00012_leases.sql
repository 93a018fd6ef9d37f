-- +goose Up
-- Who may write under a name, until when by the clock of the database. The token grows by one each time that the lease is
-- taken, so that whoever had it before can tell, and a row stays for ever. holder, {"host": …, "pid": …} and what tells
-- whether that process still is, is null once the lease is given back. The row "commit" is nobody's lease: whoever commits
-- locks it.
create table papertrade.papertrade_leases (
    name text primary key,
    token bigint not null,
    holder json,
    taken_at timestamptz,
    expires_at timestamptz
);
