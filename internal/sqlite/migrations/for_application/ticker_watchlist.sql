create table ticker_watchlist (
    id                       INTEGER     not null primary key,
    ticker                   VARCHAR(10) not null constraint uk_ticker_watchlist_ticker unique,
    priority                 INTEGER     not null default 100,
    last_refresh_at          DATETIME,
    next_refresh_at          DATETIME,
    refresh_interval_seconds INTEGER     not null default 300,
    is_active                BOOLEAN     not null default true,
    created_at               DATETIME    not null default current_timestamp,
    updated_at               DATETIME    not null default current_timestamp
);
create index idx_watchlist_next_refresh on ticker_watchlist (next_refresh_at);
insert into ticker_watchlist (ticker, priority)
values ('AAPL', 100), ('GOOGL', 100), ('MSFT', 100), ('AMZN', 100), ('TSLA', 90), ('NVDA', 90), ('META', 90);
