# The surroundings that faults need: namespaces of the test, and file systems for the data of PostgreSQL and the broker. Sourced by chaos.

isolated_faults=(network slow-disk full-disk)
all_faults=(suspend clock "${isolated_faults[@]}")

# The mount point of the file systems. It is visible only in the mount namespace of a test, so tests do not share it.
disks=/var/tmp/rollcall-chaos-disks

has_fault() {
  [[ ",$faults," == *",$1,"* ]]
}

needs_isolation() {
  local name
  for name in "${isolated_faults[@]}"; do
    ! has_fault "$name" || return 0
  done
  return 1
}

# Chooses the default faults, and fails if one of the chosen is unknown or not possible.
choose_faults() {
  local name
  if [[ -z $faults ]]; then
    if [[ $compose == 1 || -n $upgrade_from ]]; then
      faults=none
    elif [[ $quick == 1 ]]; then
      faults=suspend-one
    elif [[ $(id -u) == 0 ]]; then
      faults=$(IFS=, && echo "${all_faults[*]}")
    else
      echo "Leaves out the faults that only root can inject: ${isolated_faults[*]}"
      faults=suspend,clock
    fi
  fi
  [[ $faults != none ]] || faults=''
  [[ $faults != all ]] || faults=$(IFS=, && echo "${all_faults[*]}")
  for name in ${faults//,/ }; do
    [[ " ${all_faults[*]} suspend-one " == *" $name "* ]] || fail "unknown fault '$name'; the faults are: ${all_faults[*]} suspend-one"
  done
  [[ -z $faults || $compose == 0 ]] || fail "--faults does not work with --compose"
  [[ -z $faults || -z $upgrade_from ]] || fail "--faults does not work with --upgrade-from"
  ! needs_isolation || [[ $(id -u) == 0 ]] || fail "only root can inject these faults: ${isolated_faults[*]}"
  if [[ $isolated == 0 ]] && { has_fault clock || needs_isolation; }; then
    "$root/ops/local/install" --chaos
  fi
}

# Runs this script again in namespaces, which end with their last process, and so do the rules and the file systems in them. The build is made
# before, because there is no internet inside.
run_isolated() {
  "$root/ops/local/build" "$configuration" >/dev/null
  unshare --net --mount true 2>/dev/null ||
    fail "namespaces cannot be created here, so that these faults are not possible: ${isolated_faults[*]}; choose others with --faults"
  export ROLLCALL_LOCAL=${local_dir%/*}
  # The packets of the loopback interface are of the size that they would have between machines.
  exec unshare --net --mount -- bash -c 'ip link set lo up mtu 1500 && exec "$@"' bash "$0" --isolated "${arguments[@]}"
}

# Creates a file system for the data of each server, if the faults need them.
create_disks() {
  local name
  if has_fault slow-disk || has_fault full-disk; then
    for name in postgres broker; do
      create_disk "$name" 3G
    done
  fi
}

# create_disk SERVER SIZE : creates a file system in a file, which has no name and takes space only for what it contains.
create_disk() {
  local image
  image=$(mktemp /var/tmp/rollcall-chaos-disk.XXXXXX)
  truncate --size "$2" "$image"
  mkdir -p "$disks/$1"
  if ! mkfs.ext4 -q -m 0 "$image" || ! mount -o loop "$image" "$disks/$1"; then
    rm "$image"
    fail "file systems cannot be mounted here, so that slow-disk and full-disk are not possible; choose other faults with --faults"
  fi
  rm "$image"
  mkdir "$disks/$1/data"
  ln -s "$disks/$1/data" "$local_dir/$1"
}

# Ends what a killed test has left, so that the suite can stop.
end_faults() {
  local name pid
  for name in postgres broker; do
    ! mountpoint --quiet "$disks/$name" || fsfreeze --unfreeze "$disks/$name" 2>/dev/null || true
  done
  for name in "${processes[@]}"; do
    # With the processes of PostgreSQL.
    # shellcheck disable=SC2046
    ! pid=$(process_pid "$name") || kill -s CONT "$pid" $(<"/proc/$pid/task/$pid/children") 2>/dev/null || true
  done
}
