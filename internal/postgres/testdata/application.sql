-- The web application's tables as its own migrations make them, before it had updated_at.
create table alembic_version (
    version_num varchar(32) not null,
    constraint alembic_version_pkc primary key (version_num)
);
insert into alembic_version (version_num) values ('8bdcc4a5e0e5');
create table transactions (
    id uuid primary key,
    portfolio_id uuid not null,
    transaction_type varchar(20) not null,
    "timestamp" timestamp not null,
    cash_change_amount numeric(15,2) not null,
    cash_change_currency varchar(3) not null,
    ticker varchar(5),
    quantity numeric(15,4),
    price_per_share_amount numeric(15,2),
    price_per_share_currency varchar(3),
    notes varchar(500),
    created_at timestamp not null
);
create index idx_transaction_portfolio_timestamp on transactions (portfolio_id, "timestamp");
create table ticker_watchlist (
    id serial primary key,
    ticker varchar(10) not null unique,
    priority integer not null default 100,
    last_refresh_at timestamptz,
    next_refresh_at timestamptz,
    refresh_interval_seconds integer not null default 300,
    is_active boolean not null default true,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
);
create index idx_watchlist_next_refresh on ticker_watchlist (next_refresh_at);
insert into ticker_watchlist (ticker, priority)
values ('AAPL', 100), ('GOOGL', 100), ('MSFT', 100), ('AMZN', 100), ('TSLA', 90), ('NVDA', 90), ('META', 90);
create table price_history (
    id serial primary key,
    ticker varchar(10) not null,
    price_amount numeric(18,2) not null,
    price_currency varchar(3) not null default 'USD',
    "timestamp" timestamptz not null,
    source varchar(50) not null,
    "interval" varchar(10) not null,
    open_amount numeric(18,2),
    open_currency varchar(3),
    high_amount numeric(18,2),
    high_currency varchar(3),
    low_amount numeric(18,2),
    low_currency varchar(3),
    close_amount numeric(18,2),
    close_currency varchar(3),
    volume bigint,
    created_at timestamptz not null default now(),
    constraint uk_ticker_timestamp_source_interval unique (ticker, "timestamp", source, "interval"),
    constraint positive_price check (price_amount > 0)
);
create index idx_price_history_ticker_timestamp on price_history (ticker, "timestamp");
create table job_executions (
    id uuid primary key,
    job_name varchar(100) not null,
    started_at timestamp not null,
    finished_at timestamp,
    status varchar(30) not null,
    error_message varchar(500),
    metadata json not null
);
