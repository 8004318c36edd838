-- The requests of one benchmark row, for wrk. Environment:
--
--   BENCH_ROW     the name of a request below
--   BENCH_TOKEN   the API access token
--   BENCH_USERS   a file with one user per line: id and userName
--   BENCH_GROUP   the id of the group whose members change
--   BENCH_RUN     makes new names unique across runs
--   BENCH_CYCLE   the number of users that change before the same users change back; larger than the number of requests in
--                 flight, so that two changes of one user do not overlap
--   BENCH_PAGES   the number of list pages that are requested, 90 by default
--   BENCH_PLAIN   1 for users without a password, which Okta sends, and without the enterprise extension
--   BENCH_REMOVE  how a member is removed: `filter` (default) in the path, or `value`
--
-- The last line of the output is a JSON summary.

local patch_op = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
local user_urn = "urn:ietf:params:scim:schemas:core:2.0:User"
local enterprise_urn = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"

local row = os.getenv("BENCH_ROW")
local group = os.getenv("BENCH_GROUP")
local run = os.getenv("BENCH_RUN")
local cycle = tonumber(os.getenv("BENCH_CYCLE") or "1")
local pages = tonumber(os.getenv("BENCH_PAGES") or "90")
local is_plain = os.getenv("BENCH_PLAIN") == "1"
local removes_by_value = os.getenv("BENCH_REMOVE") == "value"
local base, headers, users, count

-- The number of unexpected responses by status.
unexpected = {}

local function read_users()
  local read = {}
  for line in io.lines(os.getenv("BENCH_USERS")) do
    local id, user_name = line:match("^(%S+) (%S+)$")
    read[#read + 1] = { id = id, user_name = user_name }
  end
  return read
end

-- The user of the next request, and whether the request changes the user or changes it back.
local function next_change()
  local user = users[1 + count % cycle]
  return user, math.floor(count / cycle) % 2 == 0
end

-- A user as Okta sends it.
local function user_body(user_name, title)
  local extension = is_plain and "" or string.format(',"%s"', enterprise_urn)
  local extras = is_plain and "" or string.format(
    ',"password":"1mz050nq","%s":{"employeeNumber":"1","department":"Data"}', enterprise_urn)
  return string.format(
    '{"schemas":["%s"%s],"userName":"%s","name":{"givenName":"Ana","familyName":"Silva"},' ..
    '"emails":[{"primary":true,"value":"%s","type":"work"}],"displayName":"Ana Silva","title":"%s","locale":"en-US",' ..
    '"externalId":"00u-%s","groups":[],"active":true%s}',
    user_urn, extension, user_name, user_name, title, user_name, extras)
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
    local user, changes = next_change()
    return "PATCH", base .. "/Users/" .. user.id, string.format(
      '{"schemas":["%s"],"Operations":[{"op":"replace","value":{"active":%s}}]}', patch_op, tostring(not changes))
  end,

  member = function()
    local user, changes = next_change()
    local operation = '{"op":"remove","path":"members[value eq \\"%s\\"]"}'
    if changes or removes_by_value then
      operation = string.format('{"op":"%s","path":"members","value":[{"value":"%%s"}]}', changes and "add" or "remove")
    end
    return "PATCH", base .. "/Groups/" .. group, string.format(
      '{"schemas":["%s"],"Operations":[' .. operation .. ']}', patch_op, user.id)
  end,
}

local changed = { [200] = true, [204] = true }
local expected = { post = { [201] = true }, active = changed, member = changed }
local expected_statuses = expected[row] or { [200] = true }
local make = requests[row]
-- Reads repeat, so they are formatted once to save CPU time in wrk.
local formatted, next_index

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
    formatted, next_index = {}, 0
    for index = 1, row == "list" and pages or math.max(1, #users) do formatted[index] = next_request() end
  end
end

function request()
  if not formatted then return next_request() end
  next_index = next_index % #formatted + 1
  return formatted[next_index]
end

function response(status)
  if not expected_statuses[status] then
    local key = tostring(status)
    unexpected[key] = (unexpected[key] or 0) + 1
  end
end

function done(summary, latency)
  local errors = summary.errors
  local counts = { string.format('"connection": %d', errors.connect + errors.read + errors.write + errors.timeout) }
  for status, number in pairs(measured_thread:get("unexpected")) do
    counts[#counts + 1] = string.format('"%s": %d', status, number)
  end
  io.write(string.format(
    '\n{"requests": %d, "seconds": %.6f, "p50": %.3f, "p99": %.3f, "errors": {%s}}\n',
    summary.requests, summary.duration / 1e6, latency:percentile(50) / 1000, latency:percentile(99) / 1000, table.concat(counts, ", ")))
end
