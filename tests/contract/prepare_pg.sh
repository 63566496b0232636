#!/bin/sh
# Starts a PostgreSQL of its own in a temporary folder (unix socket only),
# applies the tables and prepares every statement of the store on it.
#   prepare_pg.sh PRINT_SQL
# 77 (skipped) when no PostgreSQL server is installed.
set -eu
print_sql=$1
bin=
for dir in /usr/lib/postgresql/*/bin; do
    [ -x "$dir/initdb" ] && bin=$dir
done
[ -n "$bin" ] || exit 77

work=$(mktemp -d /tmp/ewsd-pg.XXXXXX)
as=
if [ "$(id -u)" = 0 ]; then
    chown postgres "$work"
    as='runuser -u postgres --'
fi
stop() {
    $as "$bin/pg_ctl" -D "$work/data" -m immediate -w stop >/dev/null 2>&1 || true
    rm -rf "$work"
}
trap stop EXIT
trap 'exit 1' INT TERM

cd "$work"
$as "$bin/initdb" -D "$work/data" -A trust -E UTF8 --no-locale --no-sync >"$work.log" 2>&1 || { cat "$work.log"; exit 1; }
rm -f "$work.log"
$as "$bin/pg_ctl" -D "$work/data" -l "$work/data/log" -w -o "-c listen_addresses='' -k $work -c fsync=off" start >/dev/null
user=$([ -n "$as" ] && echo postgres || id -un)
"$print_sql" | $as "$bin/psql" -X -q -v ON_ERROR_STOP=1 -h "$work" -U "$user" -d postgres
echo "every statement prepares on $("$bin/postgres" --version)"
