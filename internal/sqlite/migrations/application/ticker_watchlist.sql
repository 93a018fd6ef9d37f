create table ticker_watchlist (
    id                       integer     not null primary key,
    ticker                   varchar(20) not null unique,
    priority                 integer     not null default 100,
    last_refresh_at          datetime,
    next_refresh_at          datetime,
    refresh_interval_seconds integer     not null default 300,
    is_active                boolean     not null default true,
    created_at               datetime    not null default current_timestamp,
    updated_at               datetime    not null default current_timestamp
);
create index ix_ticker_watchlist_next_refresh_at on ticker_watchlist (next_refresh_at);
insert into ticker_watchlist (ticker, priority)
values ('AAPL', 100), ('GOOGL', 100), ('MSFT', 100), ('AMZN', 100), ('TSLA', 90), ('NVDA', 90), ('META', 90);
