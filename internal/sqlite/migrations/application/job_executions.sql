create table job_executions (
    id            varchar(36)  not null primary key,
    job_name      varchar(100) not null,
    started_at    datetime     not null,
    finished_at   datetime,
    status        varchar(30)  not null,
    error_message varchar(500),
    metadata      json         not null
);
create index ix_job_executions_job_name_started_at on job_executions (job_name, started_at);
