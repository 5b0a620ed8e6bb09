namespace InferenceTemplate.Bench.Parts;

internal static class ChaosPart
{
    public static Task RunAsync(Stage stage) => Task.CompletedTask;
}
