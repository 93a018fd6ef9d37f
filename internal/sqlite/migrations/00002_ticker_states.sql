-- +goose Up
create table papertrade_ticker_states (
    ticker     varchar(20) not null primary key,
    checked_at datetime    not null
);
