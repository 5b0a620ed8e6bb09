using System.Text;
using InferenceTemplate.Tests.Shared;

namespace InferenceTemplate.Tests.Api;

/// <summary>Models, and pipelines of them, uploaded as any user would.</summary>
public sealed class PipelineModels(Platform platform) : IAsyncLifetime
{
    public const int Width = 64;

    private readonly string _id = $"{Guid.NewGuid():N}"[..12];

    /// <summary>Layers of weights, in two versions.</summary>
    public string Layers => $"layers-{_id}";

    /// <summary>An index for each row: which of its numbers is the largest.</summary>
    public string Rows => $"rows-{_id}";

    /// <summary>A table of as many numbers; in its second version of eight.</summary>
    public string Lookup => $"lookup-{_id}";

    public string Pipeline => $"pipeline-{_id}";

    /// <summary>A pipeline whose last step fails where the largest number is none of the first eight.</summary>
    public string Failing => $"failing-{_id}";

    public string Rejected => $"rejected-{_id}";

    public string Decoder => $"decoder-{_id}";

    public static (string Name, byte[] Content)[] Files(string json) => [("pipeline.json", Encoding.UTF8.GetBytes(json))];

    /// <summary>A pipeline of one step.</summary>
    public static string One(string model, string version) => $$$"""
        {
          "inputs": ["in"],
          "steps": [{"name": "one", "model": "{{{model}}}", "version": "{{{version}}}", "inputs": {"x": "in"}}],
          "outputs": {"out": "one.y"}
        }
        """;

    public async ValueTask InitializeAsync()
    {
        using var admin = platform.Admin();
        await ReadyAsync(admin, Layers, ("model.onnx", OnnxModel.Layers(3, Width)));
        await SecondAsync(admin, Layers, OnnxModel.Layers(2, Width));
        await ReadyAsync(admin, Rows, ("model.onnx", IndexOfRow));
        await ReadyAsync(admin, Lookup, ("model.onnx", Table(Width)));
        await SecondAsync(admin, Lookup, Table(8));
        await ReadyAsync(admin, Decoder, TinyDecoder.Files());
        _ = await ChatModel.UploadAsync(admin, Rejected, [("model.onnx", "no model"u8.ToArray())]);
        await ReadyAsync(admin, Pipeline, Files($$$"""
            {
              "inputs": ["in"],
              "steps": [
                {"name": "first", "model": "{{{Layers}}}", "version": "1", "inputs": {"x": "in"}},
                {"name": "second", "model": "{{{Layers}}}", "version": "2", "inputs": {"x": "first.y"}},
                {"name": "rows", "model": "{{{Rows}}}", "version": "1", "inputs": {"x": "second.y"}},
                {"name": "look", "model": "{{{Lookup}}}", "version": "1", "inputs": {"index": "rows.y"}}
              ],
              "outputs": {"out": "second.y", "value": "look.value"}
            }
            """));
        await ReadyAsync(admin, Failing, Files($$$"""
            {
              "inputs": ["in"],
              "steps": [
                {"name": "rows", "model": "{{{Rows}}}", "version": "1", "inputs": {"x": "in"}},
                {"name": "look", "model": "{{{Lookup}}}", "version": "2", "inputs": {"index": "rows.y"}}
              ],
              "outputs": {"value": "look.value"}
            }
            """));
        foreach (var model in (string[])[Layers, Rows, Lookup, Pipeline, Failing])
        {
            await admin.OnEachReplicaAsync(
                () => new HttpRequestMessage(HttpMethod.Get, $"/v2/models/{model}"), known => Task.FromResult(known.IsSuccessStatusCode));
        }
    }

    public async ValueTask DisposeAsync()
    {
        using var admin = platform.Admin();
        foreach (var model in (string[])[Failing, Pipeline, Layers, Rows, Lookup, Rejected, Decoder])
        {
            using var deleted = await admin.DeleteAsync($"/v1/models/{model}");
        }
    }

    private static byte[] IndexOfRow => new OnnxModel()
        .Input("x", OnnxModel.Float, -1, Width).Output("y", OnnxModel.Int64, -1)
        .Node("ArgMax", ["x"], ["y"], ("axis", 1), ("keepdims", 0))
        .ToBytes();

    private static byte[] Table(int size) => new OnnxModel()
        .Input("index", OnnxModel.Int64, -1).Output("value", OnnxModel.Float, -1)
        .Constant("table", [.. Enumerable.Range(0, size).Select(i => i + 0.25f)], size)
        .Node("Gather", ["table", "index"], ["value"])
        .ToBytes();

    private static async Task ReadyAsync(HttpClient admin, string model, params (string Name, byte[] Content)[] files)
    {
        var version = await ChatModel.UploadAsync(admin, model, files);
        Assert.True(version.GetProperty("state").GetString() == "ready", version.ToString());
    }

    private static async Task SecondAsync(HttpClient admin, string model, byte[] content)
    {
        using var second = new ByteArrayContent(content);
        using var uploaded = await admin.PostAsync($"/v1/models/{model}/versions", second);
        await Wait.UntilAsync(async () =>
            (await admin.GetStringAsync($"/v1/models/{model}/versions/2")).Contains("\"ready\"", StringComparison.Ordinal));
    }
}
