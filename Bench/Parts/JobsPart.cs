namespace InferenceTemplate.Bench.Parts;

internal static class JobsPart
{
    public static Task RunAsync(Stage stage) => Task.CompletedTask;
}
