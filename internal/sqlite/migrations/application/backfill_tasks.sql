create table backfill_tasks (
    id            varchar(36) not null primary key,
    ticker        varchar(20) not null,
    start_date    date        not null,
    end_date      date        not null,
    priority      varchar(10) not null,
    status        varchar(20) not null,
    created_at    datetime    not null,
    finished_at   datetime,
    error_message varchar(500)
);
create index ix_backfill_tasks_status_created_at on backfill_tasks (status, created_at);
