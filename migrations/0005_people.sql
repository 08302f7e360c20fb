-- Changes of an account's nickname are numbered: each is paid for by its number.
alter table accounts add column renames bigint not null default 0;
