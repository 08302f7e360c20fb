-- was: 0005_people.sql
-- Changes of an account's nickname are numbered: each is paid for by its number.
alter table accounts add column renames bigint not null default 0;

-- Nicknames that look the same: 1 and I are taken for l, 0 for o.
create index accounts_nickname_fold on accounts (lower(translate(nickname, 'I10', 'llo')));
