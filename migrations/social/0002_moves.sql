create trigger friendships_moves before update of state on friendships for each row when (old.state is distinct from new.state)
    execute function moves_only('requested>friends');
create trigger reports_moves before update of state on reports for each row when (old.state is distinct from new.state)
    execute function moves_only('open>accepted', 'open>dismissed');
