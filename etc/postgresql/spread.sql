-- Moves partitions of an ewsd store in this database to another PostgreSQL server,
-- which the store reaches through postgres_fdw from then on (doc/SCALING.md).
--
--     psql -d DATABASE -v server=FAR -v partitions=1,3,5,7 -f spread.sql
--
-- FAR is a foreign server with a user mapping; its database is empty, and of the same
-- encoding and collation:
--
--     CREATE EXTENSION postgres_fdw; CREATE EXTENSION dblink;
--     CREATE SERVER far FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '...', dbname '...',
--         keep_connections 'on', tcp_user_timeout '15000', keepalives_idle '10',
--         options '-c lock_timeout=10s -c idle_in_transaction_session_timeout=60s');
--     CREATE USER MAPPING FOR ewsd SERVER far OPTIONS (user '...', password '...');
--
-- No ewsd may have the store open. All or nothing happens here; when it failed behind
-- the copying, tables are left in the database of the other server, to be dropped there.

\set ON_ERROR_STOP on
\set QUIET on
SELECT set_config('spread.server', :'server', false), set_config('spread.partitions', :'partitions', false) \g /dev/null

DO $$
DECLARE
    server CONSTANT TEXT := current_setting('spread.server');
    parts CONSTANT INT[] := string_to_array(current_setting('spread.partitions'), ',');
    here CONSTANT OID := to_regnamespace(current_schema());
    modulus INT;
    parent RECORD;
    part INT;
    name TEXT;
    made TEXT;
    index_made TEXT;
    here_n BIGINT;
    there_n BIGINT;
    far TEXT;
    near TEXT;
BEGIN
    -- Whoever opens the store waits here, and finds what became of it.
    LOCK TABLE schema_version IN ACCESS EXCLUSIVE MODE;
    IF EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE 'ewsd%') THEN
        RAISE EXCEPTION 'an ewsd has the store open';
    END IF;
    SELECT COUNT(*) INTO modulus FROM pg_inherits WHERE inhparent = to_regclass('counter');
    IF modulus = 0 OR EXISTS (SELECT FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid
                              WHERE c.relkind = 'p' AND c.relnamespace = here AND k.contype IN ('p', 'u')) THEN
        RAISE EXCEPTION 'the tables of this store have their keys as a whole, as an older ewsd made them'
            USING HINT = 'ewsctl store copy makes a store of today in another database.';
    END IF;
    FOREACH part IN ARRAY parts LOOP
        IF (SELECT relkind FROM pg_class WHERE oid = to_regclass('counter_p' || part)) IS DISTINCT FROM 'r' THEN
            RAISE EXCEPTION 'the store has no partition % here', part;
        END IF;
    END LOOP;

    PERFORM dblink_connect('spread', server);
    SELECT e, v INTO far, made FROM dblink('spread', 'SELECT pg_encoding_to_char(encoding) || datcollate || datctype, '
        'current_setting(''server_version_num'') FROM pg_database WHERE datname = current_database()') AS d (e TEXT, v TEXT);
    SELECT pg_encoding_to_char(encoding) || datcollate || datctype INTO near FROM pg_database WHERE datname = current_database();
    IF near <> far OR made::INT < 150000 THEN
        RAISE EXCEPTION 'server % has another encoding, another collation, or a PostgreSQL before 15: % %', server, far, made;
    END IF;
    IF EXISTS (SELECT FROM dblink('spread', 'SELECT 1 FROM pg_class WHERE relname ~ ''^counter_p[0-9]+$''') AS d (n INT)
               WHERE NOT EXISTS (SELECT FROM pg_foreign_table f JOIN pg_foreign_server s ON s.oid = f.ftserver WHERE s.srvname = server)) THEN
        RAISE EXCEPTION 'the database of server % has tables of a store already', server;
    END IF;

    PERFORM dblink_exec('spread', 'BEGIN');
    PERFORM dblink_exec('spread', format('CREATE SCHEMA IF NOT EXISTS %I', current_schema()));
    PERFORM dblink_exec('spread', format('SET LOCAL search_path = %I', current_schema()));
    FOR parent IN SELECT c.oid, c.relname FROM pg_class c WHERE c.relkind = 'p' AND c.relnamespace = here ORDER BY c.relname LOOP
        FOREACH part IN ARRAY parts LOOP
            name := parent.relname || '_p' || part;
            SELECT format('CREATE TABLE %I (%s, %s)', name,
                          string_agg(format('%I %s', a.attname, format_type(a.atttypid, a.atttypmod)) ||
                                     CASE WHEN a.attnotnull THEN ' NOT NULL' ELSE '' END, ', ' ORDER BY a.attnum),
                          (SELECT pg_get_constraintdef(k.oid) FROM pg_constraint k WHERE k.conrelid = to_regclass(name) AND k.contype = 'p'))
                INTO made FROM pg_attribute a WHERE a.attrelid = to_regclass(name) AND a.attnum > 0 AND NOT a.attisdropped;
            PERFORM dblink_exec('spread', made);
            FOR index_made IN SELECT pg_get_indexdef(i.indexrelid, 0, true) FROM pg_index i
                              WHERE i.indrelid = to_regclass(name) AND NOT i.indisprimary LOOP
                PERFORM dblink_exec('spread', index_made);
            END LOOP;
        END LOOP;
    END LOOP;
    PERFORM dblink_exec('spread', 'COMMIT');

    FOR parent IN SELECT c.oid, c.relname FROM pg_class c WHERE c.relkind = 'p' AND c.relnamespace = here ORDER BY c.relname LOOP
        FOREACH part IN ARRAY parts LOOP
            name := parent.relname || '_p' || part;
            EXECUTE format('ALTER TABLE %I DETACH PARTITION %I', parent.relname, name);
            EXECUTE format('ALTER TABLE %I RENAME TO %I', name, name || '_here');
            EXECUTE format('CREATE FOREIGN TABLE %I PARTITION OF %I FOR VALUES WITH (MODULUS %s, REMAINDER %s) SERVER %I '
                           'OPTIONS (batch_size ''100'')', name, parent.relname, modulus, part, server);
            EXECUTE format('INSERT INTO %I SELECT * FROM %I', name, name || '_here');
            GET DIAGNOSTICS here_n = ROW_COUNT;
            EXECUTE format('SELECT COUNT(*) FROM %I', name) INTO there_n;
            IF here_n <> there_n THEN
                RAISE EXCEPTION '% rows of % came to %', here_n, name, there_n;
            END IF;
            EXECUTE format('ALTER FOREIGN TABLE %I OPTIONS (DROP batch_size)', name);
            EXECUTE format('DROP TABLE %I', name || '_here');
        END LOOP;
    END LOOP;
    PERFORM dblink_disconnect('spread');
END
$$;
