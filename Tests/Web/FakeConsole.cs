using System.Collections.Concurrent;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace InferenceTemplate.Tests.Web;

/// <summary>
/// What the console's pages call, with little in each list; <see cref="Empty"/> takes that away, and <see cref="Problem"/> all.
/// </summary>
public sealed class FakeConsole
{
    public const string Trace = "4bf92f3577b34da6a3ce929d0e0e4736";

    public const string Sha256 = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";

    public const string FailedRequest = "0198f0b4-0000-7000-8000-0000000000f5";
    public const string ServedRequest = "0198f0b4-0000-7000-8000-0000000000f2";

    private const string Now = "2026-01-02T03:04:05Z";

    private readonly List<string> _letters = [];
    private readonly List<string> _calls = [];
    private bool _cancelled;
    private bool _suspended;
    private bool _unloaded;
    private string _settings = Settings;

    /// <summary>Whether the lists are empty.</summary>
    public bool Empty { get; set; }

    /// <summary>What every call is refused with; null where they are answered.</summary>
    public string? Problem { get; set; }

    /// <summary>A path that alone is refused, and with which status; null where none is.</summary>
    public (string Path, int Status)? Refused { get; set; }

    /// <summary>State of the version that was uploaded last.</summary>
    public string Inspection { get; set; } = "ready";

    /// <summary>State of the one worker.</summary>
    public string WorkerState { get; private set; } = "ready";

    /// <summary>Whether jobs are listed that ended without a result.</summary>
    public bool EndedBadly { get; set; }

    /// <summary>Ends when settings that were sent are answered.</summary>
    public Task SettingsTaken { get; set; } = Task.CompletedTask;

    /// <summary>How far the running job is by its stream of events alone, for which nothing else can pass; else it is at a half.</summary>
    public double JobProgress { get; set; } = 0.5;

    /// <summary>What the service objectives are: <c>met</c>, <c>burning</c> or <c>no_traffic</c>.</summary>
    public string Objectives { get; set; } = "met";

    /// <summary>Whether a canary serves, and fails more often than its rule allows.</summary>
    public bool Canary { get; set; }

    /// <summary>How many lines of the running batch job have ended.</summary>
    public int BatchLines { get; set; } = 63;

    /// <summary>Whether anything was changed of late.</summary>
    public bool Changed { get; set; }

    /// <summary>The sample request of every version; null where there is none.</summary>
    public string? Sample { get; set; }

    /// <summary>What was asked of the list of requests: a page that was just left may have asked last.</summary>
    public ConcurrentQueue<string> RequestsAsked { get; } = [];

    /// <summary>Whose statement was last asked for.</summary>
    public string? StatementAsked { get; private set; }

    /// <summary>What was last asked of the audit.</summary>
    public string? AuditAsked { get; private set; }

    /// <summary>Calls that change something, as <c>METHOD path body</c>.</summary>
    public IReadOnlyList<string> Calls
    {
        get
        {
            lock (_calls)
            {
                return [.. _calls];
            }
        }
    }

    public void Reset()
    {
        RequestsAsked.Clear();
        (Empty, Problem, Inspection, WorkerState, Sample, EndedBadly, Objectives) = (false, null, "ready", "ready", null, false, "met");
        (SettingsTaken, Refused, Changed, Canary, BatchLines) = (Task.CompletedTask, null, false, false, 63);
        (JobProgress, _cancelled, _suspended, _unloaded, _settings) = (0.5, false, false, false, Settings);
        lock (_calls)
        {
            _calls.Clear();
            _letters.Clear();
            _letters.AddRange(["1767323045000-0", "1767323045000-1"]);
        }
    }

