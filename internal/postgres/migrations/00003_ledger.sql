-- +goose Up
create table papertrade_accounts (
    account    varchar(100) primary key,
    held_until timestamptz,
    call_ms    bigint
);
create table papertrade_calls (
    id         uuid         primary key,
    account    varchar(100) not null,
    from_time  timestamptz  not null,
    until_time timestamptz  not null
);
create index ix_papertrade_calls_account_until_time on papertrade_calls (account, until_time);

alter table papertrade_ticker_states
    alter column checked_at drop not null,
    add column asked_at timestamptz,
    add column unknown_sessions integer not null default 0,
    add column unknown_session date;
update papertrade_ticker_states set asked_at = checked_at;
