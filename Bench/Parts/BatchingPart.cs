namespace InferenceTemplate.Bench.Parts;

internal static class BatchingPart
{
    public static Task RunAsync(Stage stage) => Task.CompletedTask;
}
