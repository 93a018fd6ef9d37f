create table backfill_tasks (
    id            CHAR(32)    not null primary key,
    ticker        VARCHAR(10) not null,
    start_date    DATE        not null,
    end_date      DATE        not null,
    priority      VARCHAR(10) not null,
    status        VARCHAR(20) not null,
    created_at    DATETIME    not null,
    finished_at   DATETIME,
    error_message VARCHAR(500)
);
create index idx_backfill_tasks_status_created_at on backfill_tasks (status, created_at);
