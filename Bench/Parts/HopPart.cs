namespace InferenceTemplate.Bench.Parts;

internal static class HopPart
{
    public static Task RunAsync(Stage stage) => Task.CompletedTask;
}
