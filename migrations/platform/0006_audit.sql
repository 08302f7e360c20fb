-- What managers did. Rows are added with what was done, and never changed; the sweep takes them when [audit] days are over.
create table audit (
    id      bigint generated always as identity primary key,
    at      timestamptz not null default now(),
    account bigint not null, -- whose act it was; a number that stays when the account has gone
    call    text not null,
    object  text not null,   -- "account:12"
    before  json,            -- null: it was not there
    after   json,            -- null: it is not there any more
    request text not null
);
create index audit_account on audit (account, id);
create index audit_object on audit (object, id);
create index audit_at on audit (at);
