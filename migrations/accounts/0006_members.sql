-- Who is a member and has not left, for the stores of other features. A row of it that is locked locks the account's: whoever leaves
-- waits for it.
create view account_members as
select id from accounts where left_at is null and role not in ('guest', 'newcomer');
