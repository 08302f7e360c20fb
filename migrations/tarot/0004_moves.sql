create trigger tarot_chats_moves before update of state on tarot_chats for each row when (old.state is distinct from new.state)
    execute function moves_only('talking>spread', 'spread>drawn', 'drawn>done');
create trigger tarot_turns_moves before update of state on tarot_turns for each row when (old.state is distinct from new.state)
    execute function moves_only('running>ended', 'running>failed');
