-- +goose Up
-- When the plan of the key was found to have end-of-day prices only.
alter table papertrade_accounts add column end_of_day_at datetime;