    internal void Map(WebApplication app, Func<HttpContext, bool> isSignedIn)
    {
        void Get(string path, Func<HttpContext, string> answer) => app.MapGet(path, context => AnswerAsync(context, answer));
        void Change(string method, string path, Func<HttpContext, string> answer) =>
            app.MapMethods(path, [method], context => AnswerAsync(context, answer));

        async Task AnswerAsync(HttpContext context, Func<HttpContext, string> answer)
        {
            if (!isSignedIn(context))
            {
                await Results.Problem(statusCode: 401).ExecuteAsync(context);
                return;
            }

            if (Refused is { } refused && context.Request.Path == refused.Path)
            {
                await Results.Problem("this part is refused", statusCode: refused.Status).ExecuteAsync(context);
                return;
            }

            if (context.Request.Method != "GET")
            {
                using var reader = new StreamReader(context.Request.Body);
                var call = $"{context.Request.Method} {context.Request.Path} {await reader.ReadToEndAsync()}";
                lock (_calls)
                {
                    _calls.Add(call);
                }
            }

            context.Response.Headers.ETag = $"\"{_settings.Length}\"";
            await (Problem is { } detail
                ? Results.Problem(
                    detail, statusCode: 409, extensions: new Dictionary<string, object?>(StringComparer.Ordinal) { ["traceId"] = Trace })
                : Results.Text(answer(context), "application/json")).ExecuteAsync(context);
        }

        Get("/v1/models", _ => Empty ? """{"models":[]}""" : $$"""
            {"models":[{"name":"digits","stable":"1","versions":["1","2"],"updated_at":"{{Now}}"},
                       {"name":"sentiment","stable":null,"versions":["3"],"updated_at":"{{Now}}"}]}
            """);
        Get("/v1/models/{model}", context => $$"""
            {"name":"{{context.Request.RouteValues["model"]}}","stable":"1","previous_stable":"0","residency":"{{(_unloaded ? "unload" : "auto")}}","settings":{{_settings}},"aliases":{"prod":"1"},"versions":[{{Version("1", "ready")}},{{Version("2", Inspection)}}]}
            """);
        app.MapPut("/v1/models/{model}/settings", SetAsync);
        Change("POST", "/v2/repository/models/{model}/load", _ => Unload(false));
        Change("POST", "/v2/repository/models/{model}/unload", _ => Unload(true));
        Get("/v1/models/{model}/traffic/status", _ => Canary ? """
            {"policy":{"stable":"1","canary":{"version":"2","weight":0.1},"rollback":{"max_error_rate":0.05,"max_latency_ratio":1.5,"min_sample":50,"window_seconds":60}},"window_seconds":60,
             "versions":[{"version":"1","role":"stable","requests":900,"errors":9,"error_rate":0.01,"total":{"mean":0.02,"p95":0.03},"compute":{"mean":0.004,"p95":0.009}},
                         {"version":"2","role":"canary","requests":100,"errors":8,"error_rate":0.08,"total":{"mean":0.09,"p95":0.1},"compute":{"mean":0.005,"p95":0.011}}],"decisions":[],"evaluation":{"roll_back":false,"reason":"12 of the 50 requests seen that an evaluation needs"}}
            """ : """
            {"policy":{"stable":"1"},"window_seconds":60,"versions":[{"version":"1","role":"stable","requests":1200,"errors":12,"error_rate":0.01,"total":{"mean":0.004,"p95":0.009}}],
             "decisions":[{"model":"digits","decided_at":"2026-01-02T03:04:05Z","action":"rolled_back","actor":"automatic","version":"2","reason":"9 of 60 requests failed, more than 5 %"}]}
            """);
        Get("/v1/models/{model}/drift", _ => """
            {"settings":{"enabled":true},"versions":[{"version":"1","state":"drifted","baseline":{"fixed_at":"2026-01-02T03:04:05Z","actor":"automatic","requests":1000},"requests":500,"tensors":[
              {"name":"input","direction":"input","kind":"numbers","state":"drifted","requests":500,"not_finite_share":0.02,"psi":1.2345,"ks":0.4},
              {"name":"label","direction":"output","kind":"categories","state":"steady","requests":500,"not_finite_share":0,"psi":0.01,"ks":null}]}]}
            """);
        app.MapGet("/v1/models/{model}/versions/{version}/sample", (HttpContext context) => Sample is { } sample && isSignedIn(context)
            ? Results.Text(sample, "application/json")
            : Results.Problem(statusCode: 404));
        Get("/v1/models/{model}/events",
            _ => $$"""{"events":[{"at":"{{Now}}","kind":"promoted","version":"1","actor":"first-admin","details":"instead of 0, {{Sha256}}"}]}""");
        Change("POST", "/v1/models/{model}/versions", _ => Version("3", "pending"));
        Change("POST", "/v1/models/{model}/promote", _ => "{}");
        Change("POST", "/v1/models/{model}/rollback", _ => "{}");
        Change("PUT", "/v1/models/{model}/traffic", _ => "{}");
        Change("DELETE", "/v1/models/{model}/versions/{version}", _ => "{}");
        Get("/v1/queues/dead-letters", _ => DeadLetters());
        Change("POST", "/v1/queues/{model}/{version}/dead-letters/{id}/requeue", TakeLetter);
        Change("DELETE", "/v1/queues/{model}/{version}/dead-letters/{id}", TakeLetter);
        Change("POST", "/v1/workers/{id}/drain", _ => SetWorker("drained"));
        Change("POST", "/v1/workers/{id}/undrain", _ => SetWorker("ready"));
        Get("/v1/jobs", context => context.Request.Query["tenant"] == "all"
            ? $$"""{"jobs":[{{Job("0198f0b4-0000-7000-8000-00000000000a", "succeeded", 1)}},{{Job("0198f0b4-0000-7000-8000-0000000000ac", "failed", 0, "acme")}}],"next_cursor":null}"""
            : Empty || context.Request.Query["state"] == "failed" ? """{"jobs":[],"next_cursor":null}""" : $$"""
            {"jobs":[{{Job("0198f0b4-0000-7000-8000-00000000000a", "succeeded", 1)}},{{Job("0198f0b4-0000-7000-8000-00000000000b", "running", 0.5)}}{{(EndedBadly ? BadJobs() : "")}}],"next_cursor":null}
            """);
        Get("/v1/queues", _ => Empty ? """{"queues":[]}""" : $$"""
            {"queues":[{"model":"sentiment","version":"3","depth":{"high":0,"normal":0,"low":0,"shadow":0},"waiting":0,"bytes":0,"oldest_seconds":0,"drained_per_second":null,"dead_letters":0},
                       {"model":"digits","version":"1","depth":{"high":1,"normal":41,"low":7,"shadow":0},"waiting":40,"bytes":81920,"oldest_seconds":2.5,"drained_per_second":12.5,"dead_letters":{{_letters.Count}}}]}
            """);
        Get("/v1/batches", context => context.Request.Query["tenant"] == "all"
            ? $$"""{"batches":[{"id":"0198f0b4-0000-7000-8000-0000000000ba","state":"running","tenant":"acme","counts":{"total":9,"completed":1,"failed":0},"created_at":"{{Now}}","finished_at":null,"expires_at":null,"output_url":null,"errors_url":null}],"next_cursor":null}"""
            : Empty || context.Request.Query["state"] == "cancelled" ? """{"batches":[],"next_cursor":null}""" : $$"""
            {"batches":[{"id":"0198f0b4-0000-7000-8000-0000000000b1","state":"running","counts":{"total":100,"completed":60,"failed":3},"created_at":"{{Now}}","finished_at":null,"expires_at":null,"output_url":null,"errors_url":null},
              {"id":"0198f0b4-0000-7000-8000-0000000000b2","state":"completed","counts":{"total":2,"completed":2,"failed":0},"created_at":"{{Now}}","finished_at":"{{Now}}","expires_at":"{{Now}}","output_url":"/v1/batches/0198f0b4-0000-7000-8000-0000000000b2/output","errors_url":"/v1/batches/0198f0b4-0000-7000-8000-0000000000b2/errors"}],"next_cursor":null}
            """);
        Change("POST", "/v1/batches/{id}/cancel", _ => "{}");
        Get("/v1/batches/{id}", _ => Batch());
        app.MapGet("/v1/batches/{id}/events", (HttpContext context) => FollowAsync(context, "batch", Batch));
        app.MapGet("/v1/batches/{id}/output", (HttpContext context) => isSignedIn(context)
            ? ((string)context.Request.RouteValues["id"]!).EndsWith('9') ? Results.Problem("the file has expired", statusCode: 410)
            : Results.Text("{\"custom_id\":\"a\"}\n", "application/jsonl") : Results.Problem(statusCode: 401));
        Get("/v1/jobs/{id}", context => JobNow((string)context.Request.RouteValues["id"]!, 0.5));
        app.MapGet("/v1/jobs/{id}/events", (HttpContext context) =>
            FollowAsync(context, "job", () => JobNow((string)context.Request.RouteValues["id"]!, JobProgress)));
        Get("/v1/jobs/{id}/result", _ => """{"model_name":"digits","outputs":[{"name":"label","data":[7]}]}""");
        Change("POST", "/v1/jobs/{id}/cancel", _ => Cancel(true));
        Change("DELETE", "/v1/jobs/{id}", _ => "{}");
        app.MapPost("/v1/jobs/{id}/retry", RetryAsync);
        Get("/v1/overview/objectives", _ => ObjectivesOf(Objectives));
        Get("/v1/overview/history", context => $$"""
            {"step_seconds":{{60 * StepMinutes(context.Request.Query["range"])}},"points":[{{string.Join(',', Enumerable.Range(0, 60).Select(i => Point(i, (string?)context.Request.Query["range"])))}}],
             "models":[{{VersionTraffic("digits", "1", 4)}},{{VersionTraffic("digits", "2", 1)}},{{VersionTraffic("sentiment", "3", 2)}}]}
            """);
        Get("/v1/overview/changes", context => $$"""{"changes":[{{(Changed ? Changes(context.Request.Query["model"]) : "")}}]}""");
        Get("/v1/requests", context =>
        {
            RequestsAsked.Enqueue(context.Request.QueryString.Value!);
            return Empty ? """{"requests":[],"next_cursor":null}""" : $$"""
                {"requests":[{{Request(FailedRequest)}},{{Request(ServedRequest)}}],"next_cursor":{{(context.Request.Query.ContainsKey("cursor") ? "null" : "\"older\"")}}}
                """;
        });
        Get("/v1/requests/{id}", context => Request((string)context.Request.RouteValues["id"]!));
        Get("/v1/requests/{id}/payload", context => ((string)context.Request.RouteValues["id"]!).EndsWith('2')
            ? """{"specversion":"1.0","data":{"inputs":[{"name":"input","datatype":"FP32","shape":[1],"raw":"AACAPw=="}]}}"""
            : """{"specversion":"1.0","data":{"inputs":[{"name":"input","omitted":"too_large"}]}}""");
        Get("/v1/keys", _ => $$"""{"keys":[{{Key("first-admin", "admin", null)}}],"next_cursor":null}""");
        Get("/v1/keys/{id}", _ => Key("first-admin", "admin", null));
        Change("POST", "/v1/keys", _ => Key("ada", "user", "inf_shown-this-once"));
        Change("POST", "/v1/keys/{id}/rotate", _ => Key("first-admin", "admin", "inf_in-its-place"));
        Change("POST", "/v1/keys/{id}/revoke", _ => Key("first-admin", "admin", null));
        Get("/v1/tenants", _ => $$"""{"tenants":[{{Tenant("acme", _suspended ? "suspended" : "active", "600")}},{{Tenant("default", "active", "null")}}],"next":null}""");
        Get("/v1/tenants/me", _ => $$"""{"id":"default","limits":{{Effective}}}""");
        Get("/v1/tenants/{id}", context => Tenant((string)context.Request.RouteValues["id"]!, _suspended ? "suspended" : "active", "600"));
        Change("POST", "/v1/tenants", _ => Tenant("globex", "active", "null"));
        Change("PATCH", "/v1/tenants/{id}", _ => Tenant("acme", "active", "30"));
        Change("POST", "/v1/tenants/{id}/suspend", _ => Suspend(true));
        Change("POST", "/v1/tenants/{id}/resume", _ => Suspend(false));
        Get("/v1/usage", context => Empty ? Usage("") : Usage((string?)context.Request.Query["group"] switch
        {
            "tenant" => $$"""{"tenant":"default",{{Sums(900, "1.25")}}},{"tenant":"acme",{{Sums(300, "0.0000125")}}}""",
            "day" => $$"""{"start":"2026-01-01T00:00:00Z",{{Sums(1100, "1.2")}}},{"start":"2026-01-02T00:00:00Z",{{Sums(100, "0.0500125")}}}""",
            _ => $$"""{"model":"digits",{{Sums(1200, "1.2500125")}}}""",
        }));
        Get("/v1/usage/statement", context =>
        {
            StatementAsked = context.Request.QueryString.Value;
            return "tenant,cost\nacme,0.0000125\n";
        });
        Get("/v1/audit", context => (AuditAsked = context.Request.QueryString.Value) is null || Empty || context.Request.Query["Action"] == "nothing." ? """{"entries":[],"next_cursor":null}""" : $$"""
            {"entries":[{"sequence":17,"at":"{{Now}}","action":"key.created","actor":"first-admin","tenant":"default","subject":"ada","details":{"role":"user"},"hash":"00"}],"next_cursor":null}
            """);
        Get("/v1/settings", _ => $$"""
            {"services":[{"service":"api","id":"api-1","host":"node-a","started":"{{Now}}","build":"1.2.0+0123456789abcdef0123456789abcdef01234567","onnx_runtime":null,"execution_provider":null,"device":null,"gpus":[]},
                {"service":"worker","id":"worker-7f9c","host":"node-b","started":"{{Now}}","build":"1.2.0","onnx_runtime":"1.27.0","execution_provider":"CUDAExecutionProvider","device":"cuda:0","gpus":["NVIDIA L4"]}],
             "groups":[{"name":"Queue","services":["api","worker"],"settings":[
                {"key":"Queue:MaxDepth","what":"Most requests of a version that wait or run","value":"5000","default":"1000","unit":null,"source":"environment","variable":"Queue__MaxDepth","file":null},
                {"key":"Queue:MaxBytes","what":"Most bytes of them","value":"268435456","default":"268435456","unit":"bytes","source":"default","variable":"Queue__MaxBytes","file":null},
                {"key":"Queue:MaxTimeout","what":"Longest timeout that it may ask for","value":"00:01:00","default":"00:01:00","unit":"time","source":"default","variable":"Queue__MaxTimeout","file":null}]},
                {"name":"Alerts","services":["api"],"settings":[
                {"key":"ErrorRate","what":"Share of requests that fail","value":"0.05","default":"0.05","unit":"share","source":"build","variable":null,"file":"Core/Objectives/Thresholds.cs"}]}],
             "payloads":[{{(Empty ? "" : """{"model":"digits","mode":"sampled","sample":0.01,"retention_days":7,"redacted":1}""")}}]}
            """);
        Change("POST", "/v1/audit/verify", _ => """{"valid":true,"entries":17,"first_invalid":null}""");
    }

