-- was: 0008_owners.sql
-- Whoever takes a row away has the database look for all that refers to it: each reference has an index.
create index tarot_turns_chat on tarot_turns (chat);
create index tarot_chats_owner on tarot_chats (account);
