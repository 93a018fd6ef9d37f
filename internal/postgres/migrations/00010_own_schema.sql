-- Papertrade's own tables move out of the application's schema, whose owner's tools would propose to drop them: alembic
-- with --autogenerate, for one. They keep their names, since by default the search path of a role that is called
-- papertrade begins with this schema, where a table "calls" would hide one of the application's.

-- +goose Up
-- +goose StatementBegin
do $$
declare
    home constant name not null := (
        select nspname from pg_class join pg_namespace on pg_namespace.oid = relnamespace
        where pg_class.oid = to_regclass('papertrade_migrations'));
    moving name;
begin

-- "if not exists" would need the right to make one all the same.
if to_regnamespace('papertrade') is null then
    create schema papertrade;
end if;
-- What a role may do is said table by table, as before in public.
grant usage on schema papertrade to public;
if home = 'papertrade' then
    return;
end if;

foreach moving in array array[
    'papertrade_migrations', 'papertrade_ticker_states', 'papertrade_accounts', 'papertrade_calls',
    'papertrade_absent_sessions', 'papertrade_splits', 'papertrade_held_prices']
loop
    execute format('alter table %I.%I set schema papertrade', home, moving);
end loop;

-- By this view any papertrade, an older one too, finds by the search path which schema the tables serve and how new they
-- are. Whoever compares tables does not see it.
execute format('create view %I.papertrade_migrations as select * from papertrade.papertrade_migrations', home);
execute format('grant select on %I.papertrade_migrations to public', home);

end
$$;
-- +goose StatementEnd
