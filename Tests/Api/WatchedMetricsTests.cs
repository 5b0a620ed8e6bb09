using System.Net;
using System.Text.RegularExpressions;
using InferenceTemplate.Tests.Shared;

namespace InferenceTemplate.Tests.Api;

/// <summary>
/// What alerts and panels of deploy/monitoring ask for is exposed by a real Api and Worker. What only a fault or a GPU brings is
/// declared in the code, under the name that the exporter makes of it.
/// </summary>
public sealed partial class WatchedMetricsTests(Platform platform)
{
    // These must be seen, not only declared.
    private static readonly string[] s_ofApi =
    [
        "http_server_request_duration_seconds_count", "inference_request_duration_seconds_bucket", "inference_errors_total",
        "inference_queue_depth", "inference_queue_age_seconds", "inference_tenant_inferences_total",
    ];

    private static readonly string[] s_ofWorker =
    [
        "inference_compute_duration_seconds_bucket", "inference_batch_size_count", "inference_model_cache_hits_total",
        "inference_model_memory_bytes", "inference_device_fallback",
    ];

    private static readonly string[] s_suffixes = ["_bucket", "_sum", "_count"];

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Every_metric_that_is_watched_is_exposed_or_declared()
    {
        var exposed = await ScrapeAsync();
        var declared = Declared();

        // The rule by which names are made holds for all that is there.
        Assert.Empty(exposed.Keys.Where(IsOurs).Select(Base).Except(declared));
        Assert.Empty(Watched().Except(exposed.Keys).Select(Base).Except(declared));
        Assert.Empty(s_ofApi.Concat(s_ofWorker).Except(exposed.Keys));
    }

    [Theory]
    [InlineData("inference_request_duration_seconds_bucket", "model", "version", "http_response_status_code", "le")]
    [InlineData("http_server_request_duration_seconds_count", "http_response_status_code")]
    [InlineData("inference_queue_depth", "model", "version", "priority")]
    [InlineData("inference_errors_total", "model", "error_type")]
    [InlineData("inference_compute_duration_seconds_bucket", "model", "batch_size_max")]
    [InlineData("inference_tenant_inferences_total", "tenant", "outcome")]
    public async Task Metric_has_the_labels_by_which_it_is_watched(string metric, params string[] labels)
    {
        var series = (await ScrapeAsync())[metric];

        Assert.All(labels, label => Assert.Contains($"{label}=\"", series, StringComparison.Ordinal));
    }

    /// <summary>The objective of latency counts requests within half a second.</summary>
    [Fact]
    public async Task Latency_has_a_bucket_that_ends_at_the_objective()
    {
        var objectives = await File.ReadAllTextAsync(Path.Combine(Repository.Root, "deploy", "monitoring", "slo.yaml"), Cancellation);
        Assert.Contains("le=\"0.5\"", objectives, StringComparison.Ordinal);

        Assert.Contains("le=\"0.5\"", (await ScrapeAsync())["inference_request_duration_seconds_bucket"], StringComparison.Ordinal);
    }

    /// <summary>Of an Api that has answered and refused, and of the Worker: lines of metrics by their name.</summary>
    private async Task<Dictionary<string, string>> ScrapeAsync()
    {
        using var client = platform.Admin();
        var metrics = "";
        await Wait.UntilAsync(
            async () =>
            {
                // Each replica tells what it has answered, and one of them is asked.
                using var answered = await client.PostAsync("/v2/models/digits/infer", Digits.Request([Digits.HeldOut[0].Pixels]),
                    Cancellation);
                using var refused = await client.PostAsync("/v2/models/digits/infer", Digits.Json("{}"), Cancellation);
                Assert.Equal((HttpStatusCode.OK, HttpStatusCode.BadRequest), (answered.StatusCode, refused.StatusCode));
                metrics = await client.GetStringAsync("/metrics", Cancellation);
                return s_ofApi.All(name => Has(metrics, name));
            },
            awaited: "a replica of the Api that has answered, refused, and seen its queues");
        using var worker = platform.Anonymous("worker");
        var its = "";
        await Wait.UntilAsync(
            async () =>
            {
                its = await worker.GetStringAsync("/metrics", Cancellation);
                return s_ofWorker.All(name => Has(its, name));
            },
            awaited: "a Worker that has counted what it ran");
        metrics += "\n" + its;
        return metrics.Split('\n').Where(line => line.Length > 0 && line[0] != '#')
            .GroupBy(line => line.Split('{', ' ')[0], StringComparer.Ordinal)
            .ToDictionary(group => group.Key, group => string.Join('\n', group), StringComparer.Ordinal);
    }

    // With values, not only described.
    private static bool Has(string metrics, string name) =>
        metrics.Contains($"\n{name}{{", StringComparison.Ordinal) || metrics.Contains($"\n{name} ", StringComparison.Ordinal);

    private static bool IsOurs(string name) =>
        name.StartsWith("inference_", StringComparison.Ordinal) || name.StartsWith("hw_", StringComparison.Ordinal);

    /// <summary>The name of a histogram, for its parts.</summary>
    private static string Base(string name)
    {
        var suffix = Array.Find(s_suffixes, each => name.EndsWith(each, StringComparison.Ordinal));
        return suffix is null ? name : name[..^suffix.Length];
    }

    // Each of ours is named with the namespace that it is selected by.
    private static HashSet<string> Watched() => Directory
        .EnumerateFiles(Path.Combine(Repository.Root, "deploy", "monitoring"), "*", SearchOption.AllDirectories)
        .Where(file => Path.GetFileName(file) is "alerts.yaml" or "slo.yaml" || file.EndsWith(".json", StringComparison.Ordinal))
        .SelectMany(file => Selected().Matches(File.ReadAllText(file))).Select(found => found.Groups["name"].Value)
        .ToHashSet(StringComparer.Ordinal);

    /// <summary>
    /// Names of the instruments in the code, as Prometheus has them: words joined by underscores, the unit in full, <c>_total</c> for a
    /// counter.
    /// </summary>
    private static HashSet<string> Declared() => new[] { "Api", "Worker", "Core" }
        .SelectMany(project => Directory.EnumerateFiles(Path.Combine(Repository.Root, project), "*.cs", SearchOption.AllDirectories))
        .SelectMany(file => Instrument().Matches(File.ReadAllText(file)))
        .Select(found =>
        {
            var (kind, unit) = (found.Groups["kind"].Value, found.Groups["unit"].Value);
            var suffix = unit switch { "s" => "_seconds", "By" => "_bytes", "Cel" => "_celsius", "W" => "_watts", _ => "" };
            return found.Groups["name"].Value.Replace('.', '_') + suffix
                + (kind is "Counter" or "ObservableCounter" ? "_total" : "");
        }).ToHashSet(StringComparer.Ordinal);

    [GeneratedRegex(@"\b(?<name>(inference|hw|http_server)_[a-z0-9_]+)\{", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Selected();

    // The unit is the first text after the name that is not the last, which describes it; an observable one has a function between.
    [GeneratedRegex(
        @"Create(?<kind>(Observable)?(Counter|Histogram|Gauge|UpDownCounter))(<\w+>)?\(\s*""(?<name>[a-z._]+)"",[^;]*?"
        + @"(""(?<unit>[^""]*)""|null),\s*""",
        RegexOptions.ExplicitCapture, 5000)]
    private static partial Regex Instrument();
}
