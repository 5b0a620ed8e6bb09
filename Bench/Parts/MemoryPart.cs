namespace InferenceTemplate.Bench.Parts;

internal static class MemoryPart
{
    public static Task RunAsync(Stage stage) => Task.CompletedTask;
}
