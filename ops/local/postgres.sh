# The PostgreSQL cluster of the suite, which listens on the loopback address only. Sourced after process.sh.

# PostgreSQL refuses to run as root; in that case it runs as the user that its package created.
postgres_user=postgres
as_postgres=()
if [[ $(id -u) == 0 ]]; then
  as_postgres=(setpriv "--reuid=$postgres_user" "--regid=$postgres_user" --init-groups)
fi

# Prints the folder with the programs of the newest installed server.
postgres_programs() {
  local folder newest=''
  for folder in $(printf '%s\n' /usr/lib/postgresql/*/bin | sort --version-sort); do
    [[ ! -x $folder/initdb ]] || newest=$folder
  done
  if [[ -z $newest ]]; then
    newest=$(dirname "$(command -v initdb)") || fail "the PostgreSQL server is not installed"
  fi
  echo "$newest"
}

# The passwords of the roles in the format of libpq. psql reads them from this file, so that no command line contains one.
export PGPASSFILE=$local_dir/pgpass
database_roles=(postgres rollcall_owner scim_api scim_api_feed identity_store invitation_mailer group_sync scimctl)

# Generates a password for each role that has none.
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

# database_password ROLE : prints its password, which consists of hexadecimal digits.
database_password() {
  [[ ! -f $PGPASSFILE ]] || sed -n "s/^[*]:[*]:[*]:$1://p" "$PGPASSFILE"
}

# postgres_can_access FOLDER : whether the user that runs PostgreSQL can access it.
postgres_can_access() {
  [[ $(id -u) != 0 ]] || (cd / && "${as_postgres[@]}" test -x "$1")
}

# Prepares the folder of the cluster, .local/postgres. If the user that runs PostgreSQL cannot access .local/, it is a link to a folder in
# /var/tmp, and an existing cluster is moved there.
prepare_postgres_folder() {
  local folder=$local_dir/postgres elsewhere
  # Removes a link to a folder that no longer exists.
  [[ -e $folder ]] || rm -f "$folder"
  if [[ ! -L $folder ]] && ! postgres_can_access "$local_dir"; then
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

# Prints the data folder. Its name contains the server version, so a newer server gets a new cluster.
postgres_data() {
  echo "$(readlink -f "$local_dir/postgres")/data-$(basename "$(dirname "$(postgres_programs)")")"
}

# Creates the cluster if there is none. It listens on the loopback address only, and every role needs a password.
create_cluster() {
  local data staging password
  prepare_postgres_folder
  data=$(postgres_data)
  # initdb writes to another folder, which is then renamed, so that an interrupted initdb leaves no incomplete cluster.
  if ! [[ -d $data ]]; then
    # Passwords of an earlier cluster do not apply.
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
  elif [[ ! -s $PGPASSFILE ]] && ! trusts_everyone "$data"; then
    fail "the file with the database passwords, $PGPASSFILE, is missing: restore it, or remove the database: ops/stop && rm -r $data"
  fi
  create_passwords
}

# trusts_everyone DATA : whether an earlier version created the cluster, which required no passwords.
trusts_everyone() {
  grep --quiet --extended-regexp '^(local|host).*\strust$' "$1/pg_hba.conf"
}

# Waits until the remaining processes of a killed server have ended and it has been reaped. Until then no new server can start on its data.
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

# Creates the database and its login roles, and sets their passwords. Changes a cluster of an earlier version to require passwords.
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
    fail "the database could not be created: see the end of $logs/postgres.log"
  if trusts_everyone "$data"; then
    sed --in-place --regexp-extended '/^(local|host)/s/\strust$/ scram-sha-256/' "$data/pg_hba.conf"
    kill -s HUP "$(process_pid postgres)"
  fi
}

# database_url ROLE : prints the URL with the password of the role.
database_url() {
  echo "postgres://$1:$(database_password "$1")@127.0.0.1:$port_postgres/rollcall"
}

# database_address ROLE [DATABASE] : prints the URL without a password, for display and for clients that read PGPASSFILE, such as psql.
database_address() {
  echo "postgres://$1@127.0.0.1:$port_postgres/${2:-rollcall}"
}
