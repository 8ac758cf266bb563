-- wrk: one unique alert per request. Every thread has its own Lua state, so a random prefix keeps them apart.
local counter, prefix = 0, ""

function init(args)
   prefix = args[1] .. tostring(math.random(1, 2 ^ 31)) .. tostring({}):sub(8)
end

function request()
   counter = counter + 1
   local body = string.format(
      '{"symbol":"EURUSD","action":"buy","volume":0.01,"alert_id":"%s-%d"}', prefix, counter)
   return wrk.format("POST", nil, { ["Content-Type"] = "application/json" }, body)
end

function done(summary, latency, requests)
   local errors = summary.errors
   io.write(string.format('{"requests": %d, "us": %d, "non_2xx": %d, "socket_errors": %d, "p50_us": %d, "p99_us": %d}\n',
      summary.requests, summary.duration, errors.status, errors.connect + errors.read + errors.write + errors.timeout,
      latency:percentile(50), latency:percentile(99)))
end
