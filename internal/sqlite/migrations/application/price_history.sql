-- Prices are text, since a numeric column would turn 192.5300 into the float 192.53.
create table price_history (
    id             integer     not null primary key,
    ticker         varchar(20) not null,
    price_amount   text        not null check (cast(price_amount as real) > 0),
    price_currency varchar(3)  not null default 'USD',
    "timestamp"    datetime    not null,
    source         varchar(50) not null,
    "interval"     varchar(10) not null,
    open_amount    text,
    open_currency  varchar(3),
    high_amount    text,
    high_currency  varchar(3),
    low_amount     text,
    low_currency   varchar(3),
    close_amount   text,
    close_currency varchar(3),
    volume         bigint,
    created_at     datetime    not null default current_timestamp,
    updated_at     datetime,
    unique (ticker, "timestamp", source, "interval")
);
create index ix_price_history_ticker_timestamp on price_history (ticker, "timestamp");
create index ix_price_history_ticker_interval_timestamp on price_history (ticker, "interval", "timestamp");