    // The second of them was faster.
    private async Task RetryAsync(HttpContext context)
    {
        var id = (string)context.Request.RouteValues["id"]!;
        lock (_calls)
        {
            _calls.Add($"POST {context.Request.Path} ");
        }

        Cancel(false);

        await (id.EndsWith('d')
            ? Results.Problem("the job is queued: only one that is failed, cancelled or dead_lettered can be retried", statusCode: 409)
            : Results.Text("{}", "application/json", statusCode: 202)).ExecuteAsync(context);
    }

    private string Cancel(bool cancelled)
    {
        _cancelled = cancelled;
        return "{}";
    }

    private string Unload(bool unloaded)
    {
        _unloaded = unloaded;
        return "{}";
    }

    // Refused where somebody has changed them since.
    private async Task SetAsync(HttpContext context)
    {
        using var reader = new StreamReader(context.Request.Body);
        var settings = await reader.ReadToEndAsync();
        await SettingsTaken;
        var fits = context.Request.Headers.IfMatch == $"\"{_settings.Length}\"";
        _settings = fits ? settings : _settings;
        await (fits ? Results.Text(settings, "application/json")
            : Results.Problem("Somebody has changed the settings since you read them.", statusCode: 412)).ExecuteAsync(context);
    }

    /// <summary>As another administrator does.</summary>
    public void ChangeSettings() => _settings = Settings.Replace("false", "true ", StringComparison.Ordinal) + " ";

