# SQL as the superuser of a suite. Sourced after the suite's own `suite.sh`, which may be that of an older version.

# superuser_psql OPTION... : runs psql without the user's settings; the first error ends it.
superuser_psql() {
  psql --quiet --no-psqlrc --set ON_ERROR_STOP=1 "$@" "$(database_address postgres)"
}

# run_sql FILE LOG VARIABLE=VALUE... : runs a SQL file; LOG is the name of a file in the logs of the suite.
run_sql() {
  local file=$1 log=$logs/$2 variables=() variable
  shift 2
  for variable in "$@"; do
    variables+=(--set "$variable")
  done
  superuser_psql "${variables[@]}" --file "$file" >"$log" 2>&1 || {
    tail -n 20 "$log" >&2
    fail "$file failed"
  }
}
