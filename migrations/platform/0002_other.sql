-- was: 0005_people.sql
-- Who leaves is taken out of the events that show others who he was.
create index topic_log_other on topic_log ((data->'other'->>'account')) where data->'other'->>'account' is not null;
