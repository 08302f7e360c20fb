-- Whoever takes a row away has the database look for all that refers to it: each reference has an index.
create index tarot_turns_chat on tarot_turns (chat);
create index tarot_chats_owner on tarot_chats (account);
create index sessions_owner on sessions (account);
create index password_tokens_owner on password_tokens (account);

-- Guests whose time is over, among a great many members.
create index accounts_guests on accounts (expires_at) where role = 'guest' and left_at is null;
