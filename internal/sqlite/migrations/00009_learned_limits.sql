-- +goose Up
-- What refusals have shown of the key's limits, an array of {"limit": "25/day", "named": true, "at": "…Z"}: named by the
-- vendor, or else counted, and when the last refusal showed it.
alter table papertrade_accounts add column learned text;
