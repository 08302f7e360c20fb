-- The moves of a machine (docs/machines.md), for each table that has one:
--     create trigger T_moves before update of state on T for each row when (old.state is distinct from new.state)
--         execute function moves_only('from>to', …);
create function moves_only() returns trigger language plpgsql as $$
begin
    if not (old.state || '>' || new.state = any (tg_argv)) then
        raise exception '% does not move from % to %', tg_table_name, old.state, new.state using errcode = 'MD001';
    end if;
    return new;
end
$$;
