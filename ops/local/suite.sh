# The processes of the suite: start order, start and stop, settings, and health checks.

# shellcheck source=places.sh
source "$(dirname "${BASH_SOURCE[0]}")/places.sh"
# shellcheck source=process.sh
source "$root/ops/local/process.sh"
# shellcheck source=postgres.sh
source "$root/ops/local/postgres.sh"

servers=(postgres broker mail-catcher)
services=(identity-store scim-api invitation-mailer group-sync)
processes=("${servers[@]}" "${services[@]}")
# The sample product. Benchmarks run without it, so that they measure the suite alone.
[[ ${ROLLCALL_SUITE_PRODUCT:-on} == off ]] || processes+=(product)
product_settings=$local_dir/product.env

demo_workspace=acme
# Few partitions, because each service has one replica; more would only split the requests to the broker.
topic_partitions=3
mail_dir=$local_dir/mail
start_seconds=60
stop_seconds=30

# Fails unless the suite has been set up in this clone.
require_suite() {
  load_ports && [[ -f $local_dir/configuration ]] || fail "the suite is not set up in this clone: run ops/run"
}

# programs [SERVICE] : prints the folder of the executables that the last ops/run built, or of the release to which ops/upgrade-test has
# rolled a service.
programs() {
  local rolled=$run_dir/${1:-}.programs
  if [[ -n ${1:-} && -f $rolled ]]; then
    cat "$rolled"
  else
    cat "$local_dir/configuration"
  fi
}

# Prints the path of the broker executable. Its Python wrapper does not forward signals.
broker_program() {
  local found=("$venv"/lib/python3*/site-packages/noida_db/noida-db)
  echo "${found[0]}"
}

# replica NAME : prints the replica number of a process. A restart of scim-api starts a second process, `scim-api.next`, which replaces the
# first, so the number alternates between 0 and 1.
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

# address NAME : prints the address of a process.
address() {
  case $1 in
    postgres) database_address rollcall_owner ;;
    broker) echo "127.0.0.1:$port_kafka" ;;
    mail-catcher) echo "127.0.0.1:$port_smtp" ;;
    scim-api) echo "http://127.0.0.1:$port_http" ;;
    product) echo "http://127.0.0.1:${port_product:-}" ;;
    *) echo "http://127.0.0.1:$(health_port "$1")" ;;
  esac
}

