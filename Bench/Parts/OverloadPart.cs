namespace InferenceTemplate.Bench.Parts;

internal static class OverloadPart
{
    public static Task RunAsync(Stage stage) => Task.CompletedTask;
}
