-- +goose Up
-- Who has a task of backfill_tasks that is running: whoever has the lease that has this token.
create table papertrade.papertrade_task_claims (
    task_id uuid primary key,
    lease text not null,
    token bigint not null
);
