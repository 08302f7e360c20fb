-- was: 0007_sessions_ended.sql
-- Each node asks every few seconds which sessions have ended.
create index sessions_ended on sessions (ended_at) where ended_at is not null;
