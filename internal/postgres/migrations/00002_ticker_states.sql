-- +goose Up
create table papertrade_ticker_states (
    ticker     varchar(20) primary key,
    checked_at timestamptz not null
);