# service_settings NAME : prints the settings of a service as NAME=VALUE lines. `SERVICE --help` lists all settings.
service_settings() {
  local service=${1%.next}
  echo "ROLLCALL_KAFKA=127.0.0.1:$port_kafka"
  # The local broker responds to a fetch immediately, even if there are no messages.
  echo "ROLLCALL_KAFKA_PAUSE_EMPTY_FETCHES=true"
  echo "ROLLCALL_DATABASE_URL=$(database_url "${service//-/_}")"
  echo "ROLLCALL_REPLICA=$(replica "$1")"
  echo "ROLLCALL_TOPIC_PARTITIONS=$topic_partitions"
  echo "ROLLCALL_HEALTH_HOST=127.0.0.1"
  echo "ROLLCALL_HEALTH_PORT=$(health_port "$1")"
  [[ -z ${ROLLCALL_SUITE_TRACES:-} ]] || echo "ROLLCALL_OTLP_ENDPOINT=$ROLLCALL_SUITE_TRACES"
  case $service in
    scim-api)
      echo "ROLLCALL_HTTP_HOST=127.0.0.1"
      echo "ROLLCALL_HTTP_PORT=$port_http"
      echo "ROLLCALL_HTTP_SHARE_PORT=true"
      echo "ROLLCALL_CURSOR_KEY_FILE=$local_dir/cursor.key"
      echo "ROLLCALL_DATABASE_FEED_URL=$(database_url scim_api_feed)"
      # Benchmarks, fuzz tests and the chaos test send more requests than the limits allow.
      if [[ ${ROLLCALL_SUITE_LIMITS:-on} == off ]]; then
        echo "ROLLCALL_LIMIT_TOKEN_RATE=0"
        echo "ROLLCALL_LIMIT_WORKSPACE_RATE=0"
        echo "ROLLCALL_LIMIT_UNAUTHENTICATED_RATE=0"
        echo "ROLLCALL_LIMIT_WRITES_BESIDE_OTHERS=1000"
        echo "ROLLCALL_LIMIT_LISTS_BESIDE_OTHERS=1000"
        echo "ROLLCALL_LIMIT_WRITE_RATE_BESIDE_OTHERS=0"
        echo "ROLLCALL_LIMIT_LIST_RATE_BESIDE_OTHERS=0"
        echo "ROLLCALL_REQUEST_IN_FLIGHT_PER_TOKEN=1000"
        echo "ROLLCALL_REQUEST_IN_FLIGHT_PER_WORKSPACE=1000"
        # So that `ops/bench counts` counts only what the requests cause.
        echo "ROLLCALL_TOKEN_USE_INTERVAL=1h"
      fi
      oauth_settings
      webhook_key
      ;;
    identity-store)
      echo "ROLLCALL_TOMBSTONE_KEY_FILE=$local_dir/tombstone.key"
      oauth_settings
      local_webhooks
      ;;
    group-sync)
      echo "ROLLCALL_SECURITY_SIGNING_KEY_FILE=$local_dir/signing.key"
      echo "ROLLCALL_SECURITY_ISSUER=http://127.0.0.1:$port_http"
      webhook_key
      local_webhooks
      ;;
    invitation-mailer)
      echo "ROLLCALL_SMTP_URL=smtp://127.0.0.1:$port_smtp"
      echo "ROLLCALL_MAIL_FROM=Rollcall <rollcall@localhost>"
      echo "ROLLCALL_HTTP_PUBLIC_URL=http://127.0.0.1:$port_http"
      ;;
  esac
}

# The key that signs OAuth access tokens; a suite that was set up by an earlier version has none.
oauth_settings() {
  [[ ! -s $local_dir/oauth.key ]] || echo "ROLLCALL_OAUTH_KEY_FILE=$local_dir/oauth.key"
}

# The key that encrypts the secrets of webhook endpoints; a suite that was set up by an earlier version has none.
webhook_key() {
  [[ ! -s $local_dir/webhook.key ]] || echo "ROLLCALL_WEBHOOK_KEY_FILE=$local_dir/webhook.key"
}

# Products of the local suite run on this machine.
local_webhooks() {
  echo "ROLLCALL_WEBHOOKS_ALLOW_INSECURE=true"
  echo "ROLLCALL_WEBHOOKS_ALLOW_PRIVATE_ADDRESSES=true"
}

# Starts one process, without waiting until it is ready.
suite_start() {
  local name=$1 settings priority=()
  case $name in
    postgres)
      await_postgres_leftovers "$(postgres_data)"
      process_start postgres "${as_postgres[@]}" "$(postgres_programs)/postgres" -D "$(postgres_data)" -p "$port_postgres"
      ;;
    broker)
      process_start broker "$(broker_program)" start --only kafka --kafka-port "$port_kafka" --data-dir "$local_dir/broker"
      ;;
    mail-catcher)
      # Runs at the lowest priority, because it stands for another machine. The mailer has a low priority, because mails can wait.
      process_start mail-catcher nice -n 19 "$venv/bin/python" "$root/ops/local/mail-catcher.py" "$port_smtp" "$mail_dir"
      ;;
    product)
      # Has the priority of another machine, too. The settings are not on the command line, since they contain secrets.
      (
        set -o allexport
        # shellcheck source=/dev/null
        source "$product_settings"
        process_start product nice -n 19 "$venv/bin/python" -B "$root/ops/examples/product/app.py"
      )
      program_stamp product >"$run_dir/product.stamp"
      ;;
    *)
      # Clears the environment, so that ROLLCALL_ variables of the caller do not reach the service.
      mapfile -t settings < <(service_settings "$name")
      # Variables that the chaos test adds.
      [[ ! -f $run_dir/${name%.next}.environment ]] || mapfile -t -O "${#settings[@]}" settings <"$run_dir/${name%.next}.environment"
      [[ $name != invitation-mailer ]] || priority=(nice -n 10)
      process_start "$name" "${priority[@]}" env --ignore-environment PATH="$PATH" "${settings[@]}" "$(programs "${name%.next}")/${name%.next}"
      program_stamp "$name" >"$run_dir/$name.stamp"
      ;;
  esac
}