    private string Suspend(bool suspended)
    {
        _suspended = suspended;
        return "{}";
    }

    private string JobNow(string id, double progress) => id.EndsWith('a') ? Job(id, "succeeded", 1)
        : _cancelled ? Job(id, "cancelled", progress) : Job(id, "running", progress);

    // Each change once, until the job has ended.
    private static async Task FollowAsync(HttpContext context, string name, Func<string> now)
    {
        context.Response.ContentType = "text/event-stream";
        string? said = null;
        while (said?.Contains("running", StringComparison.Ordinal) != false)
        {
            var state = now().ReplaceLineEndings("");
            await context.Response.WriteAsync(
                state == said ? "event: ping\ndata: \n\n" : $"event: {name}\ndata: {state}\n\n", context.RequestAborted);
            await context.Response.Body.FlushAsync(context.RequestAborted);
            said = state;
            await Task.Delay(100, context.RequestAborted);
        }
    }

    private string Batch() => $$"""
        {"id":"0198f0b4-0000-7000-8000-0000000000b1","state":"{{(BatchLines < 100 ? "running" : "completed")}}","counts":{"total":100,"completed":{{BatchLines - 3}},"failed":3},"created_at":"{{Now}}",
         "started_at":"{{Now}}","finished_at":null,"expires_at":null,"trace_id":"{{Trace}}","output_url":{{(BatchLines < 100 ? "null" : "\"/v1/batches/0198f0b4-0000-7000-8000-0000000000b1/output\"")}},"errors_url":null}
        """;

