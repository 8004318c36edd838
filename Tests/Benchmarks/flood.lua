-- The requests of a workspace that floods, for wrk: reads, searches and creations in turn, without pause.
--
--   BENCH_TOKEN   the API access token of the workspace
--   BENCH_RUN     makes user names unique across runs

local headers = { ["Authorization"] = "Bearer " .. os.getenv("BENCH_TOKEN"), ["Content-Type"] = "application/scim+json" }
local run = os.getenv("BENCH_RUN")
local count = 0
local base

function init()
  base = wrk.path
end

function request()
  count = count + 1
  if count % 3 == 0 then
    local name = string.format("flood-%s-%d@flood.example", run, count)
    return wrk.format("POST", base .. "/Users", headers, string.format('{"userName":"%s","displayName":"Flood %d"}', name, count))
  elseif count % 3 == 1 then
    return wrk.format("GET", base .. "/Users?filter=displayName%20co%20%22Flood%201%22&count=10", headers)
  end
  return wrk.format("GET", base .. "/Users?count=100", headers)
end
