-- The web application's tables as its own migrations make them, each of them only where it is absent.
do $$
begin

if to_regclass('transactions') is null then
    create table transactions (
        id                       uuid          primary key,
        portfolio_id             uuid          not null,
        transaction_type         varchar(20)   not null,
        "timestamp"              timestamp     not null,
        cash_change_amount       numeric(15,2) not null,
        cash_change_currency     varchar(3)    not null,
        ticker                   varchar(5),
        quantity                 numeric(15,4),
        price_per_share_amount   numeric(15,2),
        price_per_share_currency varchar(3),
        notes                    varchar(500),
        created_at               timestamp     not null,
        api_key_id               uuid,
        trigger_id               uuid
    );
    create index idx_transaction_portfolio_id on transactions (portfolio_id);
    create index idx_transaction_timestamp on transactions ("timestamp");
    create index idx_transaction_portfolio_timestamp on transactions (portfolio_id, "timestamp");
end if;

if to_regclass('ticker_watchlist') is null then
    create table ticker_watchlist (
        id                       serial      primary key,
        ticker                   varchar(10) not null constraint uk_ticker_watchlist_ticker unique,
        priority                 integer     not null default 100,
        last_refresh_at          timestamptz,
        next_refresh_at          timestamptz,
        refresh_interval_seconds integer     not null default 300,
        is_active                boolean     not null default true,
        created_at               timestamptz not null default now(),
        updated_at               timestamptz not null default now()
    );
    create index idx_watchlist_next_refresh on ticker_watchlist (next_refresh_at);
    insert into ticker_watchlist (ticker, priority)
    values ('AAPL', 100), ('GOOGL', 100), ('MSFT', 100), ('AMZN', 100), ('TSLA', 90), ('NVDA', 90), ('META', 90);
end if;

if to_regclass('price_history') is null then
    create table price_history (
        id             serial        primary key,
        ticker         varchar(10)   not null,
        price_amount   numeric(18,2) not null constraint price_positive check (price_amount > 0),
        price_currency varchar(3)    not null default 'USD',
        "timestamp"    timestamptz   not null,
        source         varchar(50)   not null,
        "interval"     varchar(10)   not null,
        open_amount    numeric(18,2),
        open_currency  varchar(3),
        high_amount    numeric(18,2),
        high_currency  varchar(3),
        low_amount     numeric(18,2),
        low_currency   varchar(3),
        close_amount   numeric(18,2),
        close_currency varchar(3),
        volume         bigint,
        created_at     timestamptz   not null default now(),
        updated_at     timestamp
    );
    create unique index uk_price_history on price_history (ticker, "timestamp", source, "interval");
    create index idx_price_history_ticker_timestamp on price_history (ticker, "timestamp");
    create index idx_price_history_ticker_interval_timestamp on price_history (ticker, "interval", "timestamp");
end if;

if to_regclass('job_executions') is null then
    create table job_executions (
        id            uuid         primary key,
        job_name      varchar(100) not null,
        started_at    timestamp    not null,
        finished_at   timestamp,
        status        varchar(30)  not null,
        error_message varchar(500),
        metadata      json         not null
    );
    create index idx_job_executions_job_name_started_at on job_executions (job_name, started_at);
end if;

if to_regclass('backfill_tasks') is null then
    create table backfill_tasks (
        id            uuid        primary key,
        ticker        varchar(10) not null,
        start_date    date        not null,
        end_date      date        not null,
        priority      varchar(10) not null,
        status        varchar(20) not null,
        created_at    timestamp   not null,
        finished_at   timestamp,
        error_message varchar(500)
    );
    create index idx_backfill_tasks_status_created_at on backfill_tasks (status, created_at);
end if;

end
$$;