    private string BadJobs()
    {
        string[] ids = ["c", "d", "e"];
        string[] states = ["failed", "cancelled", "dead_lettered"];
        var left = ids.Zip(states).Where(job => !Calls.Any(call => call.Contains($"00{job.First}/retry", StringComparison.Ordinal)));
        return string.Concat(left.Select(job => $",{Job($"0198f0b4-0000-7000-8000-00000000000{job.First}", job.Second, 0)}"));
    }

    private static string ObjectivesOf(string state)
    {
        var (left, rate, burning) = state switch { "no_traffic" => ("null", "null", "false"), "burning" => ("-0.25", "20.5", "true"), _ => ("0.8", "0.2", "false") };
        string One(string name, string share, string seconds) => $$"""
            {"name":"{{name}}","state":"{{state}}","target":{{share}},"seconds":{{seconds}},"requests":{{(state == "no_traffic" ? 0 : 10000)}},"bad":{{(state == "no_traffic" ? 0 : 2)}},"budget_left":{{left}},
             "burns":[{"long_window":"1h","short_window":"5m","long_rate":{{rate}},"short_rate":{{rate}},"limit":14.4,"priority":1,"is_burning":{{burning}}},
                      {"long_window":"3d","short_window":"6h","long_rate":0.5,"short_rate":null,"limit":1,"priority":3,"is_burning":false}]}
            """;
        return $$"""{"at":"{{Now}}","period_days":30,"objectives":[{{One("availability", "0.999", "null")}},{{One("latency", "0.95", "0.5")}}]}""";
    }

