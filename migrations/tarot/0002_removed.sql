-- was: 0005_people.sql
-- Chats that a version before only marked as removed, until they are swept.
create index tarot_chats_removed on tarot_chats (id) where removed;
