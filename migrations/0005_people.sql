-- Changes of an account's nickname are numbered: each is paid for by its number.
alter table accounts add column renames bigint not null default 0;

-- Who leaves is taken out of the events that show others who he was.
create index topic_log_other on topic_log ((data->'other'->>'account')) where data->'other'->>'account' is not null;

-- Nicknames that look the same: 1 and I are taken for l, 0 for o.
create index accounts_nickname_fold on accounts (lower(translate(nickname, 'I10', 'llo')));

-- Chats that a version before only marked as removed, until they are swept.
create index tarot_chats_removed on tarot_chats (id) where removed;