    // The newest a minute ago, so that each range has some.
    private static string Changes(string? of)
    {
        static string One(int minutesAgo, string kind, string model, string? version, string actor, string details) =>
            System.Text.Json.JsonSerializer.Serialize(new { at = DateTimeOffset.UtcNow.AddMinutes(-minutesAgo), kind, model, version, actor, details });
        string[] all =
        [
            One(1, "promoted", "digits", "2", "first-admin", "instead of 1"),
            One(2, "traffic_rolled_back", "sentiment", "4", "automatic", "9 of 60 requests failed"),
            One(3, "settings_changed", "digits", null, "ada", "pinned: true"),
        ];
        return string.Join(',', all.Where(one => of is null || one.Contains($"\"model\":\"{of}\"", StringComparison.Ordinal)));
    }

    private static string VersionTraffic(string model, string version, int requests)
    {
        static string Many(double value) => string.Join(',', Enumerable.Repeat(value.ToString(System.Globalization.CultureInfo.InvariantCulture), 60));
        return $$"""
            {"model":"{{model}}","version":"{{version}}","requests_per_second":[{{Many(requests)}}],"errors_per_second":[{{Many(0.1)}}],
             "p50":[{{Many(0.01 * requests)}}],"p95":[{{Many(0.02 * requests)}}]}
            """;
    }

