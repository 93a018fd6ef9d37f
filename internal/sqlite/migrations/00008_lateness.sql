-- +goose Up
-- Of the newest answers in a row that did not have the newest completed session: that session, for how many sessions it
-- has been so, how many answers lacked this one, and how many sessions in a row they had the same old bar.
alter table papertrade_ticker_states add column late_session date;
alter table papertrade_ticker_states add column late_sessions integer not null default 0;
alter table papertrade_ticker_states add column late_checks integer not null default 0;
alter table papertrade_ticker_states add column late_repeats integer not null default 0;
-- When the ticker was first seen active.
alter table papertrade_ticker_states add column first_active_at datetime;
