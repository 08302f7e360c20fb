-- Whose picture a file is.
create index accounts_avatar on accounts (avatar) where avatar is not null;