    private static int StepMinutes(string? range) => range switch { "1h" => 1, "24h" => 24, _ => 168 };

    private static string Point(int index, string? range)
    {
        var step = StepMinutes(range);
        return FormattableString.Invariant($$"""
            {"at":"{{DateTime.UtcNow.AddMinutes((index - 60) * step):O}}","requests_per_second":{{index % 20}},"errors_per_second":0.5,"rejections_per_second":{{step}},"p50":0.01,"p95":0.02,"p99":{{(index == 30 ? "null" : "0.03")}},
             "queue_depth":{{(index < 30 ? "null" : "40")}},"oldest_wait_seconds":{{(index < 30 ? "null" : "2.5")}}}
            """);
    }

    private static string Request(string id) => id == FailedRequest
        ? $$"""
            {"id":"{{id}}","received_at":"{{Now}}","tenant":"acme","model_name":"sentiment","model_version":"3","status":503,"error":"no worker can load sentiment/3 now: it does not fit into memory",
             "role":"stable","priority":null,"cache_hit":false,"batch_size":0,"queue_us":0,"compute_us":0,"total_us":310,"cost":0,"currency":"EUR","worker":null,"trace_id":"{{Trace}}"}
            """
        : $$"""
            {"id":"{{id}}","received_at":"{{Now}}","tenant":"acme","model_name":"digits","model_version":"1","status":200,"error":null,
             "role":"stable","priority":"normal","cache_hit":false,"batch_size":3,"queue_us":2500,"compute_us":6000,"total_us":10000,"cost":0.00000042,"currency":"EUR","worker":"worker-7f9c","trace_id":"{{Trace}}"}
            """;

    private string DeadLetters()
    {
        lock (_calls)
        {
            var letters = Empty ? [] : _letters.ToArray();
            return $$"""{"dead_letters":[{{string.Join(',', letters.Select(Letter))}}],"total":{{letters.Length}}}""";
        }
    }

    private string TakeLetter(HttpContext context)
    {
        lock (_calls)
        {
            _letters.Remove((string)context.Request.RouteValues["id"]!);
        }

        return """{"requeued":1}""";
    }

    private string SetWorker(string state)
    {
        WorkerState = state;
        return "";
    }

    private static string Letter(string id) => $$"""
        {"model":"digits","version":"1","id":"{{id}}","reason":"the worker ended on it 3 times","deliveries":3,"time":"{{Now}}","bytes":2048,
         "request":{"id":"0198f0b4-0000-7000-8000-000000000001","kind":"call","priority":"normal","tenant":"acme","trace_id":"{{Trace}}"} }
        """;

