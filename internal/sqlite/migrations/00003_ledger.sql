-- +goose Up
create table papertrade_accounts (
    account    varchar(100) not null primary key,
    held_until datetime,
    call_ms    bigint
);
create table papertrade_calls (
    id         varchar(36)  not null primary key,
    account    varchar(100) not null,
    from_time  datetime     not null,
    until_time datetime     not null
);
create index ix_papertrade_calls_account_until_time on papertrade_calls (account, until_time);

-- SQLite cannot drop a column's "not null".
create table papertrade_ticker_states_new (
    ticker           varchar(20) not null primary key,
    checked_at       datetime,
    asked_at         datetime,
    unknown_sessions integer     not null default 0,
    unknown_session  date
);
insert into papertrade_ticker_states_new (ticker, checked_at, asked_at)
select ticker, checked_at, checked_at from papertrade_ticker_states;
drop table papertrade_ticker_states;
alter table papertrade_ticker_states_new rename to papertrade_ticker_states;
