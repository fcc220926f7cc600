-- One durable engagement a request; every one is new.
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.headers["Authorization"] = "Bearer " .. os.getenv("TOKEN")
wrk.body = '{"members":["DEVU-12345"],"parent":"ACC-12345","scheduled_date":"2023-01-01T12:00:00.000Z",' ..
  '"title":"Renewal call","engagement_type":"call","description":"They want single sign-on before the rollout.",' ..
  '"tags":[{"id":"TAG-12345"}]}'

function done(summary, latency, requests)
  local errors = summary.errors
  io.write(string.format('RESULT {"requests": %d, "seconds": %.3f, "p50": %.2f, "p99": %.2f, "errors": %d}\n',
    summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
    errors.status + errors.connect + errors.read + errors.write + errors.timeout))
end
