-- +goose Up
-- Bars that are kept beside the history because they may be wrong, and what was decided about them. Prices are text,
-- since a numeric column would turn 192.5300 into the float 192.53; evidence is a JSON array of texts.
create table papertrade_held_prices (
    ticker         varchar(20) not null,
    session        date        not null,
    close          text        not null,
    open           text,
    high           text,
    low            text,
    previous_close text,
    currency       varchar(3)  not null,
    volume         bigint,
    source         varchar(50) not null,
    fetched_at     datetime    not null,
    why            text        not null,
    evidence       text        not null,
    decision       varchar(10) not null,
    decided_at     datetime,
    primary key (ticker, session)
);
