create table transactions (
    id                       varchar(36)   not null primary key,
    portfolio_id             varchar(36)   not null,
    transaction_type         varchar(20)   not null,
    "timestamp"              datetime      not null,
    cash_change_amount       numeric(15,2) not null,
    cash_change_currency     varchar(3)    not null,
    ticker                   varchar(20),
    quantity                 numeric(15,4),
    price_per_share_amount   numeric(15,2),
    price_per_share_currency varchar(3),
    notes                    varchar(500),
    created_at               datetime      not null
);
create index ix_transactions_portfolio_id on transactions (portfolio_id);
create index ix_transactions_timestamp on transactions ("timestamp");
create index ix_transactions_portfolio_timestamp on transactions (portfolio_id, "timestamp");
