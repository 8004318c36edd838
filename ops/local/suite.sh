# The processes of the suite: in which order they are started, how, and what tells that they are well.

# shellcheck source=places.sh
source "$(dirname "${BASH_SOURCE[0]}")/places.sh"
# shellcheck source=process.sh
source "$root/ops/local/process.sh"
# shellcheck source=postgres.sh
source "$root/ops/local/postgres.sh"

servers=(postgres broker mail-catcher)
services=(identity-store scim-api invitation-mailer group-sync)
processes=("${servers[@]}" "${services[@]}")

demo_workspace=acme
# One copy of each service: more partitions would only make more and smaller requests to the broker.
topic_partitions=3
mail_dir=$local_dir/mail
start_seconds=60
stop_seconds=30

# Fails unless the suite has been set up in this clone.
require_suite() {
  load_ports && [[ -f $local_dir/configuration ]] || fail "nothing has been set up here yet: run ops/run"
}

# The folder with the built executables, as the last ops/run built them.
programs() {
  cat "$local_dir/configuration"
}

# The broker itself rather than its Python wrapper, which would not pass a signal on.
broker_program() {
  local found=("$venv"/lib/python3*/site-packages/noida_db/noida-db)
  echo "${found[0]}"
}

# scim-api is restarted by a second process that takes over from the first: one is replica 0, the other replica 1. Prints which one
# runs, or ran last; `scim-api.next`, while it starts, is the other.
replica() {
  local current=0
  [[ ! -f $run_dir/scim-api.replica ]] || current=$(<"$run_dir/scim-api.replica")
  case $1 in
    scim-api) echo "$current" ;;
    scim-api.next) echo $((1 - current)) ;;
    *) echo 0 ;;
  esac
}

health_port() {
  local service=${1%.next} variable
  variable=port_${service//-/_}_health
  [[ $(replica "$1") == 0 ]] || variable+=_1
  echo "${!variable}"
}

# The URL that a person or script would look at, if there is one.
address() {
  case $1 in
    postgres) database_address rollcall_owner ;;
    broker) echo "127.0.0.1:$port_kafka" ;;
    mail-catcher) echo "127.0.0.1:$port_smtp" ;;
    scim-api) echo "http://127.0.0.1:$port_http" ;;
    *) echo "http://127.0.0.1:$(health_port "$1")" ;;
  esac
}

# Prints NAME=VALUE lines: the settings of one service. `SERVICE --help` lists all there are.
service_settings() {
  local service=${1%.next}
  echo "ROLLCALL_KAFKA=127.0.0.1:$port_kafka"
  # The local broker answers a fetch at once, messages or not.
  echo "ROLLCALL_KAFKA_PAUSE_EMPTY_FETCHES=true"
  echo "ROLLCALL_DATABASE_URL=$(database_url "${service//-/_}")"
  echo "ROLLCALL_REPLICA=$(replica "$1")"
  echo "ROLLCALL_TOPIC_PARTITIONS=$topic_partitions"
  echo "ROLLCALL_HEALTH_HOST=127.0.0.1"
  echo "ROLLCALL_HEALTH_PORT=$(health_port "$1")"
  case $service in
    scim-api)
      echo "ROLLCALL_HTTP_HOST=127.0.0.1"
      echo "ROLLCALL_HTTP_PORT=$port_http"
      echo "ROLLCALL_HTTP_SHARE_PORT=true"
      echo "ROLLCALL_CURSOR_KEY_FILE=$local_dir/cursor.key"
      # What measures the suite, or tries to break it, sends more than any identity provider may.
      if [[ ${ROLLCALL_SUITE_LIMITS:-on} == off ]]; then
        echo "ROLLCALL_LIMIT_TOKEN_RATE=0"
        echo "ROLLCALL_LIMIT_WORKSPACE_RATE=0"
        echo "ROLLCALL_LIMIT_STRANGER_RATE=0"
        echo "ROLLCALL_LIMIT_WRITES_BESIDE_OTHERS=1000"
        echo "ROLLCALL_LIMIT_LISTS_BESIDE_OTHERS=1000"
        echo "ROLLCALL_LIMIT_WRITE_RATE_BESIDE_OTHERS=0"
        echo "ROLLCALL_LIMIT_LIST_RATE_BESIDE_OTHERS=0"
        echo "ROLLCALL_REQUEST_IN_FLIGHT_PER_TOKEN=1000"
        echo "ROLLCALL_REQUEST_IN_FLIGHT_PER_WORKSPACE=1000"
      fi
      oauth_settings
      ;;
    identity-store)
      echo "ROLLCALL_TOMBSTONE_KEY_FILE=$local_dir/tombstone.key"
      oauth_settings
      ;;
    group-sync)
      echo "ROLLCALL_SECURITY_SIGNING_KEY_FILE=$local_dir/signing.key"
      echo "ROLLCALL_SECURITY_ISSUER=http://127.0.0.1:$port_http"
      ;;
    invitation-mailer)
      echo "ROLLCALL_SMTP_URL=smtp://127.0.0.1:$port_smtp"
      echo "ROLLCALL_MAIL_FROM=Rollcall <rollcall@localhost>"
      echo "ROLLCALL_HTTP_PUBLIC_URL=http://127.0.0.1:$port_http"
      ;;
  esac
}

