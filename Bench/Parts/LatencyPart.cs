namespace InferenceTemplate.Bench.Parts;

internal static class LatencyPart
{
    public static Task RunAsync(Stage stage) => Task.CompletedTask;
}
