# bench/lib.sh
#	  What bench/questions, bench/objects and bench/index share: DuckDB, and stores
#	  with a latency.

# ---------- DuckDB ----------

# install_duckdb DIR: into DIR/npm, unless it is there
install_duckdb() {
	mkdir -p "$1/npm"
	command -v npm >/dev/null || (install_packages npm) || true
	[ -f "$1/npm/package.json" ] || echo '{"private": true}' >"$1/npm/package.json"
	[ -d "$1/npm/node_modules/@duckdb/node-api" ] ||
		(cd "$1/npm" && npm install --no-audit --no-fund @duckdb/node-api) >"$1/npm/log" 2>&1 ||
		say "could not install DuckDB: $(tail -n 2 "$1/npm/log")"
}

# open_duckdb DIR: starts it; $duckdb becomes its version, or nothing if it is missing
open_duckdb() {
	duckdb=
	mkfifo "$work/duckdb.in" "$work/duckdb.out"
	if [ -d "$1/npm/node_modules/@duckdb/node-api" ]; then
		node bench/rival.js duckdb "$1/npm" <"$work/duckdb.in" >"$work/duckdb.out" 2>"$work/duckdb.err" &
		exec 5>"$work/duckdb.in" 6<"$work/duckdb.out"
		read -r duckdb <&6 || duckdb=
	fi
}

# ask_duckdb STATEMENT THREADS OUT: milliseconds
ask_duckdb() {
	local line

	printf '%s\t%s\t%s\n' "$2" "$3" "$(printf '%s' "$1" | tr '\n\t' '  ')" >&5
	read -r line <&6
	[[ $line != error* ]] || die "DuckDB: $line"
	echo "$line"
}

duckdb_columns="version INTEGER, account_id VARCHAR, interface_id VARCHAR, srcaddr VARCHAR, dstaddr VARCHAR, srcport INTEGER,
	dstport INTEGER, protocol INTEGER, packets BIGINT, bytes BIGINT, start BIGINT, \"end\" BIGINT, action VARCHAR,
	log_status VARCHAR"

# csv FILES: how DuckDB reads logs with a header
csv() {
	printf "read_csv('%s', delim = ' ', header = true, auto_detect = false, nullstr = '-', quote = '', escape = '', columns = {%s})" \
		"$1" "$(printf '%s' "$duckdb_columns" | tr -d '"\n\t' | sed -E "s/ *([a-z_]+) ([A-Z]+)/'\1': '\2'/g")"
}

# ---------- stores ----------

stores=()

# start_store NAME DIR OPTION...: its port becomes $port
start_store() {
	local name=$1 dir=$2

	shift 2
	mkfifo "$work/$name.in" "$work/$name.out"
	bench/store "$@" "$dir" <"$work/$name.in" >"$work/$name.out" &
	stores+=($!)
	exec {held}>"$work/$name.in"
	read -r port <"$work/$name.out"
}

# Prints the requests since the last time, the most connections that were open at a time, and the refused requests.
counts_of() {
	curl -s --noproxy 127.0.0.1 "http://127.0.0.1:$1/-/counts"
}
