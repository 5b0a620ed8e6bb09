using System.Globalization;

namespace InferenceTemplate.Tests.Web;

/// <summary>Overviews as the Api writes them. Kept as text, so that the names on the wire are what is tested.</summary>
internal static class OverviewJson
{
    private const string Worker = """
        {"id":"worker-7f9c","host":"gpu-node-1","started":"2026-01-01T00:00:00Z","ready":true,"state":"ready","device":"cpu",
         "execution_provider":"CPUExecutionProvider","models":["digits/1","sentiment/3"],"inferences_per_second":151.5,
         "executions_per_second":20.25,"mean_batch_size":7.5,"in_flight":4,"cpu_cores":1.42,"memory_bytes":734003200,
         "cache":[{"model":"digits/1","state":"ready","bytes":153600,"last_used":"2026-01-02T03:04:05Z","batch_rows":8}]}
        """;

    public static string Of(
        int requestsPerSecond, bool latencies, bool workers, bool models, string errors, int oldestWait, string coldState,
        string workerState = "ready", bool photos = false, bool chats = false, bool olderVersions = false, int deadLetters = 0)
    {
        var busy = requestsPerSecond > 0;
        var wave = (Math.Sin(requestsPerSecond / 6.0) + 1) / 2;
        string Seconds(double value) => busy && latencies ? value.ToString("0.####", CultureInfo.InvariantCulture) : "null";
        var latency = $"\"p50\":{Seconds(0.004 + (0.002 * wave))},\"p95\":{Seconds(0.0123)},\"p99\":{Seconds(0.02 + (0.008 * wave))}";
        return $$"""
            {"time":"{{DateTimeOffset.UtcNow:O}}","requests_per_second":{{requestsPerSecond}},"errors_per_second":{{(busy ? errors : "0")}},"rejections_per_second":{{(busy ? "6.5" : "0")}},
             "latency":{ {{latency}} },"queue_depth":{{(busy ? (int)(3 + (8 * wave)) : 0)}},"oldest_wait_seconds":{{(busy ? oldestWait : 0)}},"in_flight":{{(busy ? 5 : 0)}},"dead_letters":{{deadLetters}},"pending_jobs":1200,
             "apis":[{"id":"api-5d8b","host":"node-2","started":"2026-01-01T00:00:00Z","requests_per_second":{{requestsPerSecond}},
               "errors_per_second":0.5,"rejections_per_second":6.5,"in_flight":5,{{latency}} }],
             "workers":[{{(workers ? WorkerOf(workerState) : "")}}],
             "models":[{{(models ? Models(workers, coldState) + (photos ? Photos : "") + (chats ? Chats : "") + (olderVersions ? Older("0") + Older("1") : "") : "")}}],
             "traffic_decisions":[{"model":"sentiment","decided_at":"2026-01-02T03:04:05Z","action":"rolled_back","actor":"automatic","version":"4","reason":"9 of 60 requests failed"},
              {"model":"sentiment","decided_at":"2026-01-02T03:00:00Z","action":"set","actor":"First admin key","version":null,"reason":"canary 4 at 10 %"},
              {"model":"digits","decided_at":"2026-01-02T02:00:00Z","action":"promoted","actor":"Ada","version":"2","reason":"instead of 1"}]}
            """;
    }

    /// <summary>What models have done: digits three times as much as sentiment.</summary>
    public static string Statistics(bool served, int count)
    {
        string Of(string name, int requests) => $$"""
            {"name":"{{name}}","version":"1","last_inference":{{(served ? 1767225600000 : 0)}},
             "inference_stats":{"success":{"count":{{requests}},"ns":1},"fail":{"count":{{count}},"ns":1} } }
            """;
        return $$"""{"model_stats":[{{Of("digits", count * 299)}},{{Of("sentiment", count * 99)}}]}""";
    }

    private const string Photos = """
        ,{"name":"photos","version":"1","platform":"onnxruntime_onnx","state":"ready","workers":1,"queue_depth":0,
          "batching":{"batched":true,"reason":"rows were proven independent"},"inputs":[{"name":"picture","datatype":"BYTES","shape":[-1]}],
          "outputs":[{"name":"scores","datatype":"FP32","shape":[-1,3]},{"name":"sharpness","datatype":"FP32","shape":[-1]}],
          "image_input":"picture"}
        """;

    private static string Older(string version) => $$"""
        ,{"name":"delivery","version":"{{version}}","platform":"onnxruntime_onnx","state":"ready","workers":1,"queue_depth":0,"batching":{"batched":true,"reason":"rows were proven independent"},
         "inputs":[{"name":"distance","datatype":"FP32","shape":[-1]},{"name":"stops","datatype":"INT64","shape":[-1,1]},
          {"name":"express","datatype":"BOOL","shape":[-1]},{"name":"note","datatype":"BYTES","shape":[-1]}],"outputs":[{"name":"score","datatype":"FP32","shape":[-1]}]}
        """;

    private const string Chats = """
        ,{"name":"phi","version":"2","platform":"onnxruntime_genai","state":"ready","workers":1,"queue_depth":0,
          "batching":{"batched":false,"reason":"it generates text"},"inputs":[{"name":"request","datatype":"BYTES","shape":[1]}],
          "outputs":[{"name":"text","datatype":"BYTES","shape":[1]},{"name":"finish_reason","datatype":"BYTES","shape":[1]},
           {"name":"usage","datatype":"INT64","shape":[2]}]}
        """;

    private static string WorkerOf(string state) => state == "ready" ? Worker : Worker.Replace(
        "\"ready\":true,\"state\":\"ready\"", $"\"ready\":false,\"state\":\"{state}\"", StringComparison.Ordinal);

    private static string Models(bool workers, string coldState) => $$"""
        {"name":"digits","version":"1","platform":"onnxruntime_onnx","state":"{{(workers ? "ready" : "unavailable")}}","workers":{{(workers ? 1 : 0)}},
         "queue_depth":2,"batching":{"batched":true,"reason":"rows were proven independent"},"inputs":[{"name":"input","datatype":"FP32","shape":[-1,8,8]}],
               "outputs":[{"name":"label","datatype":"INT64","shape":[-1]},{"name":"probabilities","datatype":"FP32","shape":[-1,10]}]},
              {"name":"sentiment","version":"3","platform":"onnxruntime_onnx","state":"{{(workers ? "ready" : "unavailable")}}","workers":{{(workers ? 1 : 0)}},
               "queue_depth":0,"batching":{"batched":false,"reason":"its operator Unique makes as many rows as the values say"},"inputs":[{"name":"text","datatype":"BYTES","shape":[-1,1]}],"outputs":[{"name":"score","datatype":"FP32","shape":[-1,2]}]},
              {"name":"delivery","version":"2","platform":"onnxruntime_onnx","state":"{{(workers ? coldState : "unavailable")}}","workers":0,"queue_depth":0,"batching":{"batched":true,"reason":"rows were proven independent"},
               "inputs":[{"name":"distance","datatype":"FP32","shape":[-1]},{"name":"stops","datatype":"INT64","shape":[-1,1]},
                {"name":"express","datatype":"BOOL","shape":[-1]},{"name":"note","datatype":"BYTES","shape":[-1]}],
               "outputs":[{"name":"score","datatype":"FP32","shape":[-1]}]}
        """;
}
