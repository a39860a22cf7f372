#!/usr/bin/env bash
# Run a PostgreSQL server for one test, from Debian's package postgresql, in a directory of its own.
#
# usage: postgres.sh [--standby-of DIRECTORY PORT] [-c NAME=VALUE ...]     (the options of postgres)
#
# Prints its directory and its port when it accepts connections, then executes commands, one on each line of its standard input, and
# answers each with `ok`: `database NAME` makes an empty database, `kill` kills the server as a power cut would, `start` starts it again,
# `promote` makes a standby the primary server. At the end of the input the server is stopped and its directory is removed.
#
# The superuser is `postgres`. It needs no password on the socket, which is in the directory, and has the password
# `postgres-test-password` on the port of 127.0.0.1 (localhost), with or without TLS; DIRECTORY/ca.pem verifies the server's certificate.
# PostgreSQL refuses to run as root, and is run as `nobody` then. fsync is off: what a killed server has written is still in the page cache.
set -euo pipefail

dir=$(mktemp -d "${TMPDIR:-/tmp}/postgres-XXXXXX")
binaries=$(find /usr/lib/postgresql/*/bin -maxdepth 0 2>/dev/null | sort -V | tail -n 1 || true)
pid=
finish() {
	[ -z "$pid" ] || kill_server
	rm -rf "$dir"
}
trap finish EXIT
trap 'exit 1' HUP INT TERM
[ -n "$binaries" ] || { echo "postgres.sh: PostgreSQL is not installed; tools/deps test installs it" >&2; exit 1; }

as_user=()
if [ "$(id -u)" = 0 ]; then
	as_user=(setpriv --reuid nobody --regid nogroup --clear-groups)
	chown nobody:nogroup "$dir"
fi

standby_of=()
if [ "${1:-}" = --standby-of ]; then
	standby_of=(-h "$2" -p "$3")
	shift 3
fi
options=(-c fsync=off -c shared_buffers=16MB -c ssl=on -c "ssl_cert_file=$dir/server.pem" -c "ssl_key_file=$dir/server.key" "$@")
export PGUSER=postgres PGDATABASE=postgres PGHOST=$dir PGPORT
PGPORT=$(node "${BASH_SOURCE[0]%/*}/../blackbox/support/port.mjs")

quietly() {
	"$@" >>"$dir/out" 2>&1 || { echo "postgres.sh: this failed: $*"; tail -n 20 "$dir/out"; exit 1; } >&2
}

certify() {
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 7 -subj '/CN=test CA' -keyout "$dir/ca.key" -out "$dir/ca.pem"
	openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=localhost -keyout "$dir/server.key" -out "$dir/server.csr"
	openssl x509 -req -in "$dir/server.csr" -CA "$dir/ca.pem" -CAkey "$dir/ca.key" -days 7 -out "$dir/server.pem" \
		-extfile <(echo 'subjectAltName=DNS:localhost')
	[ ${#as_user[@]} -eq 0 ] || chown nobody "$dir/server.key"
}

# It cannot outlive this script. After a kill the memory of the old server is in use until its last process has ended.
start_server() {
	local tries=0
	until [ -n "$pid" ] && "$binaries/pg_isready" -q; do
		if [ -z "$pid" ] || ! kill -0 "$pid" 2>/dev/null; then
			setpriv --pdeathsig KILL "${as_user[@]}" "$binaries/postgres" -D "$dir/data" -k "$dir" -p "$PGPORT" \
				-c listen_addresses=127.0.0.1 "${options[@]}" </dev/null >>"$dir/out" 2>&1 &
			pid=$!
		fi
		tries=$((tries + 1))
		[ $tries -lt 600 ] || { echo "postgres.sh: the server does not start"; tail -n 20 "$dir/out"; exit 1; } >&2
		sleep 0.05
	done
}

kill_server() {
	# shellcheck disable=SC2046   # several numbers
	kill -KILL "$pid" $(cat "/proc/$pid/task/$pid/children") 2>/dev/null || true
	wait "$pid" 2>/dev/null || true
	pid=
}

: >"$dir/out"
quietly certify
if [ ${#standby_of[@]} -gt 0 ]; then
	quietly "${as_user[@]}" "$binaries/pg_basebackup" "${standby_of[@]}" -D "$dir/data" -R --checkpoint=fast --no-sync
else
	echo postgres-test-password >"$dir/password"
	quietly "${as_user[@]}" "$binaries/initdb" -D "$dir/data" -U postgres -E UTF8 --locale=C.UTF-8 --no-sync --auth-local=trust --auth-host=scram-sha-256 --pwfile="$dir/password"
fi
start_server
echo "$dir $PGPORT"
while read -r command name; do
	case $command in
	database) quietly "$binaries/createdb" "$name" ;;
	kill) kill_server ;;
	start) start_server ;;
	promote) quietly "$binaries/psql" -qtAc 'SELECT pg_promote()' ;;
	*) echo "postgres.sh: unknown command '$command'" >&2 && exit 1 ;;
	esac
	echo ok
done
