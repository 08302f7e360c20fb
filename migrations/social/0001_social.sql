-- was: 0003_social.sql
-- Friends, blocks, reports, direct messages.

create table friendships ( -- one row a pair; asked by `requester`
    low       bigint not null references accounts on delete cascade,
    high      bigint not null references accounts on delete cascade,
    state     text not null check (state in ('requested', 'friends')),
    requester bigint not null check (requester in (low, high)),
    at        timestamptz not null default now(),
    constraint friendships_pkey primary key (low, high),
    check (low < high)
);
create index friendships_high on friendships (high);

create table blocks (
    blocker bigint not null references accounts on delete cascade,
    blocked bigint not null references accounts on delete cascade,
    at      timestamptz not null default now(),
    primary key (blocker, blocked),
    check (blocker <> blocked)
);
create index blocks_blocked on blocks (blocked);

create or replace view account_relations as
select f.low as account, f.high as other,
       case when f.state = 'friends' then 'friend' when f.requester = f.low then 'sent' else 'received' end as relation
  from friendships f
union all
select f.high, f.low,
       case when f.state = 'friends' then 'friend' when f.requester = f.high then 'sent' else 'received' end
  from friendships f
union all
select b.blocker, b.blocked, 'blocked' from blocks b
 where not exists (select 1 from blocks o where o.blocker = b.blocked and o.blocked = b.blocker)
union all
select b.blocked, b.blocker, 'blocking' from blocks b;

create table dm_rooms (
    id           bigint generated always as identity primary key,
    low          bigint not null,
    high         bigint not null,
    last_message bigint not null default 0,     -- number of the newest message
    last_at      timestamptz not null default now(),
    low_read     bigint not null default 0,     -- how far each side has read
    high_read    bigint not null default 0,
    constraint dm_rooms_pair unique (low, high),
    check (low < high)
);
create index dm_rooms_low on dm_rooms (low, last_at desc);
create index dm_rooms_high on dm_rooms (high, last_at desc);

create table dm_messages (
    room      bigint not null references dm_rooms,
    seq       bigint not null,
    sender    bigint not null,
    client_id text not null,
    body      text not null,
    images    bigint[] not null default '{}',
    deleted   boolean not null default false,
    at        timestamptz not null default now(),
    primary key (room, seq),
    constraint dm_messages_once unique (room, sender, client_id)
);

create index dm_messages_images on dm_messages using gin (images) where images <> '{}';

create table reports (
    id         bigint generated always as identity primary key,
    reporter   bigint not null,
    reported   bigint not null,
    reason     text not null,
    evidence   json not null default '[]',
    state      text not null default 'open' check (state in ('open', 'accepted', 'dismissed')),
    decided_by bigint,
    decided_at timestamptz,
    note       text,
    at         timestamptz not null default now()
);
create unique index reports_open_pair on reports (reporter, reported) where state = 'open';
create index reports_state on reports (state, id);
