# Paths, ports and locks of the suite in this clone. Sourced by the scripts in ops/.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)

# All files are in .local/ of the clone. ROLLCALL_LOCAL selects another folder, for a second suite beside the first.
local_dir=${ROLLCALL_LOCAL:-$root/.local}
venv=$root/.local/venv
logs=$local_dir/logs
run_dir=$local_dir/run
export LC_ALL=C.UTF-8

# The folder contains passwords, keys, tokens and mails, so only its owner has access.
for folder in "$root/.local" "$local_dir"; do
  mkdir -p "$folder"
  [[ ! -O $folder ]] || chmod 700 "$folder"
done

# Clears the caller's settings, such as ROLLCALL_WORKSPACE or ROLLCALL_DATABASE_URL, so that calls of scimctl in the scripts use the suite of
# this clone.
for variable in "${!ROLLCALL_@}"; do
  case $variable in
    ROLLCALL_LOCAL | ROLLCALL_SKIP_BUILD | ROLLCALL_SUITE_LIMITS | ROLLCALL_SUITE_PRODUCT | ROLLCALL_SUITE_TRACES | ROLLCALL_WARNINGS_AS_ERRORS | ROLLCALL_PYTHON | ROLLCALL_NOIDA_DB) ;;
    *) unset "$variable" ;;
  esac
done

warn() {
  printf '%s: %s\n' "$(basename "$0")" "$*" >&2
}

fail() {
  warn "$@"
  exit 1
}

# take_lock NAME DESCRIPTOR : waits for a lock and holds it until this process ends. Descriptor 8 is for the whole suite, 9 for one
# process of it.
take_lock() {
  mkdir -p "$run_dir"
  eval "exec $2>\"\$run_dir/\$1.lock\""
  if ! flock --nonblock "$2"; then
    warn "waiting for another script that holds the lock '$1'"
    flock "$2"
  fi
}

port_names=(
  postgres kafka smtp http scim_api_health scim_api_health_1 identity_store_health invitation_mailer_health group_sync_health product
)

# Loads the ports, which are chosen once, so that URLs and settings stay the same between runs. Fails if there are none.
load_ports() {
  [[ -f $local_dir/ports ]] || return 1
  # shellcheck source=/dev/null
  source "$local_dir/ports"
}

port_is_free() {
  ! (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null
}

# Prints a free port that is not one of `port_*`. It is below the range that the kernel uses for outgoing connections.
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

# Chooses and stores the ports that are missing or listed in `taken` (names).
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
