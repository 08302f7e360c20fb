-- was: 0002_accounts.sql
-- People: accounts, how they log in, their sessions, consents and points.

create table accounts (
    id              bigint generated always as identity primary key,
    role            text not null check (role in ('guest', 'newcomer', 'member', 'manager', 'admin')),
    email           text constraint accounts_email_key unique check (email = lower(email)),
    password        text,
    nickname        text,
    birth_date      date,
    gender          text check (gender in ('female', 'male', 'other')),
    region          text,
    introduction    text,
    interests       text[] not null default '{}',
    avatar          bigint,
    locale          text not null default 'ko' check (locale in ('ko', 'en')),
    points          bigint not null default 0 constraint accounts_points_check check (points >= 0),
    suspended_until timestamptz,
    suspended_for   text,
    created_at      timestamptz not null default now(),
    expires_at      timestamptz, -- of a guest
    left_at         timestamptz,
    check (role in ('guest', 'newcomer') or left_at is not null or (nickname is not null and birth_date is not null and region is not null))
);
create unique index accounts_nickname_key on accounts (lower(nickname));
create index accounts_nickname_prefix on accounts (lower(nickname) text_pattern_ops) where left_at is null;

create table identities (
    provider text not null check (provider in ('kakao', 'google')),
    subject  text not null,
    account  bigint not null references accounts on delete cascade,
    at       timestamptz not null default now(),
    constraint identities_pkey primary key (provider, subject),
    unique (account, provider)
);

create table consents (
    account bigint not null references accounts on delete cascade,
    kind    text not null,
    version text not null,
    at      timestamptz not null default now(),
    primary key (account, kind, version)
);

-- The durable twin of each session family in Redis.
create table sessions (
    id          text primary key,
    account     bigint not null references accounts on delete cascade,
    generation  bigint not null default 1,
    current     text not null, -- SHA-256 of the refresh token, hex
    previous    text not null default '',
    sealed      text not null default '', -- the current token, readable only with the previous one
    device      text not null,
    address     text not null,
    created_at  timestamptz not null default now(),
    used_at     timestamptz not null default now(),
    expires_at  timestamptz not null,
    ended_at    timestamptz
);
create index sessions_account on sessions (account) where ended_at is null;

create table password_tokens (
    hash       text primary key,
    account    bigint not null references accounts on delete cascade,
    expires_at timestamptz not null,
    used_at    timestamptz
);

-- Balance = sum of the entries; each entry once by reason and reference.
create table points (
    id        bigint generated always as identity primary key,
    account   bigint not null references accounts on delete cascade,
    amount    bigint not null check (amount <> 0),
    reason    text not null,
    reference text not null,
    at        timestamptz not null default now(),
    constraint points_once unique (account, reason, reference)
);

-- What others may see of a person.
create view account_cards as
select id, case when left_at is null then nickname end as nickname, case when left_at is null then avatar end as avatar,
       left_at is not null as departed
  from accounts;

-- How account sees other: 'friend', 'sent', 'received', 'blocked' (by account), 'blocking' (by other). Nobody is related
-- until the social feature replaces this view.
create view account_relations as
select null::bigint as account, null::bigint as other, null::text as relation where false;
