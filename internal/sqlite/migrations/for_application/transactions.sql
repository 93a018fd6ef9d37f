create table transactions (
    id                       CHAR(32)       not null primary key,
    portfolio_id             CHAR(32)       not null,
    transaction_type         VARCHAR(20)    not null,
    "timestamp"              DATETIME       not null,
    cash_change_amount       NUMERIC(15, 2) not null,
    cash_change_currency     VARCHAR(3)     not null,
    ticker                   VARCHAR(5),
    quantity                 NUMERIC(15, 4),
    price_per_share_amount   NUMERIC(15, 2),
    price_per_share_currency VARCHAR(3),
    notes                    VARCHAR(500),
    created_at               DATETIME       not null,
    api_key_id               CHAR(32),
    trigger_id               CHAR(32)
);
create index idx_transaction_portfolio_id on transactions (portfolio_id);
create index idx_transaction_timestamp on transactions ("timestamp");
create index idx_transaction_portfolio_timestamp on transactions (portfolio_id, "timestamp");
