-- expand
-- The workspaces with the most requests within the last seconds, according to the provisioning log: the requests, the failed ones, those that were
-- rejected by a limit or could not be processed (429 and 503), and the duration of the slowest in milliseconds. A function of the owner's, since
-- scim-api sees the rows of one workspace. The edge calls it only for a caller with a deployment-wide token. The first 48 bits of an entry's id are
-- its time, so that the primary key finds the entries of each workspace.
create function identity_read.busiest_workspaces(seconds bigint, maximum bigint)
returns table (workspace_id uuid, slug text, requests bigint, failed bigint, rejected bigint, slowest double precision)
language sql stable security definer set search_path = pg_catalog
begin atomic
  select w.id, w.slug, recent.requests, recent.failed, recent.rejected, recent.slowest
  from identity.workspaces w
  cross join lateral (
    select
      count(*) as requests,
      count(*) filter (where l.failed) as failed,
      count(*) filter (where l.status in (429, 503)) as rejected,
      coalesce(max((l.entry::json ->> 'microseconds')::double precision), 0) / 1000 as slowest
    from identity.provisioning_log l
    where l.workspace_id = w.id
    and l.id >= (
      lpad(to_hex((extract(epoch from now() - make_interval(secs => busiest_workspaces.seconds)) * 1000)::bigint), 12, '0') || repeat('0', 20)
    )::uuid
  ) recent
  where recent.requests > 0
  order by recent.requests desc, w.slug
  limit least(busiest_workspaces.maximum, 1000);
end;

revoke all on function identity_read.busiest_workspaces(bigint, bigint) from public;
grant execute on function identity_read.busiest_workspaces(bigint, bigint) to rollcall_reader;
