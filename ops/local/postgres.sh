# The private PostgreSQL cluster: made once, reachable on the loopback address alone. Sourced after process.sh.

# PostgreSQL refuses to run as root; it then runs as the user that its package made.
postgres_user=postgres
as_postgres=()
if [[ $(id -u) == 0 ]]; then
  as_postgres=(setpriv "--reuid=$postgres_user" "--regid=$postgres_user" --init-groups)
fi

# The folder of the newest installed server's programs.
postgres_programs() {
  local folder newest=''
  for folder in $(printf '%s\n' /usr/lib/postgresql/*/bin | sort --version-sort); do
    [[ ! -x $folder/initdb ]] || newest=$folder
  done
  if [[ -z $newest ]]; then
    newest=$(dirname "$(command -v initdb)") || fail "PostgreSQL's server is not installed"
  fi
  echo "$newest"
}

# Where the cluster lies: in .local/, or, where PostgreSQL's user cannot get at that (a clone in root's home), in a folder
# of its own that .local/postgres then points to.
prepare_postgres_folder() {
  local folder=$local_dir/postgres
  [[ ! -e $folder ]] || return 0
  if [[ $(id -u) == 0 ]] && ! (cd / && "${as_postgres[@]}" test -x "$local_dir"); then
    folder=$(mktemp --directory /var/tmp/rollcall-postgres.XXXXXX)
    ln -sfn "$folder" "$local_dir/postgres"
  fi
  mkdir -p "$folder"
  chmod 700 "$folder"
  [[ $(id -u) != 0 ]] || chown "$postgres_user:" "$folder"
}

# The cluster's data with the version that made it in its name: a newer server starts with a cluster of its own.
postgres_data() {
  echo "$(readlink -f "$local_dir/postgres")/data-$(basename "$(dirname "$(postgres_programs)")")"
}

# Makes the cluster where there is none. Trust is for this machine's loopback address only, on which alone it listens.
create_cluster() {
  local data staging
  prepare_postgres_folder
  data=$(postgres_data)
  # initdb makes the folder that is then renamed, so that one that was interrupted is not taken for a cluster.
  if ! [[ -d $data ]]; then
    staging=$data.new
    rm -rf "$staging"
    (cd / && "${as_postgres[@]}" "$(postgres_programs)/initdb" --pgdata="$staging" --username=postgres --auth=trust \
      --encoding=UTF8 --locale=C.UTF-8 --data-checksums) >>"$logs/postgres.log" 2>&1 ||
      fail "initdb failed: see $logs/postgres.log"
    cat >>"$staging/postgresql.conf" <<'CONF'
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
max_connections = 200
fsync = on
synchronous_commit = on
log_line_prefix = '%m [%p] %q%u@%d '
log_min_duration_statement = 1000
timezone = 'UTC'
CONF
    mv "$staging" "$data"
  fi
}

# A server that was killed leaves processes behind that end by themselves, and is one itself until its parent has taken note; until
# then no new one can start on its data.
await_postgres_leftovers() {
  local data=$1 deadline=$((SECONDS + 30)) folder pid
  while ((SECONDS < deadline)); do
    for folder in /proc/[0-9]*/cwd; do
      [[ $(readlink "$folder" 2>/dev/null) != "$data" ]] || { sleep 0.1 && continue 2; }
    done
    read -r pid 2>/dev/null <"$data/postmaster.pid" || return 0
    if ! [[ -e /proc/$pid ]] || process_identity "$pid" >/dev/null; then
      return 0
    fi
    sleep 0.1
  done
}

# The database, and the roles that the processes log in as.
create_database() {
  local psql=(psql --quiet --no-psqlrc --set ON_ERROR_STOP=1 --tuples-only --file "$root/ops/local/database.sql")
  "${psql[@]}" "postgres://postgres@127.0.0.1:$port_postgres/postgres" >>"$logs/postgres.log" 2>&1 ||
    fail "the database could not be made: see the end of $logs/postgres.log"
}

# The URL of the database as that login role.
database_url() {
  echo "postgres://$1@127.0.0.1:$port_postgres/rollcall"
}
