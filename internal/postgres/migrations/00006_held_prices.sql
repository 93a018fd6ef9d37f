-- +goose Up
-- Bars that are kept beside the history because they may be wrong, and what was decided about them. Evidence is an
-- array of texts.
create table papertrade_held_prices (
    ticker         varchar(20) not null,
    session        date        not null,
    close          numeric     not null,
    open           numeric,
    high           numeric,
    low            numeric,
    previous_close numeric,
    currency       varchar(3)  not null,
    volume         bigint,
    source         varchar(50) not null,
    fetched_at     timestamptz not null,
    why            text        not null,
    evidence       json        not null,
    decision       varchar(10) not null,
    decided_at     timestamptz,
    primary key (ticker, session)
);
