create table job_executions (
    id            CHAR(32)     not null primary key,
    job_name      VARCHAR(100) not null,
    started_at    DATETIME     not null,
    finished_at   DATETIME,
    status        VARCHAR(30)  not null,
    error_message VARCHAR(500),
    metadata      JSON         not null
);
create index idx_job_executions_job_name_started_at on job_executions (job_name, started_at);
