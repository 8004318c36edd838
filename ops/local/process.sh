# Starts, finds and stops background processes by pid files. Sourced after places.sh.
#
# A pid file holds the pid, the boot id and the start time of the process. The latter two distinguish it from a later process with the same
# pid. Only a process that matches is signalled.

# process_identity PID : prints the boot id and start time of a running process. Fails if there is none, or it is a zombie.
process_identity() {
  local stat boot fields
  { stat=$(<"/proc/$1/stat") && boot=$(</proc/sys/kernel/random/boot_id); } 2>/dev/null || return 1
  # The second field is the command in parentheses, which may contain spaces. The third is the state, the 22nd the start time.
  read -ra fields <<<"${stat##*) }"
  [[ ${fields[0]} != [ZX] ]] || return 1
  echo "$boot:${fields[19]}"
}

# process_pid NAME : prints the pid of a running process, or fails.
process_pid() {
  local pid identity
  [[ -f $run_dir/$1.pid ]] || return 1
  read -r pid identity <"$run_dir/$1.pid" || return 1
  [[ $(process_identity "$pid") == "$identity" ]] || return 1
  echo "$pid"
}

process_is_running() {
  process_pid "$1" >/dev/null
}

# A successor, NAME.next, appends to the log of the process that it replaces.
process_log() {
  echo "$logs/${1%.next}.log"
}

# process_start NAME COMMAND ARGUMENT... : starts a process in a new session, so that it outlives this script and its terminal.
process_start() {
  local name=$1 pid identity
  shift
  mkdir -p "$logs" "$run_dir"
  (cd / && exec setsid "$@" </dev/null >>"$(process_log "$name")" 2>&1 8>&- 9>&-) &
  pid=$!
  # If it has already ended, process_await reports that.
  identity=$(process_identity "$pid") || identity=none
  echo "$pid $identity" >"$run_dir/$name.pid"
}

# process_stop NAME SIGNAL SECONDS : sends the signal, waits, and then sends SIGKILL.
process_stop() {
  local name=$1 signal=$2 seconds=$3 pid deadline
  if pid=$(process_pid "$name"); then
    kill -s "$signal" "$pid" 2>/dev/null || true
    deadline=$((SECONDS + seconds))
    while process_is_running "$name"; do
      if ((SECONDS > deadline)); then
        warn "$name (pid $pid) did not end within $seconds seconds of SIG$signal; sending SIGKILL"
        kill -s KILL "$pid" 2>/dev/null || true
        deadline=$((SECONDS + seconds))
      fi
      sleep 0.05
    done
  fi
  rm -f "$run_dir/$name.pid"
}

# process_await NAME SECONDS : waits until `suite_health NAME` succeeds. If it does not, prints the end of the log and fails.
process_await() {
  local name=$1 deadline=$((SECONDS + $2)) problem
  while true; do
    problem=$(suite_health "$name") && return 0
    if ! process_is_running "$name"; then
      warn "$name ended during its start. The end of $(process_log "$name"):"
      tail -n 20 "$(process_log "$name")" >&2
      return 1
    fi
    if ((SECONDS > deadline)); then
      warn "$name is not ready after $2 seconds: $problem. The end of $(process_log "$name"):"
      tail -n 20 "$(process_log "$name")" >&2
      return 1
    fi
    sleep 0.1
  done
}
