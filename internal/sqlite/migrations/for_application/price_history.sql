create table price_history (
    id             INTEGER        not null primary key,
    ticker         VARCHAR(10)    not null,
    price_amount   NUMERIC(18, 2) not null constraint price_positive check (price_amount > 0),
    price_currency VARCHAR(3)     not null default 'USD',
    "timestamp"    DATETIME       not null,
    source         VARCHAR(50)    not null,
    "interval"     VARCHAR(10)    not null,
    open_amount    NUMERIC(18, 2),
    open_currency  VARCHAR(3),
    high_amount    NUMERIC(18, 2),
    high_currency  VARCHAR(3),
    low_amount     NUMERIC(18, 2),
    low_currency   VARCHAR(3),
    close_amount   NUMERIC(18, 2),
    close_currency VARCHAR(3),
    volume         BIGINT,
    created_at     DATETIME       not null default current_timestamp,
    updated_at     DATETIME
);
create unique index uk_price_history on price_history (ticker, "timestamp", source, "interval");
create index idx_price_history_ticker_timestamp on price_history (ticker, "timestamp");
create index idx_price_history_ticker_interval_timestamp on price_history (ticker, "interval", "timestamp");
