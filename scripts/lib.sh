# lib.sh
#	  What scripts/test, scripts/demo and bench/run share: packages, a directory that
#	  nothing outlives, a copy of the tree, an unprivileged user, and a PostgreSQL of
#	  our own to install into.
#
# Nothing of the system's PostgreSQL is changed.  Both scripts work in two
# stages: the first, as whoever calls, installs packages and copies the tree; the
# second runs in the copy, as an unprivileged user, for PostgreSQL does not run as
# root and that user may be unable to read the tree.

: "${PG_CONFIG:=/usr/lib/postgresql/15/bin/pg_config}"

say() {
	printf '%s\n' "$*"
}

die() {
	printf '%s: %s\n' "${0##*/}" "$*" >&2
	exit 1
}

# ---------- packages ----------

# install_packages PACKAGE...: those that are missing
install_packages() {
	local package missing=() root=()

	command -v dpkg-query >/dev/null || return 0
	for package; do
		[ "$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || missing+=("$package")
	done
	[ ${#missing[@]} -gt 0 ] || return 0

	if [ "$(id -u)" != 0 ]; then
		command -v sudo >/dev/null || die "these packages are missing: ${missing[*]}"
		root=(sudo)
	fi
	say "installing ${missing[*]}"
	"${root[@]}" bash -c "$(declare -f apt_install); apt_install \"\$@\"" bash "${missing[@]}" ||
		die "could not install ${missing[*]}"
}

# unpack_packages DIR PACKAGE...: in a new directory instead of the system, so they need not go with what is installed
unpack_packages() {
	local dir=$1 package log

	shift
	mkdir "$dir"
	log=$(
		exec 2>&1
		cd "$dir"
		apt-get -q download "$@" && for package in *.deb; do dpkg-deb -x "$package" . || exit; done
	) || die "could not unpack $*: $log"
	rm "$dir"/*.deb
}

# As root.  Debian's postgresql-15 makes a cluster and starts it when it is first
# installed, unless createcluster.conf says no (pg_createcluster(1)).
apt_install() {
	local dir=/etc/postgresql-common/createcluster.d
	local conf=$dir/zz-flowlog-fdw-test.conf
	local log status=0

	case " $* " in
		*' postgresql-15 '*)
			# shellcheck disable=SC2064
			trap "rm -f $conf; rmdir --ignore-fail-on-non-empty $dir" EXIT
			mkdir -p "$dir"
			echo 'create_main_cluster = false' >"$conf"
			;;
	esac
	export DEBIAN_FRONTEND=noninteractive
	log=$({
		apt-get -q update &&
			apt-get -q -y --no-install-recommends install "$@"
	} </dev/null 2>&1) || {
		status=$?
		printf '%s\n' "$log" >&2
	}
	return $status
}

# PostgreSQL itself, unless the caller brings another with PG_CONFIG.
build_packages() {
	echo gcc libc6-dev make perl libpcre2-dev libisal-dev libzstd-dev libbz2-dev liblzma-dev libsnappy-dev liblz4-dev \
		libssl-dev libexpat1-dev libcurl4-openssl-dev gzip zstd bzip2 xz-utils
	if [ "$PG_CONFIG" = /usr/lib/postgresql/15/bin/pg_config ]; then
		echo postgresql-15 postgresql-server-dev-15
	fi
}

# ---------- a directory that nothing outlives ----------

# make_work DIR: makes DIR, a new directory, and calls it "work".  However the script ends, from here on
# release_work is called, unless keep_work was.
make_work() {
	trap release_work EXIT
	trap 'exit 129' HUP
	trap 'exit 130' INT
	trap 'exit 143' TERM
	work=$1
	mkdir -m 700 "$work" || {
		work=
		exit 1
	}
}

# Stops what runs there and removes it, or only stops that if KEEP is set.
release_work() {
	trap '' HUP INT TERM
	[ -n "${work-}" ] || return 0
	stop_below "$work"
	if [ -n "${KEEP-}" ]; then
		say "kept: $work"
	else
		rm -rf "$work" "$(memory_of "$work")"
	fi
	work=
}

# memory_of WORK: the name of a directory in memory that goes with WORK, if somebody makes it
memory_of() {
	echo "/dev/shm/${1##*/}"
}

keep_work() {
	work=
}

# random_name PREFIX: a name in the directory for temporary files that nobody has
random_name() {
	mktemp -u "${TMPDIR:-/tmp}/$1.XXXXXX"
}

# processes_below DIR: those that have their working directory or program there
processes_below() {
	# some end meanwhile
	{ find /proc/[0-9]*/cwd /proc/[0-9]*/exe -maxdepth 0 \( -lname "$1" -o -lname "$1/*" \) 2>/dev/null || true; } |
		cut -d / -f 3 | sort -u
}

# stop_below DIR: a process that does not end by SIGTERM gets what ends PostgreSQL faster, and SIGKILL at last.
# A server that was not killed takes its shared memory with it.
stop_below() {
	local signal pids try

	for signal in TERM INT QUIT KILL; do
		for ((try = 0; try < 50; try++)); do
			pids=$(processes_below "$1")
			[ -n "$pids" ] || return 0
			# shellcheck disable=SC2086
			[ $try -gt 0 ] || kill -$signal $pids 2>/dev/null || true
			sleep 0.1
		done
	done
}

# wait_for_job COMMAND...: runs it in a process group of its own, so that a signal to the script is heard at once and
# does not wait for its end; release_work ends it then
wait_for_job() {
	local job status=0

	set -m
	"$@" </dev/null &
	set +m
	job=$!
	wait $job || status=$?
	return $status
}

# ---------- the second stage ----------

# Who runs servers: whoever calls, but not root.
server_user() {
	if [ "$(id -u)" != 0 ]; then
		id -un
	elif id postgres >/dev/null 2>&1; then
		echo postgres
	else
		echo nobody
	fi
}

# as_server_user COMMAND...: with nothing in the environment that leads to another server
as_server_user() {
	local name unset=()
	local user

	user=$(server_user)
	for name in $(compgen -e | grep '^PG' | grep -vx PG_CONFIG); do
		unset+=(-u "$name")
	done
	if [ "$(id -u)" = 0 ]; then
		setpriv --reuid="$user" --regid="$(id -g "$user")" --init-groups env "${unset[@]}" "$@"
	else
		env "${unset[@]}" "$@"
	fi
}

# copy_tree TREE WORK: to WORK/src, and the samples beside the tree, if any, to WORK/samples
copy_tree() {
	local tree=$1 work=$2

	mkdir "$work/src" "$work/tmp"
	if git -c safe.directory='*' -C "$tree" rev-parse --git-dir >/dev/null 2>&1; then
		git -c safe.directory='*' -C "$tree" ls-files -co --exclude-standard -z |
			(cd "$tree" && tar -c --null --ignore-failed-read -T - 2>/dev/null) | tar -x -C "$work/src"
	else
		cp -R "$tree/." "$work/src"
		find "$work/src" \( -name '*.o' -o -name '*.so' \) -delete
	fi
	if [ -d "$tree/../shared/samples" ]; then
		cp -R "$tree/../shared/samples" "$work/samples"
		chmod -R u+w "$work/samples"
	fi
	if [ "$(id -u)" = 0 ]; then
		chown -R "$(server_user):" "$work"
	fi
}

# second_stage WORK SCRIPT ARGUMENT...: to be called in a subshell
second_stage() {
	local work=$1 script=$2

	shift 2
	cd "$work/src" && as_server_user env HOME="$work" TMPDIR="$work/tmp" LANG=C.UTF-8 LC_ALL=C.UTF-8 \
		FLOWLOG_WORK="$work" PG_CONFIG="$PG_CONFIG" "$BASH" "$script" "$@"
}

# ---------- PostgreSQL ----------

# private_postgres DIR: makes PG_CONFIG's installation anew below DIR, and PG_CONFIG point to that.
#
# PostgreSQL's programs find their other files relative to themselves, so real
# copies of the programs and links for the rest make an installation to which
# an extension can be added without touching the original.
private_postgres() {
	local root=$1
	local bin lib share include

	[ -x "$PG_CONFIG" ] || die "there is no pg_config at $PG_CONFIG; set PG_CONFIG"
	bin=$("$PG_CONFIG" --bindir)
	lib=$("$PG_CONFIG" --pkglibdir)
	share=$("$PG_CONFIG" --sharedir)
	include=$("$PG_CONFIG" --includedir-server)

	mkdir -p "$root$bin" "$root$lib" "$root$share/extension" "$root${include%/*}"
	cp -RP "$bin/." "$root$bin"
	ln -s "$include" "$root$include"
	link_entries "$share" "$root$share"
	link_entries "$share/extension" "$root$share/extension"
	link_entries "$lib" "$root$lib"

	PG_CONFIG=$root$bin/pg_config
	PATH=$root$bin:$PATH
	export PG_CONFIG PATH
}

# link_entries FROM TO: all but ourselves and what TO has already
link_entries() {
	local entry

	for entry in "$1"/*; do
		case ${entry##*/} in
			flowlog_fdw* | flowlog_s3*) ;;
			*) [ -e "$2/${entry##*/}" ] || ln -s "$entry" "$2" ;;
		esac
	done
}

# start_server DIR USER: a new cluster in DIR/data, its superuser USER.  No network, only a
# socket in DIR, which must be ours alone, for nobody is asked who they are.
start_server() {
	initdb -D "$1/data" -U "$2" -A trust -E UTF8 --no-locale -N >"$1/initdb.log" 2>&1 || {
		cat "$1/initdb.log"
		return 1
	}
	cat >>"$1/data/postgresql.conf" <<-CONF
		listen_addresses = ''
		unix_socket_directories = '$1'
	CONF
	pg_ctl -D "$1/data" -l "$1/server.log" -w -s start || {
		cat "$1/server.log"
		return 1
	}
}
