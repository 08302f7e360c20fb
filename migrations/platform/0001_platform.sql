-- was: 0001_platform.sql
-- What the platform itself keeps: numbered topics, idempotency keys, jobs.

create table topics (
    topic text primary key,
    head  bigint not null check (head > 0)
);

create table topic_log (
    topic text not null,
    seq   bigint not null,
    ev    text not null,
    data  json not null,
    at    timestamptz not null default now(),
    primary key (topic, seq)
);
create index topic_log_at on topic_log using brin (at);

create table idempotency_keys (
    account     bigint not null,
    call        text not null,
    key         text not null check (length(key) between 1 and 200),
    fingerprint text not null,
    answer      json not null,
    at          timestamptz not null default now(),
    primary key (account, call, key)
);
create index idempotency_keys_at on idempotency_keys (at);

create table jobs (
    id          bigint generated always as identity primary key,
    kind        text not null,
    payload     json not null,
    state       text not null default 'waiting' check (state in ('waiting', 'done', 'dead')),
    due         timestamptz not null default now(),
    attempts    integer not null default 0,
    taken_by    text,
    taken_until timestamptz,
    last_error  text,
    period      text, -- of periodic work: one row for each name and period, whichever node inserts it
    at          timestamptz not null default now(),
    unique (kind, period)
);
create index jobs_due on jobs (due) where state = 'waiting';
