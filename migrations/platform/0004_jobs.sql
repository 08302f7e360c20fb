-- Work has a lane for each kind of haste, and may have a key: of those that wait for the same kind and key there is one.
alter table jobs add column key text;
create unique index jobs_key on jobs (kind, key) where state = 'waiting' and taken_by is null and key is not null;

-- A lane takes what is due of its own kinds, however much of another's waits.
create index jobs_kind_due on jobs (kind, due) where state = 'waiting';
create index jobs_dead on jobs (due) where state = 'dead';
