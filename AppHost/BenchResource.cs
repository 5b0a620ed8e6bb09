namespace InferenceTemplate.AppHost;

internal static class BenchResource
{
    /// <summary>The benchmark, started by hand from the dashboard. It brings a platform of its own; what is published has none.</summary>
    public static void AddBench(this IDistributedApplicationBuilder builder)
    {
        if (builder.ExecutionContext.IsRunMode)
        {
            // In Release, whatever this AppHost is: other numbers say nothing.
            builder.AddExecutable("bench", "dotnet", Path.Combine("..", "Bench"), "run", "--configuration", "Release", "--", "--quick")
                .WithIconName("TopSpeed")
                .WithExplicitStart();
        }
    }
}
