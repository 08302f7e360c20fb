-- was: 0006_pulse.sql
-- One row that the daemons write to, to know whether the database takes writes.
create table store_pulse (
    one boolean primary key default true check (one),
    at timestamptz not null default now()
);
insert into store_pulse default values;

-- A change of one row needs no room: where the disk is full it goes well while everybody's messages are refused. What is sorted here
-- is too much for its memory and goes through a file, which is gone at once.
create function store_pulse_write() returns void language sql set work_mem = '64kB' as $$
    update store_pulse set at = now() where one;
    select count(*) from (select repeat(i::text, 100) as line from generate_series(1, 1000) i order by line desc) lines;
$$;