# suite_stop NAME : stops a process and waits until it has ended.
suite_stop() {
  local signal=TERM
  # On SIGTERM, PostgreSQL waits for its clients to disconnect. SIGINT is its fast shutdown.
  [[ $1 != postgres ]] || signal=INT
  process_stop "$1" "$signal" "$stop_seconds"
}

# program_stamp NAME : prints an identification of the executable and the settings of a service, or of the sample product.
program_stamp() {
  if [[ $1 == product ]]; then
    find "$root/ops/examples/product" -type f -printf '%p %T@ %s\n' | sort | cat - "$product_settings" | sha256sum
    return
  fi
  stat --format '%i %Y %s' "$(programs "${1%.next}")/${1%.next}"
  service_settings "$1" | sha256sum
}

service_is_current() {
  [[ -f $run_dir/$1.stamp && $(program_stamp "$1") == "$(<"$run_dir/$1.stamp")" ]]
}

# suite_health NAME : succeeds if the process is healthy, else prints the problem in one line.
suite_health() {
  local response
  case $1 in
    postgres)
      "$(postgres_programs)/pg_isready" --quiet --host 127.0.0.1 --port "$port_postgres" --timeout 2 || {
        echo "does not accept connections"
        return 1
      }
      ;;
    product)
      curl --silent --fail --max-time 5 --output /dev/null "$(address product)" || {
        echo "does not respond"
        return 1
      }
      ;;
    broker | mail-catcher)
      ! port_is_free "$(address "$1" | cut -d : -f 2)" || {
        echo "does not accept connections"
        return 1
      }
      ;;
    *)
      if response=$(curl --silent --max-time 5 --write-out '\n%{http_code}' "http://127.0.0.1:$(health_port "$1")/readyz"); then
        [[ ${response##*$'\n'} != 200 ]] || return 0
        echo "not ready: ${response%$'\n'*}" | tr '\n' ' '
      else
        echo "does not respond on its health port"
      fi
      return 1
      ;;
  esac
}

# suite_restart NAME : restarts a process and waits until it is ready. scim-api is replaced without downtime: its successor is ready before
# it stops.
suite_restart() {
  take_lock "$1" 9
  if [[ $1 == scim-api ]] && process_is_running scim-api; then
    replace_scim_api
    return
  fi
  suite_stop "$1"
  suite_start "$1"
  process_await "$1" "$start_seconds"
}

replace_scim_api() {
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

# quietly COMMAND... : runs a command, and prints its standard error only if it fails.
quietly() {
  "$@" 2>"$logs/scimctl.log" || {
    cat "$logs/scimctl.log" >&2
    return 1
  }
}

# Removes the data of a stopped suite, except its logs.
remove_suite() {
  rm -f "$run_dir"/*.{programs,environment,clock}
  rm -rf "$(readlink -f "$local_dir/postgres")" \
    "${local_dir:?}"/{postgres,pgpass,broker,mail,bin,ports,configuration,tombstone.key,cursor.key,oauth.key,webhook.key,signing.key,rollcall.env,demo.started} \
    "$product_settings" "${local_dir:?}"/product.db*
}
