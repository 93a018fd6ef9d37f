-- +goose Up
alter table papertrade_ticker_states add column first_session date;
alter table papertrade_accounts add column not_entitled_at datetime;

-- Sessions that the provider has no bar of.
create table papertrade_absent_sessions (
    ticker  varchar(20) not null,
    session date        not null,
    primary key (ticker, session)
);

-- Where a ticker had new_shares for each of old_shares before; rebased once the stored history is on one scale.
create table papertrade_splits (
    ticker     varchar(20) not null,
    session    date        not null,
    new_shares bigint      not null,
    old_shares bigint      not null,
    rebased    boolean     not null,
    primary key (ticker, session)
);