# What lets the edge give out access tokens; a suite that was set up before there were any has none.
oauth_settings() {
  [[ ! -s $local_dir/oauth.key ]] || echo "ROLLCALL_OAUTH_KEY_FILE=$local_dir/oauth.key"
}

# Starts one process, without waiting until it is ready.
suite_start() {
  local name=$1 settings politely=()
  case $name in
    postgres)
      await_postgres_leftovers "$(postgres_data)"
      process_start postgres "${as_postgres[@]}" "$(postgres_programs)/postgres" -D "$(postgres_data)" -p "$port_postgres"
      ;;
    broker)
      process_start broker "$(broker_program)" start --only kafka --kafka-port "$port_kafka" --data-dir "$local_dir/broker"
      ;;
    mail-catcher)
      # It stands for other people's machines, and so takes what is left of this one; likewise the mailer, whose mails can wait.
      process_start mail-catcher nice -n 19 "$venv/bin/python" "$root/ops/local/mail-catcher.py" "$port_smtp" "$mail_dir"
      ;;
    *)
      # Only the settings from here: a ROLLCALL_ variable of whoever runs this must not find its way into a service.
      mapfile -t settings < <(service_settings "$name")
      [[ $name != invitation-mailer ]] || politely=(nice -n 10)
      process_start "$name" "${politely[@]}" env --ignore-environment PATH="$PATH" "${settings[@]}" "$(programs)/${name%.next}"
      program_stamp "$name" >"$run_dir/$name.stamp"
      ;;
  esac
}

# Asks one process to end, and waits until it has.
suite_stop() {
  local signal=TERM
  # SIGTERM would make PostgreSQL wait until its clients have gone; SIGINT has it roll back what is open and write its data.
  [[ $1 != postgres ]] || signal=INT
  process_stop "$1" "$signal" "$stop_seconds"
}

# What a running service was started from: its executable and its settings.
program_stamp() {
  stat --format '%i %Y %s' "$(programs)/${1%.next}"
  service_settings "$1" | sha256sum
}

service_is_current() {
  [[ -f $run_dir/$1.stamp && $(program_stamp "$1") == "$(<"$run_dir/$1.stamp")" ]]
}

# Succeeds where the process is well; else prints what is wrong, in one line.
suite_health() {
  local answer
  case $1 in
    postgres)
      "$(postgres_programs)/pg_isready" --quiet --host 127.0.0.1 --port "$port_postgres" --timeout 2 || {
        echo "does not take connections"
        return 1
      }
      ;;
    broker | mail-catcher)
      ! port_is_free "$(address "$1" | cut -d : -f 2)" || {
        echo "does not take connections"
        return 1
      }
      ;;
    *)
      if answer=$(curl --silent --max-time 5 --write-out '\n%{http_code}' "http://127.0.0.1:$(health_port "$1")/readyz"); then
        [[ ${answer##*$'\n'} != 200 ]] || return 0
        echo "not ready: ${answer%$'\n'*}" | tr '\n' ' '
      else
        echo "does not answer on its health port"
      fi
      return 1
      ;;
  esac
}

# Has one process stopped where it runs, started, and waited for. The edge's successor is ready before it stops, so that no request
# finds nobody.
suite_restart() {
  take_lock "$1" 9
  if [[ $1 == scim-api ]] && process_is_running scim-api; then
    suite_hand_over
    return
  fi
  suite_stop "$1"
  suite_start "$1"
  process_await "$1" "$start_seconds"
}

suite_hand_over() {
  local successor
  successor=$(replica scim-api.next)
  suite_stop scim-api.next
  suite_start scim-api.next
  process_await scim-api.next "$start_seconds" || {
    suite_stop scim-api.next
    return 1
  }
  suite_stop scim-api
  mv "$run_dir/scim-api.next.pid" "$run_dir/scim-api.pid"
  mv "$run_dir/scim-api.next.stamp" "$run_dir/scim-api.stamp"
  echo "$successor" >"$run_dir/scim-api.replica"
}

# quietly COMMAND... : without what it says beside its output, unless it fails.
quietly() {
  "$@" 2>"$logs/scimctl.log" || {
    cat "$logs/scimctl.log" >&2
    return 1
  }
}

# Removes all that a suite that has been stopped keeps, but for its logs.
remove_suite() {
  rm -rf "$(readlink -f "$local_dir/postgres")" \
    "${local_dir:?}"/{postgres,pgpass,broker,mail,bin,ports,configuration,tombstone.key,cursor.key,oauth.key,signing.key,rollcall.env,demo.started}
}
