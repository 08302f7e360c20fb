-- was: 0004_tarot.sql
-- Tarot: chats with the reader, their lines, and the turns in which the reader speaks.

create table tarot_chats (
    id         bigint generated always as identity primary key,
    account    bigint not null references accounts on delete cascade,
    language   text not null check (language in ('ko', 'en')),
    title      text not null default '',
    state      text not null default 'talking' check (state in ('talking', 'spread', 'drawn', 'done')),
    card       integer check (card between 0 and 77),
    reversed   boolean,
    lines      bigint not null default 0,  -- number of the newest
    turns      integer not null default 0,
    code       text,                       -- of its public page, while it is shared
    removed    boolean not null default false,
    created_at timestamptz not null default now(),
    at         timestamptz not null default now(),
    constraint tarot_chats_code unique (code),
    check ((card is null) = (reversed is null))
);
create index tarot_chats_account on tarot_chats (account, at desc) where not removed;

create table tarot_lines (
    chat     bigint not null references tarot_chats on delete cascade,
    seq      bigint not null,
    by       text not null check (by in ('visitor', 'reader', 'card', 'reading', 'help')),
    body     text not null,
    provider text,                         -- of what the reader said
    at       timestamptz not null default now(),
    primary key (chat, seq)
);

create table tarot_turns ( -- a turn runs on one node, which keeps its lease in Redis
    id       bigint generated always as identity primary key,
    chat     bigint not null references tarot_chats on delete cascade,
    kind     text not null check (kind in ('talk', 'reading', 'help')),
    state    text not null default 'running' check (state in ('running', 'ended', 'failed')),
    reason   text,
    node     text not null,
    began_at timestamptz not null default now(),
    ended_at timestamptz
);
create unique index tarot_turns_one on tarot_turns (chat) where state = 'running';
create index tarot_turns_running on tarot_turns (began_at) where state = 'running';
