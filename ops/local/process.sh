# One process of the suite: started in the background, found again by its pid file, ended by its pid.
# Sourced after places.sh.
#
# A pid file holds the pid and what tells the process from a later one that got the same pid: the boot's id and the
# moment at which the kernel started it. Nothing is ever signalled that does not match.

# Prints what identifies the living process of that pid; fails where there is none. A zombie counts as none.
process_identity() {
  local stat boot fields
  { stat=$(<"/proc/$1/stat") && boot=$(</proc/sys/kernel/random/boot_id); } 2>/dev/null || return 1
  # The second field is the command in parentheses and may hold anything; the third is the state, the 22nd the start.
  read -ra fields <<<"${stat##*) }"
  [[ ${fields[0]} != [ZX] ]] || return 1
  echo "$boot:${fields[19]}"
}

# Prints the pid of the named process where it is running.
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

# A successor, NAME.next, goes on with the log of the process whose place it takes.
process_log() {
  echo "$logs/${1%.next}.log"
}

# process_start NAME COMMAND ARGUMENT... : in a session of its own, so that it outlives this script and its terminal.
process_start() {
  local name=$1 pid identity
  shift
  mkdir -p "$logs" "$run_dir"
  (cd / && exec setsid "$@" </dev/null >>"$(process_log "$name")" 2>&1 8>&- 9>&-) &
  pid=$!
  # Gone already? Then whoever waits for it to become ready reports that.
  identity=$(process_identity "$pid") || identity=none
  echo "$pid $identity" >"$run_dir/$name.pid"
}

# process_stop NAME SIGNAL SECONDS : asks, waits, and only then kills.
process_stop() {
  local name=$1 signal=$2 seconds=$3 pid deadline
  if pid=$(process_pid "$name"); then
    kill -s "$signal" "$pid" 2>/dev/null || true
    deadline=$((SECONDS + seconds))
    while process_is_running "$name"; do
      if ((SECONDS > deadline)); then
        complain "$name (pid $pid) did not end within $seconds seconds of SIG$signal and is killed"
        kill -s KILL "$pid" 2>/dev/null || true
        deadline=$((SECONDS + seconds))
      fi
      sleep 0.05
    done
  fi
  rm -f "$run_dir/$name.pid"
}

# process_await NAME SECONDS : until `suite_health NAME` is good; explains from its log where it does not become so.
process_await() {
  local name=$1 deadline=$((SECONDS + $2)) problem
  while true; do
    problem=$(suite_health "$name") && return 0
    if ! process_is_running "$name"; then
      complain "$name ended while starting. The end of $(process_log "$name"):"
      tail -n 20 "$(process_log "$name")" >&2
      return 1
    fi
    if ((SECONDS > deadline)); then
      complain "$name is not ready after $2 seconds: $problem. The end of $(process_log "$name"):"
      tail -n 20 "$(process_log "$name")" >&2
      return 1
    fi
    sleep 0.1
  done
}
