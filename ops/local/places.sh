# Where this clone keeps what it makes, and on which ports it listens. Sourced by the scripts of ops/.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)

# Everything lies below .local/ of the clone; a second suite beside the first gets a folder of its own by ROLLCALL_LOCAL.
local_dir=${ROLLCALL_LOCAL:-$root/.local}
venv=$root/.local/venv
logs=$local_dir/logs
run_dir=$local_dir/run
export LC_ALL=C.UTF-8

# Passwords, keys, tokens and people's mails lie there: nobody but the owner gets into it.
for folder in "$root/.local" "$local_dir"; do
  mkdir -p "$folder"
  [[ ! -O $folder ]] || chmod 700 "$folder"
done

# The scripts are about the suite of this clone: a setting of the caller's, such as ROLLCALL_WORKSPACE or ROLLCALL_DATABASE_URL, must not
# lead one of their own calls of scimctl to another workspace or database.
for variable in "${!ROLLCALL_@}"; do
  case $variable in
    ROLLCALL_LOCAL | ROLLCALL_SUITE_LIMITS | ROLLCALL_WARNINGS_AS_ERRORS | ROLLCALL_PYTHON | ROLLCALL_NOIDA_DB) ;;
    *) unset "$variable" ;;
  esac
done

complain() {
  printf '%s: %s\n' "$(basename "$0")" "$*" >&2
}

fail() {
  complain "$@"
  exit 1
}

# take_lock NAME DESCRIPTOR : for the rest of this process, waiting for whoever has it. Descriptor 8 is for the whole suite,
# 9 for one process of it.
take_lock() {
  mkdir -p "$run_dir"
  eval "exec $2>\"\$run_dir/\$1.lock\""
  if ! flock --nonblock "$2"; then
    complain "waiting for another script of this clone that has '$1' in hand"
    flock "$2"
  fi
}

port_names=(
  postgres kafka smtp http scim_api_health scim_api_health_1 identity_store_health invitation_mailer_health group_sync_health
)

# The ports are chosen once, so that URLs and configurations stay as they are from run to run.
load_ports() {
  [[ -f $local_dir/ports ]] || return 1
  # shellcheck source=/dev/null
  source "$local_dir/ports"
}

port_is_free() {
  ! (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null
}

# A free port below the range from which the kernel takes ports for outgoing connections, and not one of `port_*` already.
free_port() {
  local port name variable
  while true; do
    port=$((20000 + RANDOM % 12000))
    for name in "${port_names[@]}"; do
      variable=port_$name
      [[ ${!variable:-} != "$port" ]] || continue 2
    done
    if port_is_free "$port"; then
      echo "$port"
      return
    fi
  done
}

# Chooses the ports that are not chosen yet, and again each one in `taken` (names), and keeps them.
choose_ports() {
  local name variable chosen=0
  load_ports || true
  for name in "${port_names[@]}"; do
    variable=port_$name
    if [[ -z ${!variable:-} || " ${taken:-} " == *" $name "* ]]; then
      printf -v "$variable" '%s' "$(free_port)"
      chosen=1
    fi
  done
  [[ $chosen == 1 ]] || return 0
  for name in "${port_names[@]}"; do
    variable=port_$name
    printf '%s=%s\n' "$variable" "${!variable}"
  done >"$local_dir/ports.new"
  mv "$local_dir/ports.new" "$local_dir/ports"
}
