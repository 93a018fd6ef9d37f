-- +goose Up
-- Migration 3 did not make this column at first.
alter table papertrade.papertrade_accounts add column if not exists call_ms bigint;
