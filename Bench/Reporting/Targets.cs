namespace InferenceTemplate.Bench.Reporting;

/// <summary>What the product aims at, as ratios of one run on one machine. A target that is missed is news, not a failure.</summary>
internal static class Targets
{
    private static readonly (string What, string Value, Goal Goal, double Bound)[] All =
    [
        ("JSON, tiny model, c = 64 / bare, default threads", "tiny.json.c64.over-default", Goal.AtLeast, 1.2),
        ("JSON, tiny model, c = 64 / bare, intra-op 1", "tiny.json.c64.over-tuned", Goal.AtLeast, 0.9),
        ("binary, tiny model, c = 64 / bare, intra-op 1", "tiny.binary.c64.over-tuned", Goal.AtLeast, 0.6),
        ("JSON of 150,528 numbers / bare", "large.json.c16.over-default", Goal.AtLeast, 2.0),
        ("p99 at c = 64 / bare's", "tiny.json.c64.p99-over-default", Goal.AtMost, 1.0),
        ("p50 at c = 1 / bare's, intra-op 1", "tiny.json.c1.p50-over-tuned", Goal.AtMost, 1.5),
        ("overhead p95, 100 connections at 70 % (ms)", "latency.overhead.c100.p95", Goal.Below, 100),
        ("overhead p95, 1000 connections at 70 % (ms)", "latency.overhead.c1000.p95", Goal.Below, 100),
        ("batching on / off, c = 16, weight-bound model", "batching.heavy.gain", Goal.AtLeast, 3.0),
        ("p95 of that model, on / off", "batching.heavy.p95-gain", Goal.Below, 1.0),
        ("batching on / off, c = 16, convnet", "batching.convnet.gain", Goal.AtLeast, 1.0),
        ("p95 of the convnet, on / off", "batching.convnet.p95-gain", Goal.AtMost, 1.0),
        ("heavy model / raw ONNX Runtime at the same batch", "heavy.over-raw", Goal.AtLeast, 0.9),
        ("embeddings of mixed lengths, c = 64, batching on / off", "embeddings.gain", Goal.AtLeast, 3.0),
        ("tokens a second, 32 streams / one at a time", "generation.gain", Goal.AtLeast, 4.0),
        ("heavy model, goodput at 4x overload / capacity", "overload.x4.goodput-ratio", Goal.AtLeast, 0.95),
        ("time to refuse at 4x, p50 (ms)", "overload.x4.refused.p50", Goal.Below, 5),
        ("queue hop there and back, c = 1, p50 (ms)", "hop.c1.p50", Goal.Below, 1),
        ("durable jobs / pgbench simple-insert, c = 32", "jobs.c32.ratio", Goal.AtLeast, 0.5),
        ("the same, c = 256", "jobs.c256.ratio", Goal.AtLeast, 0.5),
        ("50 open dashboards, of the Api's processor time (% of a core)", "dashboards.one-key.cost", Goal.AtMost, 5),
        ("processor time of a request, 2 Api x 2 Worker / 1 x 1", "replicas.cost", Goal.AtMost, 1.1),
        ("resident memory, growth over the second half of the requests (%)", "memory.resident.growth", Goal.Below, 1),
    ];

    public static IReadOnlyList<TargetResult> Compare(Report report) =>
        [.. All.Select(
            t => new TargetResult(t.What, $"{Symbol(t.Goal)} {t.Bound}", report[t.Value], Reached(t.Goal, t.Bound, report[t.Value])))];

    public static void Print(IReadOnlyList<TargetResult> results)
    {
        Console.WriteLine();
        Console.WriteLine($"{"target",-64} {"goal",8} {"here",9}");
        foreach (var result in results)
        {
            var word = result.Reached switch { true => "reached", false => "NOT REACHED", null => "not measured" };
            var value = result.Value is { } v ? Report.Round(v) : "";
            Console.WriteLine($"{result.What,-64} {result.Goal,8} {value,9}  {word}");
        }
    }

    private static bool? Reached(Goal goal, double bound, double? value) => value is not { } v || double.IsNaN(v)
        ? null
        : goal switch { Goal.AtLeast => v >= bound, Goal.AtMost => v <= bound, _ => v < bound };

    private static string Symbol(Goal goal) => goal switch { Goal.AtLeast => ">=", Goal.AtMost => "<=", _ => "<" };

    private enum Goal
    {
        AtLeast,
        AtMost,
        Below,
    }
}

/// <param name="Value">Null where this run did not measure it.</param>
internal sealed record TargetResult(string What, string Goal, double? Value, bool? Reached);
