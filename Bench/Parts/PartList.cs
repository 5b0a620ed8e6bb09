using InferenceTemplate.Bench.Reporting;

namespace InferenceTemplate.Bench.Parts;

/// <summary>One thing that the benchmark measures.</summary>
internal sealed record Part(string Name, string What, Func<Stage, Task> Run);

internal static class PartList
{
    private static readonly Part[] All =
    [
        new("json", "reading a request's JSON, this product's reader against System.Text.Json, in process", JsonPart.RunAsync),
        new("raw", "ONNX Runtime in process: batches of 1, 8 and 32, threads by default and one", RawRuntimePart.RunAsync),
        new("throughput", "the product against the bare server: JSON and binary, 1 to 1000 callers", ThroughputPart.RunAsync),
        new("cpu", "where the processor's time of a request goes, by process", CpuPart.RunAsync),
        new("latency", "open loop at 70 % of capacity, 100 and 1000 connections: what the product adds to the model", LatencyPart.RunAsync),
        new("hop", "the queue alone: enqueue, dequeue, answer", HopPart.RunAsync),
        new("switch", "from one loaded model to another", SwitchPart.RunAsync),
        new("limits", "what a tenant's limits cost, and what the response cache saves", LimitsPart.RunAsync),
        new("replicas", "processor time of a request, two replicas and two workers against one of each", ReplicasPart.RunAsync),
        new("memory", "memory over many requests: the slope of the second half", MemoryPart.RunAsync),
        new("batching", "batching on and off, weight-bound model and convnet; the heavy model against raw ONNX Runtime",
            BatchingPart.RunAsync),
        new("embeddings", "texts of mixed lengths, 64 callers, batching on and off", EmbeddingsPart.RunAsync),
        new("generation", "tokens a second of 32 streams at once, against one after the other", GenerationPart.RunAsync),
        new("overload", "twice and four times what the heavy model can take", OverloadPart.RunAsync),
        new("dashboards", "what fifty open dashboards cost the Api, by one key and by one each", DashboardsPart.RunAsync),
        new("jobs", "durable jobs accepted, against pgbench", JobsPart.RunAsync),
    ];

    // Long, and not about speed: by name only.
    private static readonly Part[] ByName =
    [
        new("chaos", "faults at random under load for --minutes N, by --seed N; then everything that was accepted is accounted for", ChaosPart.RunAsync),
    ];

    public static string Usage =>
        "dotnet run -c Release --project Bench -- all|PART... [--quick] [--json FILE] [--minutes N]\n"
        + $"{ReportCommand.Usage}\n\n"
        + string.Concat(All.Concat(ByName).Select(p => $"  {p.Name,-12}{p.What}\n"));

    /// <returns>Null when a name is unknown or none is given.</returns>
    public static IReadOnlyList<Part>? Choose(IReadOnlyList<string> names)
    {
        if (names is ["all"])
        {
            return All;
        }

        var chosen = names.Select(n => All.Concat(ByName).FirstOrDefault(p => p.Name == n)).OfType<Part>().ToList();
        return chosen.Count > 0 && chosen.Count == names.Count ? chosen : null;
    }
}
