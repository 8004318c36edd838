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

# The passwords of the roles, one each, as libpq reads them; psql gets them from there, so that no command line shows one.
export PGPASSFILE=$local_dir/pgpass
database_roles=(postgres rollcall_owner scim_api identity_store invitation_mailer group_sync scimctl)

# Gives each role that has none a password.
create_passwords() {
  local role
  (
    umask 077
    touch "$PGPASSFILE"
    for role in "${database_roles[@]}"; do
      grep --quiet "^[*]:[*]:[*]:$role:" "$PGPASSFILE" ||
        printf '*:*:*:%s:%s\n' "$role" "$(head -c 24 /dev/urandom | od -A n -t x1 | tr -d ' \n')" >>"$PGPASSFILE"
    done
  )
}

# Prints the password of that role; it has hexadecimal digits alone.
database_password() {
  [[ ! -f $PGPASSFILE ]] || sed -n "s/^[*]:[*]:[*]:$1://p" "$PGPASSFILE"
}

# Whether PostgreSQL's user gets at a folder.
postgres_reaches() {
  [[ $(id -u) != 0 ]] || (cd / && "${as_postgres[@]}" test -x "$1")
}

# Where the cluster lies: in .local/, or, where PostgreSQL's user cannot get at that (.local/ is its owner's alone, and root does not run
# PostgreSQL), in a folder of its own that .local/postgres then points to. A cluster that an earlier version made elsewhere moves there.
prepare_postgres_folder() {
  local folder=$local_dir/postgres elsewhere
  # A link to a folder that is gone.
  [[ -e $folder ]] || rm -f "$folder"
  if [[ ! -L $folder ]] && ! postgres_reaches "$local_dir"; then
    elsewhere=$(mktemp --directory /var/tmp/rollcall-postgres.XXXXXX)
    if [[ -d $folder ]]; then
      suite_stop postgres
      await_postgres_leftovers "$(postgres_data)"
      find "$folder" -mindepth 1 -maxdepth 1 -exec mv --target-directory="$elsewhere" {} +
      rmdir "$folder"
    fi
    ln -s "$elsewhere" "$folder"
  fi
  mkdir -p "$folder"
  chmod 700 "$folder"
  [[ $(id -u) != 0 ]] || chown "$postgres_user:" "$folder"
}

# The cluster's data with the version that made it in its name: a newer server starts with a cluster of its own.
postgres_data() {
  echo "$(readlink -f "$local_dir/postgres")/data-$(basename "$(dirname "$(postgres_programs)")")"
}

# Makes the cluster where there is none. It listens on this machine's loopback address alone, and wants a password of everybody.
create_cluster() {
  local data staging password
  prepare_postgres_folder
  data=$(postgres_data)
  # initdb makes the folder that is then renamed, so that one that was interrupted is not taken for a cluster.
  if ! [[ -d $data ]]; then
    # What an earlier cluster's roles had is of no use here.
    rm -f "$PGPASSFILE"
    create_passwords
    staging=$data.new password=$data.password
    rm -rf "$staging"
    (umask 077 && database_password postgres >"$password")
    [[ $(id -u) != 0 ]] || chown "$postgres_user:" "$password"
    (cd / && "${as_postgres[@]}" "$(postgres_programs)/initdb" --pgdata="$staging" --username=postgres --auth=scram-sha-256 \
      --pwfile="$password" --encoding=UTF8 --locale=C.UTF-8 --data-checksums) >>"$logs/postgres.log" 2>&1 ||
      fail "initdb failed: see $logs/postgres.log"
    rm -f "$password"
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
  elif [[ ! -s $PGPASSFILE ]] && ! lets_everybody_in "$data"; then
    fail "the database's passwords, $PGPASSFILE, are gone: restore the file, or remove the database: ops/stop && rm -r $data"
  fi
  create_passwords
}

# Whether the cluster was made by an earlier version, which asked for no password.
lets_everybody_in() {
  grep --quiet --extended-regexp '^(local|host).*\strust$' "$1/pg_hba.conf"
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

# The database, the roles that the processes log in as, and their passwords. A cluster that an earlier version made lets everybody in
# without one; from then on it does not.
create_database() {
  local data role
  data=$(postgres_data)
  {
    cat "$root/ops/local/database.sql"
    for role in "${database_roles[@]}"; do
      printf "alter role %s password '%s';\n" "$role" "$(database_password "$role")"
    done
  } | psql --quiet --no-psqlrc --no-password --set ON_ERROR_STOP=1 --tuples-only "$(database_address postgres postgres)" \
    >>"$logs/postgres.log" 2>&1 ||
    fail "the database could not be made: see the end of $logs/postgres.log"
  if lets_everybody_in "$data"; then
    sed --in-place --regexp-extended '/^(local|host)/s/\strust$/ scram-sha-256/' "$data/pg_hba.conf"
    kill -s HUP "$(process_pid postgres)"
  fi
}

# The URL of the database as that login role, with its password.
database_url() {
  echo "postgres://$1:$(database_password "$1")@127.0.0.1:$port_postgres/rollcall"
}

# The same without the password, for what reads PGPASSFILE, as psql does, and for people.
database_address() {
  echo "postgres://$1@127.0.0.1:$port_postgres/${2:-rollcall}"
}
