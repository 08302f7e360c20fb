-- was: 0003_social.sql
-- Pictures: whose they are, and whether anything names them.

create table files (
    id         bigint generated always as identity primary key,
    account    bigint not null,
    key        text not null unique,
    type       text not null check (type in ('image/jpeg', 'image/png', 'image/gif', 'image/webp')),
    size       bigint not null check (size > 0),
    width      integer not null,
    height     integer not null,
    attached   boolean not null default false,
    removed    boolean not null default false,
    created_at timestamptz not null default now()
);
create index files_loose on files (created_at) where not attached or removed;
