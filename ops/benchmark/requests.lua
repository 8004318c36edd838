-- The requests of one row of the benchmark, for wrk. What to ask comes by the environment:
--
--   BENCH_ROW     which of the requests below
--   BENCH_TOKEN   the API access token
--   BENCH_USERS   a file with a user a line: id and userName
--   BENCH_GROUP   the id of the group whose members change
--   BENCH_RUN     what makes new names unique
--   BENCH_TURN    how many users change before they change back; more than are in flight, so that no two changes of the same
--                 user meet
--
-- The last line of the output is JSON with what came of them.

local patch_op = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
local user_urn = "urn:ietf:params:scim:schemas:core:2.0:User"
local enterprise_urn = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"

local row = os.getenv("BENCH_ROW")
local group = os.getenv("BENCH_GROUP")
local run = os.getenv("BENCH_RUN")
local turn = tonumber(os.getenv("BENCH_TURN") or "1")
-- Of the list, the first ones.
local pages = 90
local base, headers, users, count

-- By status, how many answers were not what was expected.
unexpected = {}

local function read_users()
  local read = {}
  for line in io.lines(os.getenv("BENCH_USERS")) do
    local id, user_name = line:match("^(%S+) (%S+)$")
    read[#read + 1] = { id = id, user_name = user_name }
  end
  return read
end

-- The user of the count-th request, and whether it is their turn to change rather than to change back.
local function turning()
  local user = users[1 + count % turn]
  return user, math.floor(count / turn) % 2 == 0
end

-- As Okta describes a user.
local function user_body(user_name, title)
  return string.format(
    '{"schemas":["%s","%s"],"userName":"%s","name":{"givenName":"Ana","familyName":"Silva"},' ..
    '"emails":[{"primary":true,"value":"%s","type":"work"}],"displayName":"Ana Silva","title":"%s","locale":"en-US",' ..
    '"externalId":"00u-%s","groups":[],"password":"1mz050nq","active":true,"%s":{"employeeNumber":"1","department":"Data"}}',
    user_urn, enterprise_urn, user_name, user_name, title, user_name, enterprise_urn)
end

local requests = {
  static = function() return "GET", "/" end,

  get = function() return "GET", base .. "/Users/" .. users[1 + count % #users].id end,

  ["user-name"] = function()
    local user_name = users[1 + count % #users].user_name
    return "GET", base .. "/Users?filter=userName%20eq%20%22" .. user_name:gsub("@", "%%40") .. "%22&startIndex=1&count=100"
  end,

  list = function() return "GET", base .. "/Users?startIndex=" .. (1 + 100 * (count % pages)) .. "&count=100" end,

  post = function() return "POST", base .. "/Users", user_body(string.format("new-%s-%d@example.com", run, count), "Analyst") end,

  put = function()
    local user = users[1 + count % #users]
    return "PUT", base .. "/Users/" .. user.id, user_body(user.user_name, string.format("Analyst %s-%d", run, count))
  end,

  active = function()
    local user, changes = turning()
    return "PATCH", base .. "/Users/" .. user.id, string.format(
      '{"schemas":["%s"],"Operations":[{"op":"replace","value":{"active":%s}}]}', patch_op, tostring(not changes))
  end,

  member = function()
    local user, changes = turning()
    local operation = changes and '{"op":"add","path":"members","value":[{"value":"%s"}]}'
      or '{"op":"remove","path":"members[value eq \\"%s\\"]"}'
    return "PATCH", base .. "/Groups/" .. group, string.format(
      '{"schemas":["%s"],"Operations":[' .. operation .. ']}', patch_op, user.id)
  end,
}

local expected = { post = 201, member = 204 }
local expected_status = expected[row] or 200
local make = requests[row]
-- Reads go round, so that they are written once and wrk has little to do.
local written, next_written

local function next_request()
  local method, path, body = make()
  count = count + 1
  return wrk.format(method, path, headers, body)
end

function setup(thread) measured_thread = thread end

function init()
  base = wrk.path:gsub("/$", "")
  headers = { Authorization = "Bearer " .. (os.getenv("BENCH_TOKEN") or "none"), ["User-Agent"] = "Okta SCIM Client 1.0.0" }
  count = 0
  users = os.getenv("BENCH_USERS") and read_users() or {}
  local method, _, body = make()
  if body then headers["Content-Type"] = "application/scim+json" end
  if method == "GET" then
    written, next_written = {}, 0
    for index = 1, row == "list" and pages or math.max(1, #users) do written[index] = next_request() end
  end
end

function request()
  if not written then return next_request() end
  next_written = next_written % #written + 1
  return written[next_written]
end

function response(status)
  if status ~= expected_status then
    local key = tostring(status)
    unexpected[key] = (unexpected[key] or 0) + 1
  end
end

function done(summary, latency)
  local errors = summary.errors
  local refused = { string.format('"connection": %d', errors.connect + errors.read + errors.write + errors.timeout) }
  for status, number in pairs(measured_thread:get("unexpected")) do
    refused[#refused + 1] = string.format('"%s": %d', status, number)
  end
  io.write(string.format(
    '\n{"requests": %d, "seconds": %.6f, "p50": %.3f, "p99": %.3f, "errors": {%s}}\n',
    summary.requests, summary.duration / 1e6, latency:percentile(50) / 1000, latency:percentile(99) / 1000, table.concat(refused, ", ")))
end
