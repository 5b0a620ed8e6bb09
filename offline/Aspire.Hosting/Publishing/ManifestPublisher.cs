using System.Text.Json;

namespace Aspire.Hosting.Publishing;

/// <summary>Writes the manifest: the file that aspirate and azd read.</summary>
internal static class ManifestPublisher
{
    public static async Task PublishAsync(PublishingStepContext step)
    {
        var path = step.OutputPath.EndsWith(".json", StringComparison.Ordinal)
            ? step.OutputPath
            : Path.Combine(step.OutputPath, "aspire-manifest.json");
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        await using var file = new FileStream(path, FileMode.Create);
        await using var writer = new Utf8JsonWriter(file, new JsonWriterOptions { Indented = true });
        var context = new ManifestPublishingContext(step.ExecutionContext, path, writer, step.CancellationToken);
        await context.WriteModelAsync(step.Model);
        Console.WriteLine($"Published manifest to: {path}");
    }
}
