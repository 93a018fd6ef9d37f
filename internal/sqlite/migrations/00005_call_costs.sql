-- +goose Up
-- In the vendor's unit: calls or credits.
alter table papertrade_calls add column cost integer not null default 1;
