-- One row that the daemons write to, to know whether the database takes writes.
create table store_pulse (
    one boolean primary key default true check (one),
    at timestamptz not null default now()
);
insert into store_pulse default values;
