-- was: 0003_social.sql
-- What the managers tell everybody.

create table notices (
    id         bigint generated always as identity primary key,
    title      text not null,
    body       text not null,
    author     bigint not null,
    created_at timestamptz not null default now(),
    edited_at  timestamptz
);
