-- was: 0008_owners.sql
-- Whoever takes a row away has the database look for all that refers to it: each reference has an index.
create index sessions_owner on sessions (account);
create index password_tokens_owner on password_tokens (account);

-- Guests whose time is over, among a great many members.
create index accounts_guests on accounts (expires_at) where role = 'guest' and left_at is null;