    private static string Version(string version, string state) => $$"""
        {"version":"{{version}}","state":"{{state}}","reason":{{(state == "rejected" ? "\"it is no ONNX file\"" : "null")}},"sha256":"9f86d081884c7d659a2feaa0c55ad015","size_bytes":153600,"memory_bytes":153600,
         "inputs":[{"name":"input","datatype":"FP32","shape":[-1,8,8]}],"outputs":[{"name":"label","datatype":"INT64","shape":[-1]}],
         "batching":{"batched":true,"reason":"proven"},"created_by":"first-admin","created_at":"{{Now}}","labels":{"team":"vision"},
         "metadata":{"producer":"pytorch 2.9","graph":"main","description":{{System.Text.Json.JsonSerializer.Serialize(Card)}},"opsets":{"ai.onnx":18},"properties":{"license":"MIT"} } }
        """;

    // With what an author of bad will would try.
    private const string Card = """
        ---
        tags: [vision]
        ---
        # Digits

        Classifies **handwritten** digits of `8x8` pixels, see [the paper](https://example.org/paper).

        | set | accuracy |
        |---|---|
        | test | 98.1 % |

        - <script>document.title = 'stolen'</script>
        - [click](javascript:document.title='stolen')
        - ![a plot](https://example.org/plot.png)
        - <img src=x onerror="document.title='stolen'">
        """;

    private static string Job(string id, string state, double progress, string tenant = "default") => FormattableString.Invariant($$"""
        {"id":"{{id}}","state":"{{state}}","model_name":"digits","model_version":"1","priority":"normal","attempt":1,"max_attempts":3,"progress":{{progress}},
         "cancel_requested":false,"error":null,"created_at":"{{Now}}","started_at":"2026-01-02T03:04:06Z","finished_at":{{(state == "running" ? "null" : "\"2026-01-02T03:04:09Z\"")}},"deadline_at":"2026-01-03T03:04:05Z","tenant":"{{tenant}}","trace_id":"{{Trace}}"}
        """);

    private static string Key(string name, string role, string? secret) => $$"""
        {"id":"0198f0b4-0000-7000-8000-0000000000aa","prefix":"inf_ab12","name":"{{name}}","tenant":"default","role":"{{role}}","state":"active",
         "created_at":"{{Now}}","expires_at":null{{(secret is null ? "" : $",\"key\":\"{secret}\"")}}}
        """;

    private const string Settings =
        """{"batching":{"mode":"auto","preferred_sizes":[4],"max_delay":"00:00:00.0020000"},"pinned":false,"cache":{"time_to_live":"00:10:00","max_bytes":1024}}""";

    /// <summary>What the settings of the model are now.</summary>
    public string SettingsNow => _settings;

    private const string Effective =
        """{"requests_per_minute":600,"burst":600,"max_concurrency":0,"monthly_inferences":0,"monthly_budget":20,"monthly_tokens":0}""";

    private static string Tenant(string id, string state, string perMinute) => $$"""
        {"id":"{{id}}","name":"{{id}}","state":"{{state}}","created_at":"{{Now}}","requests_per_minute":{{perMinute}},"burst":null,"max_concurrency":null,"monthly_inferences":null,
         "monthly_budget":null,"monthly_tokens":null,"models":null,"effective":{{Effective}}}
        """;

    private static string Sums(long requests, string cost) =>
        $"\"requests\":{requests},\"failures\":2,\"cached\":0,\"jobs\":1,\"device_seconds\":4.5,\"cost\":{cost},\"prompt_tokens\":4100,\"completion_tokens\":900";

    private static string Usage(string rows) => $$"""
        {"from":"2026-01-01T00:00:00Z","to":"{{Now}}","currency":"EUR","usage":[{{rows}}],"total":{ {{(rows == "" ? Sums(0, "0") : Sums(1200, "1.2500125"))}} } }
        """;
}
